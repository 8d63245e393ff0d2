namespace Terway.Host.Plugins;

/// <summary>How long plugins may take. The contract promises the times for start and stop.</summary>
internal sealed record PluginSetOptions
{
    /// <summary>For loading and for all constructors together.</summary>
    public TimeSpan Compose { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For each service's start.</summary>
    public TimeSpan Start { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For each service's stop, and for the disposal of a plugin's parts.</summary>
    public TimeSpan Stop { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For an answer about health, which plugins give from memory.</summary>
    public TimeSpan Health { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Whether plugins can be unloaded from the running process. The runtime does not use precompiled (ReadyToRun) code in unloadable contexts,
    /// which costs a quarter of a second at start for a plugin the size of SharedEni: a host that ends with its plugins leaves it off.
    /// </summary>
    public bool Unloadable { get; init; } = true;
}
