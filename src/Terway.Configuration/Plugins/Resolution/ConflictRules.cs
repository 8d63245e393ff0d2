using Terway.Configuration.Plugins.Manifests;

namespace Terway.Configuration.Plugins.Resolution;

/// <summary>When two plugins cannot be active together.</summary>
internal static class ConflictRules
{
    /// <summary>Whether <paramref name="one"/> declares a conflict with <paramref name="other"/>.</summary>
    public static bool Clash(PluginManifest one, PluginManifest other) =>
        one.Conflicts.TryGetValue(other.Name, out var range) && range.Satisfies(other.Version);
}
