using System.Globalization;
using System.Net.Sockets;
using Terway.Linux.Bpf;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Lab.Nodes;

/// <summary>One kernel object of a node, as text that is equal for equal objects.</summary>
/// <param name="Kind">link, address, route, rule, neighbour, qdisc, filter, entry</param>
/// <param name="LinkMac">of the link it belongs to, empty when to none</param>
public readonly record struct KernelObject(string Kind, string Text, string LinkMac)
{
    public override string ToString() => $"{Kind} {Text}";
}

/// <summary>What the kernel holds in a node's namespace, without what it makes by itself (local routes, learned neighbours, noqueue).</summary>
public sealed class KernelInventory
{
    private const byte KernelProtocol = 2;

    private const string EniProgram = "bpf dp_from_eni ";

    private KernelInventory(IReadOnlySet<KernelObject> objects) => Objects = objects;

    public IReadOnlySet<KernelObject> Objects { get; }

    /// <param name="thread">visits the namespace</param>
    /// <param name="ns">the node's</param>
    /// <param name="pins">a bpf file system: what its hash maps hold counts as well</param>
    public static KernelInventory Capture(NetNsThread thread, NetNs ns, string? pins = null)
    {
        using var rtnl = RtnlSocket.Open(thread, ns);
        var links = rtnl.DumpLinks();
        var byIndex = links.ToDictionary(static link => link.Index);
        HashSet<KernelObject> objects = [];

        foreach (var link in links)
            objects.Add(new("link", $"{link.Name} {link.Kind} mtu {link.Mtu} {link.Mac}", $"{link.Mac}"));
        foreach (var address in rtnl.DumpAddresses().Where(static a => a.Address.Address is { IsIPv6LinkLocal: false }))
            objects.Add(new("address", $"{address.Address} dev {NameOf(address.LinkIndex)}", MacOf(address.LinkIndex)));
        foreach (var family in (AddressFamily[])[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6])
        {
            foreach (var route in rtnl.DumpRoutes(family).Where(static r => r.Protocol != KernelProtocol))
            {
                objects.Add(new(
                    "route",
                    $"{route.Destination} via {route.Gateway} dev {NameOf(route.LinkIndex)} table {route.Table} proto {route.Protocol} type {route.Type}",
                    MacOf(route.LinkIndex)));
            }

            foreach (var rule in rtnl.DumpRules(family))
            {
                objects.Add(new(
                    "rule",
                    $"{family switch { AddressFamily.InterNetwork => "ipv4", _ => "ipv6" }} {rule.Priority}: from {rule.From} to {rule.To} "
                    + $"iif {rule.InputInterface} oif {rule.OutputInterface} fwmark {rule.Mark}/{rule.Mask} {rule.Action} {rule.Table} proto {rule.Protocol}",
                    links.FirstOrDefault(link => link.Name == rule.InputInterface) is { } input ? $"{input.Mac}" : ""));
            }
        }

        foreach (var neighbour in rtnl.DumpNeighbours().Where(static n => n.State.HasFlag(NeighbourStates.Permanent)))
            objects.Add(new("neighbour", $"{neighbour.Address} {neighbour.Mac} dev {NameOf(neighbour.LinkIndex)}", MacOf(neighbour.LinkIndex)));
        foreach (var qdisc in rtnl.DumpQdiscs().Where(static q => q.Kind is not ("noqueue" or "pfifo_fast" or "fq_codel")))
        {
            objects.Add(new("qdisc", $"{qdisc.Kind} dev {NameOf(qdisc.LinkIndex)} handle {qdisc.Handle:x} parent {qdisc.Parent:x}", MacOf(qdisc.LinkIndex)));
            if (qdisc.Kind != "clsact")
                continue;
            foreach (var parent in (uint[])[TcHandle.Ingress, TcHandle.Egress])
            {
                // A dump lists each classifier once more, as handle 0: it comes and goes with its filters.
                foreach (var filter in rtnl.DumpFilters(qdisc.LinkIndex, parent).Where(static f => f.Handle != 0))
                {
                    objects.Add(new(
                        "filter",
                        $"{filter.Kind} {filter.Name} dev {NameOf(qdisc.LinkIndex)} parent {parent:x} prio {filter.Priority} handle {filter.Handle:x}",
                        MacOf(qdisc.LinkIndex)));
                }
            }
        }

        foreach (var (link, side, program) in TcxPrograms(thread, ns, links))
            objects.Add(new("filter", $"bpf {program} dev {link.Name} tcx {side}", $"{link.Mac}"));
        if (pins is not null)
            objects.UnionWith(EntriesOf(pins, [.. links.Select(static link => $"{link.Mac}")]));
        return new KernelInventory(objects);

        string NameOf(int index) => byIndex.TryGetValue(index, out var link) ? link.Name : $"#{index}";
        string MacOf(int index) => byIndex.TryGetValue(index, out var link) ? $"{link.Mac}" : "";
    }

    /// <summary>
    /// What is here and was not in <paramref name="baseline"/>. What belongs to the ENIs in <paramref name="poolMacs"/>, attached and idle
    /// in the node's pool, is no leak: their link, its address, its qdisc and its own table's default route stay while the ENI does.
    /// </summary>
    /// <param name="podAddresses">addresses that no pod has any more: a route or neighbour that names one is a leak even on an ENI</param>
    public IReadOnlyList<KernelObject> LeaksSince(KernelInventory baseline, IReadOnlyCollection<string> poolMacs, IReadOnlyCollection<string>? podAddresses = null)
    {
        ArgumentNullException.ThrowIfNull(baseline);
        var pool = poolMacs.ToHashSet(StringComparer.OrdinalIgnoreCase);
        return [.. Objects
            .Where(o => !baseline.Objects.Contains(o))
            // A filter on an ENI is a pod's, but for the one that takes what the ENI receives to whichever pod it is for.
            .Where(o => (o.Kind == "filter" && !o.Text.StartsWith(EniProgram, StringComparison.Ordinal)) || !pool.Contains(o.LinkMac) || (podAddresses?.Any(a => o.Text.StartsWith(a, StringComparison.Ordinal)) ?? false))
            .OrderBy(static o => o.Kind, StringComparer.Ordinal)
            .ThenBy(static o => o.Text, StringComparer.Ordinal)];
    }

    private static List<(LinkInfo Link, string Side, string Program)> TcxPrograms(NetNsThread thread, NetNs ns, IReadOnlyList<LinkInfo> links) => thread.Run(ns, () =>
    {
        var found = new List<(LinkInfo Link, string Side, string Program)>();
        foreach (var link in links)
        {
            foreach (var (type, side) in ((BpfAttachType, string)[])[(BpfAttachType.TcxIngress, "ingress"), (BpfAttachType.TcxEgress, "egress")])
            {
                foreach (var id in TcxHook.Programs(link.Index, type))
                {
                    using var program = BpfProgram.OpenById(id);
                    found.Add((link, side, program?.Name ?? $"#{id}"));
                }
            }
        }

        return found;
    });

    // Maps that the kernel fills by itself (LRU, arrays) hold no objects. Of an entry whose key begins with a link's MAC address, the link is the owner.
    private static IEnumerable<KernelObject> EntriesOf(string pins, HashSet<string> macs)
    {
        foreach (var path in Directory.EnumerateFiles(pins, "dp_*", SearchOption.AllDirectories))
        {
            using var map = TryOpen(path);
            if (map is not { Type: BpfMapType.Hash })
                continue;
            var key = new byte[map.KeySize];
            for (byte[] previous = []; map.TryNextKey(previous, key); previous = [.. key])
            {
                var mac = key.Length >= 6 ? string.Join(':', key.Take(6).Select(static b => b.ToString("x2", CultureInfo.InvariantCulture))) : "";
                yield return new("entry", $"{Convert.ToHexStringLower(key)} of {Path.GetFileName(path)}", macs.Contains(mac) ? mac : "");
            }
        }
    }

    // Null for a program, and for a map that is taken away just now.
    private static BpfMap? TryOpen(string path)
    {
        try
        {
            return BpfMap.OpenPinned(path);
        }
        catch (BpfException)
        {
            return null;
        }
    }

    /// <summary>What was in <paramref name="baseline"/> and is gone: damage to what is the operating system's.</summary>
    public IReadOnlyList<KernelObject> MissingSince(KernelInventory baseline)
    {
        ArgumentNullException.ThrowIfNull(baseline);
        return [.. baseline.Objects.Except(Objects)];
    }
}
