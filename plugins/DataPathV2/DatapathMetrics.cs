using System.Diagnostics.Metrics;
using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Pins;
using Terway.Plugins.DataPathV2.Services;

namespace Terway.Plugins.DataPathV2;

/// <summary>What the programs count, read from their maps when somebody asks. The host's exporter sees the meter by its name.</summary>
internal sealed class DatapathMetrics : IDisposable
{
    private static readonly string[] s_pods = [DatapathPins.Pods4, DatapathPins.Pods6];

    private readonly Meter _meter = new("Terway.Plugins.DataPathV2");
    private readonly PinnedMaps _maps;
    private readonly Func<ServiceFigures?> _services;
    private readonly Func<IReadOnlyList<(string Name, long Used, long Size)>> _counted;

    /// <param name="maps">What the programs count in.</param>
    /// <param name="services">Figures of Services; null when they are not balanced here.</param>
    /// <param name="counted">Maps that are counted in the background: name, entries in use, entries that fit.</param>
    /// <param name="isPaced">Whether limits of new pods are kept by departure times.</param>
    public DatapathMetrics(PinnedMaps maps, Func<ServiceFigures?> services, Func<IReadOnlyList<(string Name, long Used, long Size)>> counted, Func<bool> isPaced)
    {
        _maps = maps;
        _services = services;
        _counted = counted;
        _meter.CreateObservableCounter(
            "terway.datapath.packets", Packets, "{packet}", "Packets of pods by the way they took; stack-*: left to the node's own stack, and why.");
        _meter.CreateObservableCounter("terway.datapath.drops", Drops, "{packet}", "Packets of pods that were dropped, by reason.");
        _meter.CreateObservableCounter(
            "terway.datapath.service.calls", Calls, "{call}", "Calls of sockets to Services: sent to a backend, sticky: to the one of before, or refused for want of one.");
        _meter.CreateObservableGauge("terway.datapath.services", Services, "{service}", "Services that are balanced.");
        _meter.CreateObservableGauge(
            "terway.datapath.bandwidth.mode", () => new Measurement<int>(1, new KeyValuePair<string, object?>("mode", isPaced() ? "edt" : "tbf")),
            description: "1 for how limits of new pods' bandwidth are kept: edt or tbf.");
        _meter.CreateObservableGauge("terway.datapath.map.entries", Used, "{entry}", "Entries in use of eBPF maps.");
        _meter.CreateObservableGauge("terway.datapath.map.capacity", Sizes, "{entry}", "Entries that fit into them.");
    }

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> Packets() => Enum.GetValues<PathTaken>()
        .Select(path => new Measurement<long>(Sum(_maps[DatapathPins.Paths], (uint)path), new KeyValuePair<string, object?>("path", WireNames.Of(path))));

    private IEnumerable<Measurement<long>> Drops() => Enum.GetValues<DropReason>().Where(static r => r != DropReason.None)
        .Select(reason => new Measurement<long>(Sum(_maps[DatapathPins.Drops], (uint)reason), new KeyValuePair<string, object?>("reason", WireNames.Of(reason))));

    private IEnumerable<Measurement<long>> Used() => All().Select(static m => new Measurement<long>(m.Used, Tag(m.Name)));

    private IEnumerable<Measurement<long>> Sizes() => All().Select(static m => new Measurement<long>(m.Size, Tag(m.Name)));

    // Few pods, read when somebody asks; what their writer knows; and what is too large to be walked for a figure.
    private IEnumerable<(string Name, long Used, long Size)> All() => s_pods.Select(name => (name, _maps[name].Walk(), (long)_maps[name].MaxEntries))
        .Concat(_services()?.Maps ?? []).Concat(_counted().Where(static m => !s_pods.Contains(m.Name)));

    private IEnumerable<Measurement<long>> Calls() => _services() is not { } figures ? [] : Enum.GetValues<SvcOutcome>()
        .Select(outcome => new Measurement<long>(Sum(figures.Outcomes, (uint)outcome), new KeyValuePair<string, object?>("outcome", WireNames.Of(outcome))));

    private IEnumerable<Measurement<long>> Services() => _services() is { } figures ? [new(figures.Services)] : [];

    private static KeyValuePair<string, object?> Tag(string map) => new("map", map);

    private static long Sum(BpfMap map, uint index)
    {
        Span<ulong> values = stackalloc ulong[BpfMap.PossibleCpus()];
        ulong sum = 0;
        if (map.TryLookupPerCpu(in index, values))
        {
            foreach (var value in values) sum += value;
        }

        return (long)sum;
    }
}
