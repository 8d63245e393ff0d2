using Terway.Bench.Traffic;

namespace Terway.Bench.Datapath;

/// <summary>Everything that is measured between the wires of one comparison, and the figures of it.</summary>
/// <param name="prefix">begins the figures' names</param>
/// <param name="suffix">ends them</param>
/// <param name="effort">how much</param>
/// <param name="print">gets each figure</param>
/// <param name="ct">ends it between slices</param>
internal sealed class Comparison(string prefix, string suffix, Effort effort, Action<Figure> print, CancellationToken ct)
{
    /// <summary>Ways to compare with each other.</summary>
    /// <param name="Ending">ends the figure's name</param>
    /// <param name="Ours">what is measured</param>
    /// <param name="Theirs">against what</param>
    public sealed record Pair(string Ending, Wire Ours, Wire Theirs);

    /// <summary>Measures all wires in turn, and prints the figures of each pair.</summary>
    public void Run(IReadOnlyList<Pair> pairs, IReadOnlyList<Metric> metrics)
    {
        List<Wire> wires = [.. pairs.SelectMany(static p => new[] { p.Ours, p.Theirs }).Distinct()];
        foreach (var metric in metrics)
        {
            var series = Rounds.Run(wires, effort.RoundsOf(metric), wire => Probe(metric, wire), ct);
            foreach (var pair in pairs) Figures(metric, pair.Ending, Of(pair.Ours), Of(pair.Theirs));

            Series Of(Wire wire) => series[wires.IndexOf(wire)];
        }
    }

    private Slice Probe(Metric metric, Wire wire) => metric switch
    {
        Metric.Latency => Probes.Latency(wire.Target, tcp: true, effort.Requests),
        Metric.BusyLatency => Probes.Latency(wire.Target, tcp: true, effort.Requests * 2, spinning: true),
        Metric.UdpLatency => Probes.Latency(wire.UdpTarget, tcp: false, effort.Requests),
        Metric.Datagrams => Probes.Datagrams(wire.UdpTarget, effort.Requests),
        Metric.Connect => Probes.Connections(wire.Target, effort.Connections),
        Metric.Throughput => Probes.Bulk(wire.Target, 1, effort.Bytes, wire.Client.Fd),
        Metric.CoreThroughput => Probes.Bulk(wire.Target, 1, effort.Bytes, wire.Client.Fd, oneCore: true),
        Metric.Throughput4 => Probes.Bulk(wire.Target, EchoSite.Streams, effort.Bytes, wire.Client.Fd),
        _ => throw new ArgumentOutOfRangeException(nameof(metric)),
    };

    private void Figures(Metric metric, string ending, Series ours, Series theirs)
    {
        var (name, unit) = metric switch
        {
            Metric.Latency => ("latency", "us"),
            Metric.BusyLatency => ("busy_latency", "us"),
            Metric.UdpLatency => ("udp_latency", "us"),
            Metric.Datagrams => ("udp_sendto_latency", "us"),
            Metric.Connect => ("connect", "1/s"),
            Metric.Throughput => ("throughput", "Gbit/s"),
            Metric.CoreThroughput => ("core_throughput", "Gbit/s"),
            Metric.Throughput4 => ("throughput_4", "Gbit/s"),
            _ => throw new ArgumentOutOfRangeException(nameof(metric)),
        };
        print(Figure.OfRounds(NameOf(name, ending), unit, ours.Values, theirs.Values, ours.Tail, theirs.Tail));
        if (metric is Metric.Throughput or Metric.Throughput4)
            print(Figure.OfRounds(NameOf(name.Replace("throughput", "cpu", StringComparison.Ordinal), ending), "ms/Gbit", ours.Cpu, theirs.Cpu, null, null));
    }

    private string NameOf(string name, string ending) => $"{prefix}_{name}_ratio{ending}{suffix}";
}

/// <summary>What is measured.</summary>
internal enum Metric
{
    /// <summary>TCP request and answer, both sides asleep until it comes.</summary>
    Latency,

    /// <summary>The same with both sides asking again and again.</summary>
    BusyLatency,
    UdpLatency,

    /// <summary>Of UDP sockets that are not connected.</summary>
    Datagrams,
    Connect,
    Throughput,

    /// <summary>Client and server on one core: what a byte costs, and nothing of what two cores do to each other.</summary>
    CoreThroughput,
    Throughput4,
}

/// <summary>How much is measured.</summary>
/// <param name="Rounds">rounds of latencies and connections</param>
/// <param name="BulkRounds">rounds of transfers</param>
/// <param name="Requests">requests of a slice</param>
/// <param name="Connections">connections of a slice</param>
/// <param name="Bytes">bytes of a slice</param>
internal sealed record Effort(int Rounds, int BulkRounds, int Requests, int Connections, long Bytes)
{
    /// <summary>Slices of some 15 ms: shorter than what disturbs them.</summary>
    public static Effort Full { get; } = new(Rounds: 150, BulkRounds: 60, Requests: 400, Connections: 150, Bytes: 96 << 20);

    public static Effort Quick { get; } = Full with { Rounds = 25, BulkRounds = 10 };

    public int RoundsOf(Metric metric) => metric is Metric.Throughput or Metric.CoreThroughput or Metric.Throughput4 ? BulkRounds : Rounds;
}
