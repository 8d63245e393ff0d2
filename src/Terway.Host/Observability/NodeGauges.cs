using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using Terway.Host.Plugins;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Observability;

/// <summary>The node's state as numbers. Read from memory when somebody asks: nothing is polled. Thread-safe.</summary>
internal sealed class NodeGauges : IDisposable
{
    private readonly NodeReadiness _readiness;
    private readonly Meter _meter = new("Terway.Host.Node");
    private volatile ObservedNode? _node;

    public NodeGauges(NodeReadiness readiness)
    {
        _readiness = readiness;
        _meter.CreateObservableGauge("terway.node.ready", () => _readiness.NotReady() is null ? 1 : 0, null, "1 when the node can take pods: what STATUS says.");
        _meter.CreateObservableGauge("terway.findings", Findings, "{finding}", "Present findings, by severity.");
        _meter.CreateObservableGauge("terway.pool.capacity", () => Pools(static c => c.Total), "{pod}", "Pods the node can carry at most, by provider.");
        _meter.CreateObservableGauge("terway.pool.in_use", () => Pools(static c => c.InUse), "{pod}", "Pods that hold an allocation, by provider.");
        _meter.CreateObservableGauge("terway.pool.idle", () => Pools(static c => c.Idle), "{pod}", "Allocations that can be given at once, by provider.");
        _meter.CreateObservableGauge("terway.pool.cooling_down", () => Pools(static c => c.CoolingDown), "{pod}", "Addresses given back too recently, by provider.");
        _meter.CreateObservableGauge("terway.pool.exhausted", () => Pools(static c => c.Exhausted is null ? 0 : 1), null, "1 when no pod can be served nor will be by itself, by provider.");
        _meter.CreateObservableGauge("terway.attachments", Attachments, "{attachment}", "Pod interfaces in the journal, by phase.");
        _meter.CreateObservableGauge("terway.detach.backlog", () => _node is { } n ? [new Measurement<int>(n.Detacher.PendingCount)] : Array.Empty<Measurement<int>>(), "{attachment}", "Attachments whose kernel objects still wait to be taken away.");
        _meter.CreateObservableGauge("terway.plugin.state", PluginStates, null, "1 for the state that each plugin version is in.");
        _meter.CreateObservableGauge("terway.plugin_set.info", PluginSetInfo, null, "1; the label names the plugins in service, in dependency order.");
        _meter.CreateObservableGauge("terway.build.info", static () => new Measurement<int>(1, new("version", DaemonVersion.Text), new("runtime", RuntimeInformation.FrameworkDescription)), null, "1; the labels name the daemon's version and its runtime.");
        _meter.CreateObservableGauge("terway.state_file.size", StateFile, "By", "Size of the state file, by part: db and its write-ahead log.");
        ProcessMetrics.Add(_meter);
    }

    /// <summary>From now on there are pods and plugins to look at.</summary>
    public void Attach(ObservedNode node) => _node = node;

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<int>> Findings()
    {
        var counts = _readiness.Findings.CountBy(static f => f.Value.Severity).ToDictionary();
        foreach (var severity in Enum.GetValues<FindingSeverity>())
        {
            yield return new(counts.GetValueOrDefault(severity), new KeyValuePair<string, object?>("severity", severity.ToString().ToLowerInvariant()));
        }
    }

    private IEnumerable<Measurement<int>> Pools(Func<Capacity, int> number)
    {
        foreach (var provider in _node?.Plugins.Providers ?? [])
        {
            yield return new(number(provider.Role.GetCapacity()), new KeyValuePair<string, object?>("provider", provider.Plugin.Manifest.Name));
        }
    }

    private IEnumerable<Measurement<int>> Attachments()
    {
        if (_node is not { } node) yield break;
        var counts = node.Table.All.CountBy(static a => a.Phase).ToDictionary();
        foreach (var phase in Enum.GetValues<AttachmentPhase>())
        {
            yield return new(counts.GetValueOrDefault(phase), new KeyValuePair<string, object?>("phase", phase.ToString().ToLowerInvariant()));
        }
    }

    private IEnumerable<Measurement<int>> PluginStates()
    {
        foreach (var plugin in _node?.Plugins.Status ?? [])
        {
            yield return new(1, new("plugin", plugin.Name), new("version", plugin.Version), new("state", plugin.State.ToString()));
        }
    }

    private IEnumerable<Measurement<int>> PluginSetInfo()
    {
        if (_node is not { } node) yield break;
        var names = node.Plugins.Plugins.Where(static p => p.InService).Select(static p => $"{p.Manifest.Name}/{p.Manifest.Version.ToNormalizedString()}");
        yield return new(1, new KeyValuePair<string, object?>("plugins", string.Join(',', names)));
    }

    private IEnumerable<Measurement<long>> StateFile()
    {
        if (_node is not { } node) yield break;
        foreach (var (part, suffix) in ((string, string)[])[("db", ""), ("wal", "-wal")])
        {
            var file = new FileInfo(node.StateFile + suffix);
            if (file.Exists) yield return new(file.Length, new KeyValuePair<string, object?>("part", part));
        }
    }
}
