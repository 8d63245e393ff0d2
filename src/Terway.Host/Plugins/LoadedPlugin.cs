using Terway.Configuration.Plugins.Manifests;
using Terway.Configuration.Plugins.Resolution;
using Terway.Host.Plugins.Loading;
using Terway.Plugin;

namespace Terway.Host.Plugins;

/// <summary>A plugin of the node's set and its state. Thread-safe.</summary>
internal sealed class LoadedPlugin
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Action<LoadedPlugin, PluginState> _changed;
    private PluginStatus _status;
    private IReadOnlyList<Finding> _findings = [];

    /// <param name="resolved">The version chosen.</param>
    /// <param name="time">Clock.</param>
    /// <param name="changed">Called after each change of state, with the state before.</param>
    internal LoadedPlugin(ResolvedPlugin resolved, TimeProvider time, Action<LoadedPlugin, PluginState> changed)
    {
        Resolved = resolved;
        _time = time;
        _changed = changed;
        _status = new PluginStatus(Manifest.Name, Manifest.Version.ToNormalizedString(), PluginState.Discovered, "", resolved.Why, resolved.Required,
            Manifest.Provides, time.GetUtcNow());
    }

    /// <summary>What was chosen, and why.</summary>
    public ResolvedPlugin Resolved { get; }

    /// <summary>The manifest.</summary>
    public PluginManifest Manifest => Resolved.Manifest;

    /// <summary>The state.</summary>
    public PluginState State => Status.State;

    /// <summary>Why it is in that state; empty when all is well.</summary>
    public string Reason => Status.Reason;

    /// <summary>All of it at one moment.</summary>
    public PluginStatus Status
    {
        get
        {
            lock (_lock)
                return _status;
        }
    }

    /// <summary>What is wrong with it now.</summary>
    public IReadOnlyList<Finding> Findings
    {
        get
        {
            lock (_lock)
                return _findings;
        }
    }

    /// <summary>Whether its roles are used.</summary>
    public bool InService => State is PluginState.Loaded or PluginState.Started or PluginState.Degraded;

    /// <summary>The loaded half; null before it is loaded, when that failed, and after it was unloaded.</summary>
    internal ActivePlugin? Active { get; set; }

    internal void Become(PluginState state, params IReadOnlyList<Finding> findings)
    {
        PluginState before;
        lock (_lock)
        {
            before = _status.State;
            if (!IsAllowed(before, state))
                throw new InvalidOperationException($"{Manifest}: no way from {before} to {state}");
            if (before == state && _findings.SequenceEqual(findings))
                return;
            _findings = findings;
            _status = _status with
            {
                State = state,
                Reason = string.Join(" | ", findings.Select(f => $"{f.Reason}; {f.Fix}")),
                Since = before == state ? _status.Since : _time.GetUtcNow(),
            };
        }
        _changed(this, before);
    }

    private static bool IsAllowed(PluginState from, PluginState to) => from switch
    {
        PluginState.Discovered => to is PluginState.Rejected or PluginState.Loaded or PluginState.Faulted,
        PluginState.Loaded => to is PluginState.Started or PluginState.Faulted or PluginState.Stopped,
        PluginState.Started or PluginState.Degraded => to is PluginState.Started or PluginState.Degraded or PluginState.Faulted or PluginState.Stopped,
        _ => false,
    };
}
