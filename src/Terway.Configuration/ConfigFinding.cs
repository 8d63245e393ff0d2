using Terway.Plugin;

namespace Terway.Configuration;

/// <summary>A finding about the configuration.</summary>
/// <param name="Path">JSON path.</param>
/// <param name="Finding">What, why, and the way out.</param>
internal sealed record ConfigFinding(string Path, Finding Finding)
{
    /// <summary>The file it stems from; null when there is only one.</summary>
    public string? Source { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{(Source is null ? "" : $"{Source}: ")}{Path}: {Finding.Reason}; {Finding.Fix}";

    /// <summary>New pods cannot be served with this.</summary>
    public static ConfigFinding Error(string path, string reason, string fix) => new(path, new Finding(FindingSeverity.Error, reason, fix));

    /// <summary>Works, but not as the configuration says.</summary>
    public static ConfigFinding Warning(string path, string reason, string fix) => new(path, new Finding(FindingSeverity.Warning, reason, fix));

    /// <summary>Worth knowing.</summary>
    public static ConfigFinding Info(string path, string reason, string fix) => new(path, new Finding(FindingSeverity.Info, reason, fix));
}
