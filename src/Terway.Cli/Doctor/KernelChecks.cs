using System.Net.Sockets;
using Terway.Cli.Mapping;
using Terway.Linux;
using Terway.Linux.Netlink;

namespace Terway.Cli.Doctor;

/// <summary>The node's kernel: version, forwarding, reverse-path filters, rules of others, ENI links.</summary>
internal static class KernelChecks
{
    private const uint ToPodPriority = 512;
    private const uint LocalTable = 255;
    private const uint TableBase = 1000;
    private const byte OwnProtocol = 201;
    private static readonly Version s_oldest = new(4, 19);

    /// <summary>Checks.</summary>
    /// <param name="kernel">What the kernel has.</param>
    /// <param name="release">The kernel's release.</param>
    /// <param name="version">The number in it.</param>
    /// <param name="sysctl">Reads a parameter; null when there is none.</param>
    public static IEnumerable<Check> Run(KernelSide kernel, string release, Version version, Func<string, string?> sysctl)
    {
        yield return version >= s_oldest
            ? Check.Ok("kernel", release)
            : Check.Fail("kernel", $"{release} is older than {s_oldest}", $"use an image with kernel {s_oldest} or newer; DataPathV2 needs 5.10");
        yield return sysctl("net/ipv4/ip_forward") == "1"
            ? Check.Ok("forwarding", "net.ipv4.ip_forward is 1")
            : Check.Fail("forwarding", "net.ipv4.ip_forward is 0: the node passes no pod's packets on", "sysctl -w net.ipv4.ip_forward=1, and find out who sets it to 0; the daemon sets it when it starts");
        foreach (var check in ReversePath(kernel, sysctl)) yield return check;
        foreach (var check in ForeignRules(kernel)) yield return check;
        foreach (var check in EniLinks(kernel)) yield return check;
    }

    /// <summary>Indexes of links that have a routing table of ours.</summary>
    private static IEnumerable<LinkInfo> Enis(KernelSide kernel) =>
        kernel.Links.Where(l => kernel.Routes.Any(r => r.Table == TableBase + (uint)l.Index && r.LinkIndex == l.Index && r.Protocol == OwnProtocol));

    // The kernel takes the greater of the interface's value and that of "all"; 1 drops what comes in on another link than the answer would take.
    private static IEnumerable<Check> ReversePath(KernelSide kernel, Func<string, string?> sysctl)
    {
        var all = Number(sysctl(Sysctl.InterfaceKey("ipv4", "all", "rp_filter")));
        var strict = new List<string>();
        foreach (var link in Enis(kernel).Concat(kernel.Links.Where(static l => l.Name.StartsWith("cali", StringComparison.Ordinal))))
        {
            if (Math.Max(all, Number(sysctl(Sysctl.InterfaceKey("ipv4", link.Name, "rp_filter")))) == 1) strict.Add(link.Name);
        }

        yield return strict.Count == 0
            ? Check.Ok("reverse-path filter", "not strict on any ENI or pod link")
            : Check.Fail(
                "reverse-path filter", $"rp_filter is strict on {string.Join(", ", strict)}: replies to pods are dropped",
                "set net.ipv4.conf.all.rp_filter and that of these links to 0; look for a sysctl.d file that sets 1");
    }

    private static IEnumerable<Check> ForeignRules(KernelSide kernel)
    {
        var any = false;
        foreach (var rule in kernel.Rules.Where(static r => r.Priority < ToPodPriority && r.Protocol != OwnProtocol && !(r.Priority == 0 && r.Table == LocalTable)))
        {
            any = true;
            var takesAll = rule is { From: null, To: null, Mark: 0, Mask: 0, InputInterface: null, OutputInterface: null };
            yield return new Check(
                "ip rule", takesAll ? CheckResult.Fail : CheckResult.Warn, $"somebody's rule {RuleText.Of(rule)} comes before Terway's at {ToPodPriority}{(takesAll ? ", for all packets" : "")}",
                "find out who made it, and give it a priority above 2048 if pods' packets must not follow it");
        }

        if (!any) yield return Check.Ok("ip rules", $"none of others before {ToPodPriority}");
    }

    private static IEnumerable<Check> EniLinks(KernelSide kernel)
    {
        var enis = Enis(kernel).ToList();
        foreach (var eni in enis.Where(static l => !l.IsUp || !l.HasCarrier))
        {
            yield return Check.Fail(
                $"ENI {eni.Name}", eni.IsUp ? $"{eni.Name} has no carrier" : $"{eni.Name} is down: pods on it have no network",
                eni.IsUp ? "look in the cloud's console whether the ENI is still attached" : $"ip link set {eni.Name} up, and find out who takes it down: NetworkManager must leave ENIs alone");
        }

        if (enis.Count > 0 && enis.TrueForAll(static l => l.IsUp && l.HasCarrier)) yield return Check.Ok("ENI links", $"{string.Join(", ", enis.Select(static l => l.Name))} up");
        foreach (var table in kernel.Rules.Where(static r => r.Protocol == OwnProtocol && r.Table >= TableBase).Select(static r => (r.Table, r.Family)).Distinct())
        {
            if (!kernel.Routes.Any(r => r.Table == table.Table && r.Family == table.Family && r.Destination.Length == 0))
                yield return Check.Fail($"table {table.Table}", $"pods are sent to table {table.Table} ({Family(table.Family)}), which has no default route", "restart the daemon, which makes it again; look for who deletes routes");
        }
    }

    private static string Family(AddressFamily family) => family == AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4";

    private static int Number(string? text) => int.TryParse(text, out var number) ? number : 0;
}
