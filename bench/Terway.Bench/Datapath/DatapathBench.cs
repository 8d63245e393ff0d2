using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Terway.Bench.Traffic;
using Terway.Linux.Namespaces;

namespace Terway.Bench.Datapath;

/// <summary>
/// DataPathV2 against a bare veth pair (what the kernel can do at best) and against policy routing through the node's stack, in turn within one run.
/// </summary>
internal sealed class DatapathBench(string dist, bool quick, string? plot, IReadOnlyList<string> only)
{
    private const string AgainstStack = "_vs_hoststack";
    private static readonly (AddressFamily Family, string Suffix)[] s_families = [(AddressFamily.InterNetwork, ""), (AddressFamily.InterNetworkV6, "_v6")];
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
        }

        if (plot is not null) await File.WriteAllTextAsync(plot, RatioPlot.Draw(_figures), ct);
    }

    private void SameNode(BenchNodes nodes, BarePair bare, BarePair again, AddressFamily family, string suffix, CancellationToken ct)
    {
        var (stack, dp) = (nodes.HostStack, nodes.Accelerated);
        using var witness = new DatapathWitness([dp.One], "pod-to-pod");
        var limit = Bare("bare pair", bare, family);
        var plan = new Comparison.Plan(
            Between("DataPathV2, one node", dp.Client.Sandbox.NetNs, BenchNodes.Side.Of(dp.Near, family), witness),
            Others(limit, Between("host stack, one node", stack.Client.Sandbox.NetNs, BenchNodes.Side.Of(stack.Near, family), new StackWitness([stack.One], family, forwards: true))),
            (Bare("another bare pair", again, family), limit));
        Compare("same_node", suffix, plan, ct);
    }

    private void AcrossNodes(BenchNodes nodes, AddressFamily family, string suffix, CancellationToken ct)
    {
        var (stack, dp) = (nodes.HostStack, nodes.Accelerated);
        using var witness = new DatapathWitness([dp.One, dp.Two], "pod-to-vpc", "vpc-to-pod");
        var plan = new Comparison.Plan(
            Between("DataPathV2, two nodes", dp.Client.Sandbox.NetNs, BenchNodes.Side.Of(dp.Far, family), witness),
            Others(
                Between("node to node", dp.One.NetNs, dp.Two.Addresses.First(a => a.AddressFamily == family), new StackWitness([dp.One, dp.Two], family, forwards: false)),
                Between(
                    "host stack, two nodes", stack.Client.Sandbox.NetNs, BenchNodes.Side.Of(stack.Far, family),
                    new StackWitness([stack.One, stack.Two], family, forwards: true))),
            Null: null);
        Compare("cross_node", suffix, plan, ct);
    }

    private void Compare(string prefix, string suffix, Comparison.Plan plan, CancellationToken ct)
    {
        if (only.Count > 0 && !only.Any(o => $"{prefix}{suffix}".Equals(o, StringComparison.Ordinal))) return;
        new Comparison(prefix, suffix, _effort, Print, ct).Run(plan, Enum.GetValues<Metric>());
    }

    private static ImmutableSortedDictionary<string, Wire> Others(Wire limit, Wire stack) =>
        ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create("", limit), KeyValuePair.Create(AgainstStack, stack)]);

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
