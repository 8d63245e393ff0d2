using System.Net;
using Terway.Host.Api.V1;
using Terway.Linux.Netlink;

namespace Terway.Cli.Mapping;

/// <summary>Compares what the daemon's journal, the cloud and the node's kernel say. Pods that come or go at this moment are listed, not judged.</summary>
internal sealed class MappingComparison
{
    private const string Ok = "ok";
    private const string Differs = "differs";
    private const string Unknown = "?";
    private const string Attached = "Attached";

    // Numbers of the policy-routing datapath, which are upstream Terway's.
    private const uint MainTable = 254;
    private const uint ToPodPriority = 512;
    private const uint FromPodPriority = 2048;
    private const uint TableBase = 1000;
    private const byte OwnProtocol = 201;

    private readonly IReadOnlyList<Attachment> _state;
    private readonly CloudEnis? _cloud;
    private readonly KernelSide _kernel;
    private readonly List<MappingDifference> _differences = [];

    private MappingComparison(IReadOnlyList<Attachment> state, CloudEnis? cloud, KernelSide kernel)
    {
        _state = state;
        _cloud = cloud is { Reachable: true } ? cloud : null;
        _kernel = kernel;
    }

    /// <summary>The report.</summary>
    /// <param name="state">The journal's attachments.</param>
    /// <param name="cloud">The cloud's answer; null when it was not asked.</param>
    /// <param name="kernel">The node's kernel, read after the journal.</param>
    public static MappingReport Compare(IReadOnlyList<Attachment> state, CloudEnis? cloud, KernelSide kernel)
    {
        var comparison = new MappingComparison(state, cloud, kernel);
        var rows = comparison.Rows();
        comparison.FindEnisWithoutLink();
        comparison.FindLeftOvers();
        return new MappingReport(comparison._cloud is not null, cloud is { Reachable: false } ? cloud.Error : null, rows, comparison._differences);
    }

    private List<MappingRow> Rows()
    {
        var rows = new List<MappingRow>();
        foreach (var a in _state)
        {
            foreach (var text in a.Addresses)
            {
                var judged = a.Phase == Attached && IPAddress.TryParse(text, out _);
                var address = judged ? IPAddress.Parse(text) : IPAddress.None;
                rows.Add(new MappingRow(
                    a.EniId, a.EniLink, text, PodOf(a), a.HostLink, a.Phase,
                    !judged || _cloud is null ? Unknown : CheckCloud(a, address),
                    !judged ? Unknown : CheckKernel(a, address)));
            }
        }

        return [.. rows.OrderBy(static r => r.Eni, StringComparer.Ordinal).ThenBy(static r => r.Address, StringComparer.Ordinal)];
    }

    private string CheckCloud(Attachment a, IPAddress address)
    {
        if (_cloud!.Enis.FirstOrDefault(e => e.Id == a.EniId) is not { } eni)
        {
            Differ(a, address, $"has it on {a.EniId}", "no such ENI on this instance", "", "the pod has no network: delete it, and look for who detached the ENI");
            return Differs;
        }

        if (Holds(eni, address)) return Ok;
        var elsewhere = _cloud.Enis.FirstOrDefault(e => Holds(e, address));
        Differ(
            a, address, $"has it on {a.EniId}", elsewhere is null ? $"{a.EniId} has no such address" : $"it is on {elsewhere.Id}", "",
            "the VPC drops the pod's packets: delete the pod, and look for who unassigned the address");
        return Differs;
    }

    private string CheckKernel(Attachment a, IPAddress address)
    {
        var before = _differences.Count;
        var host = _kernel.Link(a.HostLink);
        if (HasNic(a)) return CheckNic(a, address, host);
        if (host is not { IsUp: true }) Missing(a, address, $"pod link {a.HostLink}", host is null ? $"no link {a.HostLink}" : $"{a.HostLink} is down");
        if (!IsPolicyRouted(a)) return before == _differences.Count ? Ok : Differs;

        var eni = _kernel.LinkByMac(a.EniMac);
        if (eni is not { IsUp: true }) Missing(a, address, $"ENI link {a.EniLink}", eni is null ? $"no link with MAC address {a.EniMac}" : $"{eni.Name} is down");
        var own = IpPrefix.Host(address);
        if (host is not null && !_kernel.Routes.Any(r => r.Table == MainTable && r.Destination == own && r.LinkIndex == host.Index))
            Missing(a, address, $"route {address} dev {a.HostLink}", Other(_kernel.Routes.Where(r => r.Table == MainTable && r.Destination == own).Select(ShowRoute), "no such route"));
        CheckRule(a, address, new IpRule { Family = address.AddressFamily, Priority = ToPodPriority, To = own, Table = MainTable });
        if (eni is not null)
        {
            var table = TableBase + (uint)eni.Index;
            CheckRule(a, address, new IpRule { Family = address.AddressFamily, Priority = FromPodPriority, From = own, Table = table });
            if (!_kernel.Routes.Any(r => r.Table == table && r.Destination.Length == 0 && r.Family == address.AddressFamily))
                Missing(a, address, $"default route in table {table} of {eni.Name}", "no such route");
        }

        FindForeignRules(a, address, own);
        return before == _differences.Count ? Ok : Differs;
    }

    // The pod has the ENI's link; whether it has one to the node as well is the pool's choice, and the namespace of the pod not ours to enter.
    private string CheckNic(Attachment a, IPAddress address, LinkInfo? host)
    {
        var home = _kernel.LinkByMac(a.EniMac);
        if (home is not null) Missing(a, address, $"NIC {a.EniMac} in the pod", $"{home.Name} is on the node");
        if (host is { IsUp: false }) Missing(a, address, $"pod link {a.HostLink}", $"{a.HostLink} is down");
        return home is null && host is not { IsUp: false } ? Ok : Differs;
    }

    private void CheckRule(Attachment a, IPAddress address, IpRule wanted)
    {
        if (_kernel.Rules.Any(r => r.Priority == wanted.Priority && r.From == wanted.From && r.To == wanted.To && r.Table == wanted.Table && r.Family == wanted.Family)) return;
        var similar = _kernel.Rules.Where(r => r.Priority == wanted.Priority && r.From == wanted.From && r.To == wanted.To).Select(RuleText.Of);
        Missing(a, address, $"rule {RuleText.Of(wanted)}", Other(similar, "no such rule"));
    }

    // A rule about the pod's address that somebody else put before ours takes its packets.
    private void FindForeignRules(Attachment a, IPAddress address, IpPrefix own)
    {
        foreach (var rule in _kernel.Rules.Where(r => r.Protocol != OwnProtocol
            && ((r.From == own && r.Priority <= FromPodPriority) || (r.To == own && r.Priority <= ToPodPriority))))
        {
            Differ(a, address, "its traffic follows Terway's rules", "", $"rule {RuleText.Of(rule)} comes before them", "find out who made the rule, and delete it");
        }
    }

    private void FindEnisWithoutLink()
    {
        foreach (var eni in (_cloud?.Enis.AsEnumerable() ?? []).Where(static e => e.Type is "Primary" or "Secondary" or "Trunk" && e.Status == "InUse"))
        {
            if (_kernel.LinkByMac(eni.Mac) is null && !_state.Any(a => HasNic(a) && string.Equals(a.EniMac, eni.Mac, StringComparison.OrdinalIgnoreCase)))
                _differences.Add(new(eni.Id, "", $"attached to this instance, {eni.Mac}", "no link with that MAC address", "look at the kernel's log; detach the ENI if nothing uses it"));
        }
    }

    private void FindLeftOvers()
    {
        var known = _state.SelectMany(static a => a.Addresses).ToHashSet(StringComparer.Ordinal);
        var links = _state.Select(static a => a.HostLink).ToHashSet(StringComparer.Ordinal);
        foreach (var rule in _kernel.Rules.Where(static r => r.Protocol == OwnProtocol && r.Priority is ToPodPriority or FromPodPriority))
        {
            if ((rule.From ?? rule.To) is { } prefix && !known.Contains(prefix.Address.ToString()))
                LeftOver(prefix.Address.ToString(), $"rule {RuleText.Of(rule)}");
        }

        foreach (var link in _kernel.Links.Where(l => l.Name.StartsWith("cali", StringComparison.Ordinal) && !links.Contains(l.Name))) LeftOver(link.Name, $"link {link.Name}");
    }

    private void LeftOver(string subject, string what) =>
        _differences.Add(new(subject, "nobody's", "", $"{what} is there", "a pod that came or went meanwhile; if it stays, another CNI's or a left-over: restart the daemon, or delete it"));

    private void Missing(Attachment a, IPAddress address, string wanted, string found) =>
        Differ(a, address, wanted, "", found, "the daemon makes it again at its next look at the kernel, or when it is restarted");

    private void Differ(Attachment a, IPAddress address, string state, string cloud, string kernel, string fix) =>
        _differences.Add(new($"{PodOf(a)} {address}", state, cloud, kernel, fix));

    private string ShowRoute(IpRoute route) => RuleText.Of(route, index => _kernel.Links.FirstOrDefault(l => l.Index == index)?.Name ?? $"#{index}");

    private static string Other(IEnumerable<string> found, string none) => found.FirstOrDefault() is { } one ? $"{one} instead" : none;

    private static bool Holds(CloudEni eni, IPAddress address) =>
        eni.Addresses.Any(x => IPAddress.TryParse(x, out var held) && held.Equals(address)) || eni.Prefixes.Any(p => IPNetwork.TryParse(p, out var network) && network.Contains(address));

    private static bool IsPolicyRouted(Attachment a) => a.Datapath.Split('/')[0] == "SharedEni";

    private static bool HasNic(Attachment a) => a.Datapath.Split('/')[0] == "ExclusiveEni";

    private static string PodOf(Attachment a) => a.Name.Length > 0 ? $"{a.Namespace}/{a.Name}" : a.ContainerId;
}
