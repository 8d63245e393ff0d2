using Terway.Configuration.Plugins.Manifests;

namespace Terway.Configuration.Plugins.Resolution;

/// <summary>A plugin version chosen for a pool.</summary>
/// <param name="Plugin">The version.</param>
/// <param name="Request">The pool's entry; null when another plugin brought it.</param>
/// <param name="Required">Whether the node serves no pods without it.</param>
/// <param name="AskedBy">Who asks for the plugin, with the versions they accept; at least one.</param>
/// <param name="PassedOver">Newer versions that are there and were not taken, newest first.</param>
internal sealed record ResolvedPlugin(
    DiscoveredPlugin Plugin, PluginRequest? Request, bool Required, IReadOnlyList<PluginDemand> AskedBy, IReadOnlyList<PassedOverVersion> PassedOver)
{
    public PluginManifest Manifest => Plugin.Manifest;

    /// <summary>Why this version, for operators.</summary>
    public string Why => string.Join("; ",
    [
        Request is null ? $"added because {string.Join(" and ", AskedBy)}" : string.Join("; ", AskedBy),
        .. PassedOver.Count == 0 ? ["the newest version there is"] : PassedOver.Select(static p => $"{p.Version} passed over: {p.Reason}"),
    ]);
}

/// <summary>Somebody who asks for a plugin.</summary>
/// <param name="By">Who or what, such as <c>listed by the pool</c> or <c>NetworkPolicy requires it</c>.</param>
/// <param name="Range">Versions that are accepted; null is any.</param>
/// <param name="Listed">Whether it is an entry of the pool's list, or what stands for one.</param>
internal sealed record PluginDemand(string By, string? Range, bool Listed)
{
    public override string ToString() => Range is null ? By : Listed ? $"{By} as {Range}" : $"{By} ({Range})";
}

/// <summary>A newer version that was not taken.</summary>
internal sealed record PassedOverVersion(string Version, string Reason);
