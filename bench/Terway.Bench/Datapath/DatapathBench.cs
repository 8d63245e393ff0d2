using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Terway.Bench.Datapath.Services;
using Terway.Bench.Traffic;
using Terway.Lab.Nodes;
using Terway.Linux.Namespaces;

namespace Terway.Bench.Datapath;

/// <summary>
/// DataPathV2 against a bare veth pair (what the kernel can do at best) and against policy routing through the node's stack, in turn within one run.
/// </summary>
internal sealed class DatapathBench(string dist, bool quick, string? plot, IReadOnlyList<string> only)
{
    /// <summary>What can be asked for by itself.</summary>
    public static readonly string[] Names = ["same_node", "cross_node", "service", "same_node_v6", "cross_node_v6", "service_v6"];

    private const string AgainstStack = "_vs_hoststack";
    private static readonly (AddressFamily Family, string Suffix)[] s_families = [(AddressFamily.InterNetwork, ""), (AddressFamily.InterNetworkV6, "_v6")];
    private static readonly Metric[] s_ofPods = [.. Enum.GetValues<Metric>().Where(static m => m != Metric.Datagrams)];
    private static readonly Metric[] s_ofServices = [Metric.Latency, Metric.UdpLatency, Metric.Datagrams, Metric.Connect];
    private readonly List<Figure> _figures = [];
    private readonly Effort _effort = quick ? Effort.Quick : Effort.Full;

    public async Task RunAsync(CancellationToken ct)
    {
        await using var nodes = await BenchNodes.StartAsync(dist, ct);
        var (bare, again) = (nodes.AddBarePair("bare1"), nodes.AddBarePair("bare2"));
        foreach (var (family, suffix) in s_families)
        {
            MeasuringThread.Run(() => SameNode(nodes, bare, again, family, suffix, ct));
            MeasuringThread.Run(() => AcrossNodes(nodes, family, suffix, ct));
            if (!quick || family == AddressFamily.InterNetwork) MeasuringThread.Run(() => Services(nodes, family, suffix, ct));
        }

        if (plot is not null) await File.WriteAllTextAsync(plot, RatioPlot.Draw(_figures), ct);
    }

    private void SameNode(BenchNodes nodes, BarePair bare, BarePair again, AddressFamily family, string suffix, CancellationToken ct)
    {
        var (stack, dp) = (nodes.HostStack, nodes.Accelerated);
        using var witness = new DatapathWitness([dp.One], "pod-to-pod");
        var limit = Bare("bare pair", bare, family);
        var ours = Between("DataPathV2, one node", dp.Client.Sandbox.NetNs, BenchNodes.Side.Of(dp.Near, family), witness);
        var theirs = Between("host stack, one node", stack.Client.Sandbox.NetNs, BenchNodes.Side.Of(stack.Near, family), new StackWitness([stack.One], family, forwards: true));
        // Two that are the same: how far off a figure can be by chance.
        Compare("same_node", suffix, [new("", ours, limit), new(AgainstStack, ours, theirs), new("_null", Bare("another bare pair", again, family), limit)], s_ofPods, ct);
    }

    private void AcrossNodes(BenchNodes nodes, AddressFamily family, string suffix, CancellationToken ct)
    {
        var (stack, dp) = (nodes.HostStack, nodes.Accelerated);
        using var witness = new DatapathWitness([dp.One, dp.Two], "pod-to-vpc", "vpc-to-pod");
        var ours = Between("DataPathV2, two nodes", dp.Client.Sandbox.NetNs, BenchNodes.Side.Of(dp.Far, family), witness);
        var limit = Between("node to node", dp.One.NetNs, dp.Two.Addresses.First(a => a.AddressFamily == family), new StackWitness([dp.One, dp.Two], family, forwards: false));
        var theirs = Between(
            "host stack, two nodes", stack.Client.Sandbox.NetNs, BenchNodes.Side.Of(stack.Far, family), new StackWitness([stack.One, stack.Two], family, forwards: true));
        Compare("cross_node", suffix, [new("", ours, limit), new(AgainstStack, ours, theirs)], s_ofPods, ct);
    }

    /// <summary>Pods to a Service, ten endpoints beside them: one node of each kind has one Service, the other has many.</summary>
    private void Services(BenchNodes nodes, AddressFamily family, string suffix, CancellationToken ct)
    {
        if (!Wanted("service", suffix)) return;
        var (stack, dp) = (nodes.HostStack, nodes.Accelerated);
        using var oneSees = new DatapathWitness([dp.One], "pod-to-pod");
        using var twoSees = new DatapathWitness([dp.Two], "pod-to-pod");
        using var programs = new ServicePrograms(dp.Two, dp.Client2, ct);
        var single = new ServicePrograms(dp.One, dp.Client, ct);
        single.Load(Set(1, dp.Near));
        KubeProxyRules.Load(stack.One, Set(1, stack.Near));
        foreach (var (count, label) in ((int, string)[])[(100, "100"), quick ? (1000, "1k") : (10_000, "10k")])
        {
            var (ours, theirs) = (Set(count, dp.Far), Set(count, stack.Far));
            var (programmed, rules) = (programs.Load(ours), KubeProxyRules.Load(stack.Two, theirs));
            if (count > 100)
            {
                Print(Figure.Single($"service_program_{label}_s{suffix}", "s", [programmed], [rules]));
                Print(Figure.Single($"service_maps_{label}_mib{suffix}", "MiB", [programs.MapsMib()], [single.MapsMib()]));
                Print(Figure.Single($"service_daemon_{label}_mib{suffix}", "MiB", [DaemonMib(dp, dp.Two)], [DaemonMib(dp, dp.One)]));
            }

            var few = To("DataPathV2, 1 Service", dp.Client, Set(1, dp.Near), oneSees, dp.One.CgroupPath);
            var many = To($"DataPathV2, {count} Services", dp.Client2, ours, twoSees, dp.Two.CgroupPath);
            var fewRules = To("iptables, 1 Service", stack.Client, Set(1, stack.Near), new StackWitness([stack.One], family, forwards: true), null);
            var manyRules = To($"iptables, {count} Services", stack.Client2, theirs, new StackWitness([stack.Two], family, forwards: true), null);
            Compare($"service_{label}", suffix, [new("", many, few), new("_vs_iptables", many, manyRules), new("_iptables", manyRules, fewRules)], s_ofServices, ct);
        }

        Print(Figure.Single($"endpoint_change_ms{suffix}", "ms", programs.EndpointChanges(Set(1, dp.Far)), null));

        ServiceSet Set(int count, Terway.Lab.ClusterPod server) => new(family, count, BenchNodes.Side.Of(server, family));

        static Wire To(string name, Terway.Lab.ClusterPod client, ServiceSet set, IWitness witness, string? cgroup) =>
            new(name, client.Sandbox.NetNs, set.Target, set.UdpTarget, witness, cgroup);
    }

    private static double DaemonMib(BenchNodes.Side side, LabNode node) => ProcessMemory.ResidentMib(side.Cluster.Daemon(node).Pid!.Value);

    private void Compare(string prefix, string suffix, IReadOnlyList<Comparison.Pair> pairs, IReadOnlyList<Metric> metrics, CancellationToken ct)
    {
        if (Wanted(prefix, suffix)) new Comparison(prefix, suffix, _effort, Print, ct).Run(pairs, metrics);
    }

    private bool Wanted(string prefix, string suffix) =>
        only.Count == 0 || only.Any(o => $"{prefix}{suffix}".StartsWith(o, StringComparison.Ordinal) && o.EndsWith("_v6", StringComparison.Ordinal) == (suffix.Length > 0))
        || (prefix.StartsWith("service_", StringComparison.Ordinal) && Wanted("service", suffix));

    private static Wire Bare(string name, BarePair pair, AddressFamily family) => Between(
        name, pair.Client, family == AddressFamily.InterNetwork ? pair.ServerIpv4 : pair.ServerIpv6, new LinkWitness(pair.Client, BarePair.Link));

    private static Wire Between(string name, NetNs client, IPAddress server, IWitness witness) =>
        new(name, client, new IPEndPoint(server, EchoSite.TcpPort), new IPEndPoint(server, EchoSite.UdpPort), witness);

    private void Print(Figure figure)
    {
        _figures.Add(figure);
        Console.WriteLine(JsonSerializer.Serialize(figure, BenchJson.Default.Figure));
    }
}
