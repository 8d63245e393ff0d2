using Terway.Plugin;

namespace Terway.Host.Plugins.Loading;

/// <summary>A plugin does not get into service, and why.</summary>
internal sealed class PluginRefusedException(PluginState state, IReadOnlyList<Finding> findings)
    : Exception(string.Join("; ", findings.Select(f => f.Reason)))
{
    public PluginRefusedException(PluginState state, string reason, string fix)
        : this(state, [new Finding(FindingSeverity.Error, reason, fix)])
    {
    }

    /// <summary><see cref="PluginState.Rejected"/>, or <see cref="PluginState.Faulted"/> when the plugin's own code failed.</summary>
    public PluginState State { get; } = state;

    /// <summary>Everything that was found.</summary>
    public IReadOnlyList<Finding> Findings { get; } = findings;
}
