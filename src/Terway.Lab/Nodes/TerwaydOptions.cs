namespace Terway.Lab.Nodes;

/// <summary>What a lab knows of terwayd; everything about its command line is here and in <see cref="TerwaydProcess"/>.</summary>
public sealed record TerwaydOptions
{
    /// <summary>The executable, or a .dll to be run by <c>dotnet</c>.</summary>
    public required string Program { get; init; }

    /// <summary>Folder of plugins, <c>&lt;Name&gt;/&lt;Version&gt;/</c>.</summary>
    public required string PluginDir { get; init; }

    /// <summary>Folders with the entrypoint and the plugins that are chained to it.</summary>
    public required IReadOnlyList<string> CniBinDirs { get; init; }

    /// <summary>The node pool's configuration, JSON of <c>eni_conf</c>.</summary>
    public required string EniConf { get; init; }

    public required Uri MetadataEndpoint { get; init; }

    public required Uri OpenApiEndpoint { get; init; }

    /// <summary>Added after the lab's own, for what a test wants to try.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>
    /// As a DaemonSet sets it: 2 MiB of new objects between collections (hexadecimal), instead of as much as the machine's cache holds.
    /// </summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string> { ["DOTNET_GCgen0size"] = "200000" };
}
