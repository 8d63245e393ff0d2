using System.Globalization;
using System.Net.Sockets;
using Terway.Bench.Traffic;
using Terway.Lab.Nodes;

namespace Terway.Bench.Datapath;

/// <summary>What the nodes' own stacks forward (RFC 4293, ipSystemStatsOutForwDatagrams), of one family, on all nodes together.</summary>
/// <param name="nodes">the nodes</param>
/// <param name="family">whose counter</param>
/// <param name="forwards">whether our packets are forwarded at all: false for those between nodes</param>
internal sealed class StackWitness(IReadOnlyList<LabNode> nodes, AddressFamily family, bool forwards) : IWitness
{
    private const string Forwarded = "forwarded";
    private const string Received = "received";

    // A packet between nodes is seen once, by its receiver.
    public IReadOnlyList<string> Expected { get; } = forwards ? [Forwarded] : [Received];

    public IReadOnlyList<string> Tolerated { get; } = forwards ? [Received] : [];

    public IReadOnlyDictionary<string, long> Read()
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal) { [Forwarded] = 0, [Received] = 0 };
        foreach (var node in nodes)
        {
            Posix.Enter(node.NetNs.Fd);
            var (forwarded, received) = family == AddressFamily.InterNetworkV6 ? Ipv6() : Ipv4();
            counts[Forwarded] += forwarded;
            counts[Received] += received;
        }

        return counts;
    }

    private static (long, long) Ipv4()
    {
        var lines = File.ReadLines("/proc/thread-self/net/snmp").Where(static l => l.StartsWith("Ip: ", StringComparison.Ordinal)).Select(static l => l.Split(' ')).ToList();
        return (Value("ForwDatagrams"), Value("InReceives"));

        long Value(string name) => long.Parse(lines[1][Array.IndexOf(lines[0], name)], CultureInfo.InvariantCulture);
    }

    private static (long, long) Ipv6()
    {
        var lines = File.ReadLines("/proc/thread-self/net/snmp6").Select(static l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).ToDictionary(
            static l => l[0], static l => long.Parse(l[1], CultureInfo.InvariantCulture), StringComparer.Ordinal);
        return (lines["Ip6OutForwDatagrams"], lines["Ip6InReceives"]);
    }
}
