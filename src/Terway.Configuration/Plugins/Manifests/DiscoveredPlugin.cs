namespace Terway.Configuration.Plugins.Manifests;

/// <summary>A plugin version in the plugin folder, with a valid manifest. Nothing of it has been loaded.</summary>
/// <param name="Folder">Full path of its folder.</param>
/// <param name="Manifest">Its manifest.</param>
internal sealed record DiscoveredPlugin(string Folder, PluginManifest Manifest)
{
    /// <inheritdoc/>
    public override string ToString() => Manifest.ToString();
}

/// <summary>A folder that looks like a plugin version and is none that can be used.</summary>
/// <param name="Name">Name of the outer folder.</param>
/// <param name="Version">Name of the inner folder; empty when there is none.</param>
/// <param name="Reasons">Everything that is wrong, each with what to do.</param>
internal sealed record RejectedFolder(string Name, string Version, IReadOnlyList<string> Reasons);
