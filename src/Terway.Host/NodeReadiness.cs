using System.Collections.Concurrent;
using Terway.Host.Plugins;
using Terway.Host.Pods;
using Terway.Plugin;

namespace Terway.Host;

/// <summary>What is wrong with this node now. Answers from memory: runtimes ask every few seconds. Thread-safe.</summary>
internal sealed class NodeReadiness
{
    private readonly ConcurrentDictionary<string, Finding> _findings = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Finding> _blocking = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Finding> _suspending = new(StringComparer.Ordinal);
    private IReadOnlyList<PluginPart<IAddressProvider>> _providers = [];
    private PluginSet? _plugins;
    private volatile bool _serving;

    /// <summary>All present findings by path.</summary>
    public IEnumerable<KeyValuePair<string, Finding>> Findings => _blocking.Concat(_suspending).Concat(_findings);

    /// <summary>Notes what keeps this node from serving new pods until the daemon is restarted.</summary>
    public void Block(string path, Finding finding) => _blocking[path] = finding;

    /// <summary>Sets or clears the finding at a path: something pods may or may not notice.</summary>
    public void Report(string path, Finding? finding)
    {
        if (finding is null) _findings.TryRemove(path, out _);
        else _findings[path] = finding;
    }

    /// <summary>Sets or clears what keeps this node from serving new pods for now. ADD is tried all the same: it may be the first to find that it is over.</summary>
    public void Suspend(string path, Finding? finding)
    {
        if (finding is null) _suspending.TryRemove(path, out _);
        else _suspending[path] = finding;
    }

    /// <summary>From now on pods are served.</summary>
    public void Serve(IReadOnlyList<PluginPart<IAddressProvider>> providers, PluginSet plugins)
    {
        _providers = providers;
        _plugins = plugins;
        _serving = true;
    }

    /// <summary>Why an ADD cannot even be tried, or null. An exhausted pool is no such reason: a waiting pod may get an address that comes back.</summary>
    public string? RefusesAdd()
    {
        if (!_serving) return "the daemon is starting";
        foreach (var (path, finding) in _blocking)
        {
            if (finding.Severity == FindingSeverity.Error) return $"{path}: {finding.Reason}; {finding.Fix}";
        }

        return null;
    }

    /// <summary>Why the node should get no new pods, or null.</summary>
    public string? NotReady()
    {
        foreach (var (path, finding) in _suspending) return $"{path}: {finding.Reason}; {finding.Fix}";
        if (RefusesAdd() is { } reason) return reason;
        foreach (var service in _plugins?.Services ?? [])
        {
            if (service.Role.Health is { Severity: FindingSeverity.Error } finding) return $"{service.Plugin.Manifest.Name}: {finding.Reason}; {finding.Fix}";
        }

        if (_providers.Count == 0) return "no plugin gives addresses";
        return Useless();
    }

    /// <summary>
    /// Why no provider can serve any pod. A node that is merely full is ready: a runtime that hears otherwise makes the kubelet call the node
    /// NotReady, and the pods that fill it are evicted.
    /// </summary>
    private string? Useless()
    {
        string? exhausted = null;
        foreach (var provider in _providers)
        {
            var capacity = provider.Part.GetCapacity();
            if (capacity.Exhausted is null || capacity.InUse > 0) return null;
            exhausted ??= capacity.Exhausted;
        }

        return exhausted;
    }
}
