using System.Net;
using System.Net.Sockets;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>What one namespace holds at one moment, read by a few dumps, to compare plans with. For CHECK and reconciliation, not for ADD.</summary>
internal sealed class KernelView
{
    private readonly Dictionary<string, LinkInfo> _links;
    private readonly HashSet<(int Link, IPAddress Address)> _addresses;
    private readonly HashSet<(int Link, uint Table, string Destination, IPAddress? Gateway)> _routes = [];
    private readonly HashSet<(uint Priority, string? From, string? To, uint Table)> _rules = [];
    private readonly HashSet<(string Link, AddressFamily Family, uint Priority)> _refusals = [];
    private readonly HashSet<(int Link, IPAddress Address, string Mac)> _neighbours;
    private readonly HashSet<(int Link, ulong Rate)> _buckets;
    private readonly HashSet<int> _fairQueues;

    private readonly List<IpRoute> _ownRoutes = [];
    private readonly List<IpRule> _ownRules = [];

    private KernelView(RtnlSocket socket, Func<string, string?> sysctl)
    {
        ReadSysctl = sysctl;
        _links = socket.DumpLinks().ToDictionary(static l => l.Name, StringComparer.Ordinal);
        _addresses = [.. socket.DumpAddresses().Select(static a => (a.LinkIndex, a.Address.Address))];
        foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            foreach (var route in socket.DumpRoutes(family))
            {
                _routes.Add((route.LinkIndex, route.Table, route.Destination.ToString(), route.Gateway));
                if (route.Protocol == OwnMarks.RouteProtocol) _ownRoutes.Add(route);
            }

            foreach (var rule in socket.DumpRules(family))
            {
                if (IsRefusal(rule)) _refusals.Add((rule.InputInterface!, family, rule.Priority));
                else _rules.Add((rule.Priority, rule.From?.ToString(), rule.To?.ToString(), rule.Table));
                if (rule.Protocol == OwnMarks.RouteProtocol) _ownRules.Add(rule);
            }
        }

        _neighbours = [.. socket.DumpNeighbours().Where(static n => n.Mac is not null && n.State.HasFlag(NeighbourStates.Permanent))
            .Select(static n => (n.LinkIndex, n.Address, n.Mac!.Value.ToString()))];
        var qdiscs = socket.DumpQdiscs();
        _buckets = [.. qdiscs.Where(static q => q.Kind == "tbf").Select(static q => (q.LinkIndex, q.RateBytesPerSecond))];
        _fairQueues = [.. qdiscs.GroupBy(static q => q.LinkIndex).Where(static g => FairQueue.Judge(g) == RootQueue.Fair).Select(static g => g.Key)];
    }

    private Func<string, string?> ReadSysctl { get; }

    public static KernelView Read(RtnlSocket socket, Func<string, string?> sysctl) => new(socket, sysctl);

    /// <summary>Null when the object exists as it should, else a text that names it.</summary>
    /// <param name="o">An object of this namespace, or a veth whose node end is here.</param>
    /// <param name="pod">View of the pod, to find a veth's other end.</param>
    public string? Missing(KernelObject o, KernelView? pod) => o switch
    {
        KernelObject.Veth veth => MissingVeth(veth, pod),
        KernelObject.Nic nic => MissingNic(nic, pod),
        KernelObject.Link link => _links.TryGetValue(link.Name, out var l) && l.IsUp && (link.Mtu == 0 || l.Mtu == link.Mtu)
            ? null : $"link {link.Name} up{(link.Mtu > 0 ? $" mtu {link.Mtu}" : "")}",
        KernelObject.Address address => On(address.LinkName, i => _addresses.Contains((i, address.Ip)))
            ? null : $"address {address.Ip}/{address.PrefixLength} dev {address.LinkName}",
        KernelObject.Route route => On(route.LinkName, i => _routes.Contains((i, (uint)route.Table, IpPrefix.FromNetwork(route.Destination).ToString(), route.Gateway)))
            ? null : $"route {route.Destination}{(route.Gateway is null ? "" : $" via {route.Gateway}")} dev {route.LinkName} table {route.Table}",
        KernelObject.Rule rule => _rules.Contains(((uint)rule.Priority, Text(rule.From), Text(rule.To), (uint)rule.Table))
            ? null : $"rule {rule.Priority}{(rule.From is { } f ? $" from {f}" : "")}{(rule.To is { } t ? $" to {t}" : "")} lookup {rule.Table}",
        KernelObject.Refusal refusal => _refusals.Contains((refusal.LinkName, refusal.Family, (uint)refusal.Priority))
            ? null : $"rule {refusal.Priority} iif {refusal.LinkName} unreachable",
        KernelObject.Neighbour neighbour => On(neighbour.LinkName, i => _neighbours.Contains((i, neighbour.Ip, neighbour.Mac)))
            ? null : $"neighbour {neighbour.Ip} lladdr {neighbour.Mac} dev {neighbour.LinkName}",
        KernelObject.TokenBucket bucket => On(bucket.LinkName, i => _buckets.Contains((i, (ulong)bucket.BytesPerSecond)))
            ? null : $"tbf {bucket.BytesPerSecond} bytes/s dev {bucket.LinkName}",
        KernelObject.FairQueue queue => On(queue.LinkName, _fairQueues.Contains) ? null : $"fair queue dev {queue.LinkName}",
        KernelObject.Sysctl sysctl => ReadSysctl(sysctl.Path) == sysctl.Value ? null : $"sysctl {sysctl.Path} = {sysctl.Value}",
        _ => $"{o.GetType().Name}, which this daemon does not know",
    };

    /// <summary>Index of the link of this name; null when there is none.</summary>
    public int? IndexOf(string link) => _links.TryGetValue(link, out var found) ? found.Index : null;

    /// <summary>Routes and rules that carry our mark and are not among the objects.</summary>
    public (IReadOnlyList<IpRoute> Routes, IReadOnlyList<IpRule> Rules) Unplanned(IEnumerable<KernelObject> planned)
    {
        var rules = new HashSet<(uint Priority, string? From, string? To, uint Table)>();
        var refusals = new HashSet<(string Link, AddressFamily Family, uint Priority)>();
        var routes = new HashSet<(int Link, uint Table, string Destination)>();
        foreach (var o in planned)
        {
            if (o is KernelObject.Rule rule)
            {
                rules.Add(((uint)rule.Priority, Text(rule.From), Text(rule.To), (uint)rule.Table));
            }
            else if (o is KernelObject.Refusal refusal)
            {
                refusals.Add((refusal.LinkName, refusal.Family, (uint)refusal.Priority));
            }
            else if (o is KernelObject.Route { InPod: false } route && _links.TryGetValue(route.LinkName, out var link))
            {
                routes.Add((link.Index, (uint)route.Table, IpPrefix.FromNetwork(route.Destination).ToString()));
            }
        }

        return (
            [.. _ownRoutes.Where(r => !routes.Contains((r.LinkIndex, r.Table, r.Destination.ToString())))],
            [.. _ownRules.Where(r => IsRefusal(r)
                ? !refusals.Contains((r.InputInterface!, r.Family, r.Priority)) : !rules.Contains((r.Priority, r.From?.ToString(), r.To?.ToString(), r.Table)))]);
    }

    private static bool IsRefusal(in IpRule rule) => rule is { Action: RuleAction.Unreachable, InputInterface: not null };

    /// <summary>Pods by their marked host routes: who has an address holds a link to which it is routed.</summary>
    public IReadOnlyList<PodTrace> PodTraces()
    {
        var names = _links.Values.ToDictionary(static l => l.Index);
        var traces = new List<PodTrace>();
        foreach (var routes in _ownRoutes.Where(static r => r.Destination.IsHost && r.Gateway is null).GroupBy(static r => r.LinkIndex))
        {
            if (!names.TryGetValue(routes.Key, out var link) || link.Kind != "veth" || link.Mac is null) continue;
            var addresses = routes.Select(static r => r.Destination.Address).Distinct().OrderBy(static a => a.AddressFamily).ToList();
            var mac = _neighbours.FirstOrDefault(n => n.Link == link.Index && addresses.Contains(n.Address)).Mac ?? "";
            var table = _ownRules.Where(r => r.From is { IsHost: true } from && addresses.Contains(from.Address)).Select(static r => r.Table).FirstOrDefault();
            traces.Add(new PodTrace(link.Name, link.Mac.Value.ToString(), mac, link.Mtu, addresses, (int)table, _buckets.Any(b => b.Link == link.Index)));
        }

        return traces;
    }

    private string? MissingVeth(KernelObject.Veth veth, KernelView? pod)
    {
        if (!_links.TryGetValue(veth.Name, out var node) || !node.IsUp) return $"veth {veth.Name}";
        if (pod is not null && !(pod._links.TryGetValue(veth.PodName, out var end) && end.IsUp)) return $"interface {veth.PodName} in the pod";
        return null;
    }

    // While it is in its pod the node knows nothing of it; the pod does.
    private string? MissingNic(KernelObject.Nic nic, KernelView? pod)
    {
        if (_links.Values.FirstOrDefault(l => NicReturn.IsIt(l, nic)) is { } home) return $"interface {nic.PodName} in the pod: its NIC is {home.Name} on the node";
        if (pod is not null && !(pod._links.TryGetValue(nic.PodName, out var end) && end.IsUp && NicReturn.IsIt(end, nic))) return $"interface {nic.PodName} in the pod";
        return null;
    }

    private bool On(string link, Func<int, bool> test) => _links.TryGetValue(link, out var l) && test(l.Index);

    private static string? Text(IPNetwork? network) => network is { } n ? IpPrefix.FromNetwork(n).ToString() : null;
}
