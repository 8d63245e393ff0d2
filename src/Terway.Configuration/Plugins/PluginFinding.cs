using Terway.Plugin;

namespace Terway.Configuration.Plugins;

/// <summary>A finding about a pool's plugin list or about a plugin.</summary>
/// <param name="Path">JSON path in the pool's configuration, such as <c>plugins[1].version</c>, or <c>plugin/Name/Version</c>.</param>
/// <param name="Finding">What, why, and the way out.</param>
internal sealed record PluginFinding(string Path, Finding Finding)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path}: {Finding.Reason}; {Finding.Fix}";
}
