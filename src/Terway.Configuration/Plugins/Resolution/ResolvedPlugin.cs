using Terway.Configuration.Plugins.Manifests;

namespace Terway.Configuration.Plugins.Resolution;

/// <summary>A plugin version chosen for a pool.</summary>
/// <param name="Plugin">The version.</param>
/// <param name="Request">The pool's entry; null when another plugin brought it.</param>
/// <param name="Required">Whether the node serves no pods without it.</param>
/// <param name="Why">Why this version, for operators.</param>
internal sealed record ResolvedPlugin(DiscoveredPlugin Plugin, PluginRequest? Request, bool Required, string Why)
{
    public PluginManifest Manifest => Plugin.Manifest;
}
