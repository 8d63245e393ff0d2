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
}
