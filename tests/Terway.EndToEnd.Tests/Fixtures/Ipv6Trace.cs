using System.Net.Sockets;
using Terway.Lab.Nodes;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.EndToEnd.Tests.Fixtures;

/// <summary>Everything of IPv6 that somebody can have set in a namespace.</summary>
/// <param name="Sysctls">By path below /proc/sys/net/ipv6, those of links that come and go included.</param>
/// <param name="Objects">Addresses that the kernel did not make by itself, routes and rules.</param>
internal sealed record Ipv6Trace(IReadOnlyDictionary<string, string> Sysctls, IReadOnlyList<string> Objects)
{
    private const byte KernelProtocol = 2;
    private const string Root = "/proc/sys/net/ipv6/";

    // What the kernel says of a link and nobody sets, or draws at random.
    private static readonly string[] s_ownOfLinks = ["mtu", "stable_secret", "ndisc_tclass"];

    public static async Task<Ipv6Trace> CaptureAsync(NetNsThread thread, string path, CancellationToken ct)
    {
        // A parameter that cannot be read (stable_secret, flush) makes grep fail in the end.
        var listing = await NamespaceCommand.RunAsync(path, "grep", ["-rsH", "", Root], null, null, ct);
        var sysctls = listing.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line[Root.Length..].Split(':', 2))
            .GroupBy(static pair => pair[0], static pair => pair[1], StringComparer.Ordinal)
            .ToDictionary(static lines => lines.Key, static lines => string.Join(' ', lines), StringComparer.Ordinal);
        using var ns = NetNs.Open(path);
        using var rtnl = RtnlSocket.Open(thread, ns);
        var links = rtnl.DumpLinks().ToDictionary(static l => l.Index, static l => l.Name);
        string Name(int index) => links.GetValueOrDefault(index, "-");
        List<string> objects =
        [
            .. rtnl.DumpAddresses(family: AddressFamily.InterNetworkV6).Where(static a => !a.Address.Address.IsIPv6LinkLocal)
                .Select(a => $"address {a.Address} dev {Name(a.LinkIndex)}"),
            .. rtnl.DumpRoutes(AddressFamily.InterNetworkV6).Where(static r => r.Protocol != KernelProtocol)
                .Select(r => $"route {r.Destination} via {r.Gateway} dev {Name(r.LinkIndex)} table {r.Table} proto {r.Protocol}"),
            .. rtnl.DumpRules(AddressFamily.InterNetworkV6).Select(static r => $"rule {r.Priority} from {r.From} to {r.To} iif {r.InputInterface} table {r.Table} {r.Action}"),
            .. rtnl.DumpNeighbours().Where(static n => n.Address.AddressFamily == AddressFamily.InterNetworkV6 && n.State.HasFlag(NeighbourStates.Permanent))
                .Select(n => $"neighbour {n.Address} dev {Name(n.LinkIndex)}"),
        ];
        objects.Sort(StringComparer.Ordinal);
        return new(sysctls, objects);
    }

    /// <summary>What is not as it was; of links that were not there before, what is not as the kernel makes a new link.</summary>
    public IReadOnlyList<string> DifferencesTo(Ipv6Trace before)
    {
        var different = new List<string>(Objects.Except(before.Objects).Select(static o => "new: " + o).Concat(before.Objects.Except(Objects).Select(static o => "gone: " + o)));
        foreach (var (path, value) in Sysctls)
        {
            var expected = before.Sysctls.GetValueOrDefault(path);
            if (expected is null && path.Split('/') is [var tree, _, var parameter])
                // Neighbour parameters have their default in the machine's own namespace alone: elsewhere a link that nobody touched has it.
                expected = s_ownOfLinks.Contains(parameter) ? value : before.Sysctls.GetValueOrDefault($"{tree}/{(tree == "neigh" ? "lo" : "default")}/{parameter}");
            if (expected != value) different.Add($"{path} = {value}, expected {expected ?? "nothing"}");
        }

        return different;
    }
}
