using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

/// <summary>
/// Words for a request, in the manner of ip(8) and tc(8), read back from its bytes: nothing has to be kept for the case of an error.
/// </summary>
internal static class OperationText
{
    /// <param name="message">one whole netlink message</param>
    /// <param name="linkName">the name of a link's index, null when it has none (any more)</param>
    public static string Describe(ReadOnlySpan<byte> message, Func<int, string?> linkName)
    {
        if (!new NetlinkReader(message).TryNext(out var m))
            return "netlink request";
        var verb = Verb(m);
        return (m.Type & ~3) switch
        {
            rtnetlink.RTM_NEWLINK => $"link {verb} {Link(m.Payload, linkName)}",
            rtnetlink.RTM_NEWADDR when RtnlParser.Address(m.Payload, out var a) => $"address {verb} {a.Address} dev {Dev(a.LinkIndex, linkName)}",
            rtnetlink.RTM_NEWROUTE when RtnlParser.Route(m.Payload, out var r) => $"route {verb} {Route(r, linkName)}",
            rtnetlink.RTM_NEWRULE when RtnlParser.Rule(m.Payload, out var r) => $"rule {verb} {Rule(r)}",
            rtnetlink.RTM_NEWNEIGH when RtnlParser.Neighbour(m.Payload, out var n) =>
                $"neighbour {verb} {(n.Proxy ? "proxy " : "")}{n.Address}{(n.Mac is { } mac ? $" lladdr {mac}" : "")} dev {Dev(n.LinkIndex, linkName)}",
            rtnetlink.RTM_NEWQDISC when RtnlParser.Qdisc(m.Payload, out var q) => $"qdisc {verb} {Qdisc(q, linkName)}",
            rtnetlink.RTM_NEWTFILTER when RtnlParser.Filter(m.Payload, out var f) => $"filter {verb} {Filter(f, linkName)}",
            _ => string.Create(CultureInfo.InvariantCulture, $"netlink request of type {m.Type}"),
        };
    }

    private static string Verb(in NetlinkMessage m) => (m.Type & 3) switch
    {
        1 => "delete",
        2 => "get",
        _ when m.Has(netlink.NLM_F_CREATE) => m.Has(netlink.NLM_F_EXCL) ? "add" : "replace",
        _ => "set",
    };

    private static string Link(ReadOnlySpan<byte> payload, Func<int, string?> linkName)
    {
        if (payload.Length < Unsafe.SizeOf<ifinfomsg>())
            return "?";
        var header = MemoryMarshal.Read<ifinfomsg>(payload);
        var text = new StringBuilder();
        string? name = null, kind = null, peer = null;
        var attributes = AttributeReader.After<ifinfomsg>(payload);
        while (attributes.TryNext(out var a))
        {
            switch (a.Type)
            {
                case if_link.IFLA_IFNAME: name = a.Text; break;
                case if_link.IFLA_MTU: text.Append(CultureInfo.InvariantCulture, $" mtu {a.U32}"); break;
                case if_link.IFLA_ADDRESS when a.Mac is { } mac: text.Append(CultureInfo.InvariantCulture, $" address {mac}"); break;
                case if_link.IFLA_GROUP: text.Append(CultureInfo.InvariantCulture, $" group {a.U32}"); break;
                case if_link.IFLA_MASTER: text.Append(CultureInfo.InvariantCulture, $" master {Dev(a.I32, linkName)}"); break;
                case if_link.IFLA_NET_NS_FD: text.Append(" netns"); break;
                case if_link.IFLA_IFALIAS: text.Append(CultureInfo.InvariantCulture, $" alias '{a.Text}'"); break;
                case if_link.IFLA_LINKINFO: (kind, peer) = Info(a.Nested); break;
                default: break;
            }
        }

        if ((header.ifi_change & if_link.IFF_UP) != 0)
            text.Append((header.ifi_flags & if_link.IFF_UP) != 0 ? " up" : " down");
        if (kind is not null)
            text.Append(CultureInfo.InvariantCulture, $" type {kind}");
        if (peer is not null)
            text.Append(CultureInfo.InvariantCulture, $" peer {peer}");
        var subject = header.ifi_index switch
        {
            0 => name,
            _ when kind is not null => name,
            var index when name is not null => $"{Dev(index, linkName)} name {name}",
            var index => Dev(index, linkName),
        };
        return $"{subject}{text}".Trim();
    }

    private static (string? Kind, string? Peer) Info(AttributeReader info)
    {
        string? kind = null, peer = null;
        while (info.TryNext(out var a))
        {
            if (a.Type == if_link.IFLA_INFO_KIND)
                kind = a.Text;
            if (a.Type != if_link.IFLA_INFO_DATA)
                continue;
            var data = a.Nested;
            while (data.TryNext(out var d))
            {
                if (d.Type == if_link.VETH_INFO_PEER && RtnlParser.Link(d.Value, out var link))
                    peer = link.Name;
            }
        }

        return (kind, peer);
    }

    private static string Route(in IpRoute route, Func<int, string?> linkName)
    {
        var text = new StringBuilder();
        if (route.Type is not (RouteType.Unicast or RouteType.Unspecified))
            text.Append(route.Type.ToString().ToLowerInvariant()).Append(' ');
        text.Append(route.Destination.Length == 0 ? "default" : route.Destination.ToString());
        if (route.Family == System.Net.Sockets.AddressFamily.InterNetworkV6 && route.Destination.Length == 0)
            text.Append(" (IPv6)");
        if (route.Gateway is not null)
            text.Append(CultureInfo.InvariantCulture, $" via {route.Gateway}");
        if (route.LinkIndex != 0)
            text.Append(CultureInfo.InvariantCulture, $" dev {Dev(route.LinkIndex, linkName)}");
        text.Append(CultureInfo.InvariantCulture, $" table {Table(route.Table)}");
        if (route.PreferredSource is not null)
            text.Append(CultureInfo.InvariantCulture, $" src {route.PreferredSource}");
        if (route.Priority != 0)
            text.Append(CultureInfo.InvariantCulture, $" metric {route.Priority}");
        if (route.OnLink)
            text.Append(" onlink");
        return text.ToString();
    }

    private static string Rule(in IpRule rule)
    {
        var text = new StringBuilder();
        if (rule.Family == System.Net.Sockets.AddressFamily.InterNetworkV6)
            text.Append("(IPv6) ");
        text.Append(CultureInfo.InvariantCulture, $"priority {rule.Priority}{(rule.Invert ? " not" : "")} from {rule.From?.ToString() ?? "all"}");
        if (rule.To is not null)
            text.Append(CultureInfo.InvariantCulture, $" to {rule.To}");
        if (rule.InputInterface is not null)
            text.Append(CultureInfo.InvariantCulture, $" iif {rule.InputInterface}");
        if (rule.OutputInterface is not null)
            text.Append(CultureInfo.InvariantCulture, $" oif {rule.OutputInterface}");
        if (rule.Mark != 0)
            text.Append(CultureInfo.InvariantCulture, $" fwmark 0x{rule.Mark:x}/0x{rule.Mask:x}");
        if (rule.Action is RuleAction.Lookup or RuleAction.Unspecified)
            text.Append(CultureInfo.InvariantCulture, $" lookup {Table(rule.Table)}");
        else
            text.Append(' ').Append(rule.Action.ToString().ToLowerInvariant());
        return text.ToString();
    }

    private static string Qdisc(QdiscInfo qdisc, Func<int, string?> linkName)
    {
        var text = $"{qdisc.Kind} dev {Dev(qdisc.LinkIndex, linkName)} parent {Handle(qdisc.Parent)}";
        return qdisc.RateBytesPerSecond == 0
            ? text
            : string.Create(CultureInfo.InvariantCulture, $"{text} rate {qdisc.RateBytesPerSecond} B/s burst {qdisc.BurstBytes} limit {qdisc.LimitBytes}");
    }

    private static string Filter(FilterInfo filter, Func<int, string?> linkName) => string.Create(
        CultureInfo.InvariantCulture,
        $"{filter.Kind} dev {Dev(filter.LinkIndex, linkName)} parent {Handle(filter.Parent)} pref {filter.Priority} handle {filter.Handle:x} {filter.Name}").TrimEnd();

    private static string Handle(uint handle) => handle switch
    {
        TcHandle.Root => "root",
        TcHandle.Clsact => "clsact",
        TcHandle.Ingress => "ingress",
        TcHandle.Egress => "egress",
        _ => string.Create(CultureInfo.InvariantCulture, $"{handle >> 16:x}:{handle & 0xffff:x}"),
    };

    private static string Table(uint table) => table switch
    {
        rtnetlink.RT_TABLE_MAIN => "main",
        rtnetlink.RT_TABLE_LOCAL => "local",
        _ => table.ToString(CultureInfo.InvariantCulture),
    };

    private static string Dev(int index, Func<int, string?> linkName) =>
        (index == 0 ? null : linkName(index)) ?? string.Create(CultureInfo.InvariantCulture, $"#{index}");
}
