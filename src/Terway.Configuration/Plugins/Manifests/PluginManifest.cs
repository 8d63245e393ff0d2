using NuGet.Versioning;

namespace Terway.Configuration.Plugins.Manifests;

/// <summary>A valid <c>plugin.json</c>. Immutable.</summary>
internal sealed record PluginManifest
{
    /// <summary>The plugin's name; also that of its folder.</summary>
    public required string Name { get; init; }

    /// <summary>The plugin's version; also the name of the folder inside.</summary>
    public required NuGetVersion Version { get; init; }

    /// <summary>File name of the entry assembly, in the plugin's folder itself.</summary>
    public required string Assembly { get; init; }

    /// <summary>One line for operators.</summary>
    public string Description { get; init; } = "";

    /// <summary>Contract versions it works with.</summary>
    public required VersionRange Contract { get; init; }

    /// <summary>Names of the roles it exports, see <see cref="PluginRoles"/>.</summary>
    public required IReadOnlyList<string> Provides { get; init; }

    /// <summary>Plugins that must be there too, and started before this one.</summary>
    public IReadOnlyDictionary<string, VersionRange> Requires { get; init; } = NoRanges;

    /// <summary>Plugins that must not be there.</summary>
    public IReadOnlyDictionary<string, VersionRange> Conflicts { get; init; } = NoRanges;

    /// <summary>Oldest kernel it runs on; null for any.</summary>
    public Version? MinKernel { get; init; }

    /// <summary>Capabilities of the instance it needs, see <see cref="Resolution.NodeEnvironment"/>.</summary>
    public IReadOnlyList<string> Cloud { get; init; } = [];

    /// <summary>The settings it reads.</summary>
    public SettingsSchema Settings { get; init; } = SettingsSchema.Empty;

    private static IReadOnlyDictionary<string, VersionRange> NoRanges { get; } = new SortedDictionary<string, VersionRange>(StringComparer.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Version}";
}
