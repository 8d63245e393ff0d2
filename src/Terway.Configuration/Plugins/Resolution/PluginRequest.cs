using System.Text.Json;
using NuGet.Versioning;

namespace Terway.Configuration.Plugins.Resolution;

/// <summary>One entry of a pool's plugin list.</summary>
/// <param name="Name">The plugin.</param>
internal sealed record PluginRequest(string Name)
{
    /// <summary>Versions the pool accepts; null is the newest that suits.</summary>
    public VersionRange? Versions { get; init; }

    /// <summary>Pinned digest of the plugin's folder in hex, see <see cref="Manifests.PluginDigest"/>; null is not pinned.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Settings of this plugin only, laid over those of the pool.</summary>
    public JsonElement? Settings { get; init; }

    /// <summary>Whether the node serves no pods when this plugin fails. An optional plugin that fails only degrades the node.</summary>
    public bool Required { get; init; } = true;

    /// <summary>JSON path of the entry in the pool's configuration.</summary>
    public string Path { get; init; } = $"plugins[{Name}]";

    /// <summary>What asks for it where no list names it: a key of an upstream configuration, a label. Null where the list does.</summary>
    public string? Because { get; init; }
}
