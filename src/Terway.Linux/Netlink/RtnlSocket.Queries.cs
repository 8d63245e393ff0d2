using System.Globalization;
using System.Net.Sockets;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

public sealed partial class RtnlSocket
{
    private const ushort DumpFlags = netlink.NLM_F_DUMP;

    /// <summary>The link of this name, null when there is none. One small request, no dump.</summary>
    public LinkInfo? GetLink(string name)
    {
        BeginGetLink(0);
        _request.Put(if_link.IFLA_IFNAME, RtnlBatch.CheckLinkName(name));
        return TryGet<LinkInfo>(RtnlParser.Link, [Errno.ENODEV], $"link get {name}", out var link) ? link : null;
    }

    /// <summary>The link of this index, null when there is none. One small request, no dump.</summary>
    public LinkInfo? GetLink(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(index);
        BeginGetLink(index);
        var what = string.Create(CultureInfo.InvariantCulture, $"link get #{index}");
        return TryGet<LinkInfo>(RtnlParser.Link, [Errno.ENODEV], what, out var link) ? link : null;
    }

    /// <summary>Every link.</summary>
    public IReadOnlyList<LinkInfo> DumpLinks()
    {
        _request.Clear();
        _request.Begin(rtnetlink.RTM_GETLINK, DumpFlags, default(ifinfomsg));
        _request.Put(if_link.IFLA_EXT_MASK, rtnetlink.RTEXT_FILTER_SKIP_STATS);
        return Dump<LinkInfo>("dump links", RtnlParser.Link, static _ => true);
    }

    /// <summary>Addresses of both families, or of one, of every link or of one.</summary>
    public IReadOnlyList<LinkAddress> DumpAddresses(int linkIndex = 0, AddressFamily family = AddressFamily.Unspecified)
    {
        _request.Clear();
        _request.Begin(rtnetlink.RTM_GETADDR, DumpFlags, new ifaddrmsg { ifa_family = FamilyByte(family), ifa_index = (uint)linkIndex });
        return Dump<LinkAddress>("dump addresses", RtnlParser.Address, a => linkIndex == 0 || a.LinkIndex == linkIndex);
    }

    /// <summary>Routes of one family, of every table (local too) or of one. Routes with several next hops are reported without their hops.</summary>
    /// <param name="family">InterNetwork or InterNetworkV6</param>
    /// <param name="table">0 for all</param>
    public IReadOnlyList<IpRoute> DumpRoutes(AddressFamily family, uint table = 0)
    {
        _request.Clear();
        _request.Begin(rtnetlink.RTM_GETROUTE, DumpFlags, new rtmsg { rtm_family = RtnlBatch.FamilyOf(family) });
        if (table != 0)
            _request.Put(rtnetlink.RTA_TABLE, table);
        return Dump<IpRoute>("dump routes", RtnlParser.Route, r => r.Family == family && (table == 0 || r.Table == table));
    }

    /// <summary>Rules of one family, in the kernel's order.</summary>
    public IReadOnlyList<IpRule> DumpRules(AddressFamily family)
    {
        _request.Clear();
        _request.Begin(rtnetlink.RTM_GETRULE, DumpFlags, new fib_rule_hdr { family = RtnlBatch.FamilyOf(family) });
        return Dump<IpRule>("dump rules", RtnlParser.Rule, r => r.Family == family);
    }

    /// <summary>Neighbours of both families, of every link or of one.</summary>
    /// <param name="linkIndex">0 for all</param>
    /// <param name="proxy">the proxy entries instead</param>
    public IReadOnlyList<IpNeighbour> DumpNeighbours(int linkIndex = 0, bool proxy = false)
    {
        _request.Clear();
        _request.Begin(rtnetlink.RTM_GETNEIGH, DumpFlags, new ndmsg { ndm_flags = proxy ? neighbour.NTF_PROXY : (byte)0 });
        if (linkIndex != 0)
            _request.Put(neighbour.NDA_IFINDEX, linkIndex);
        return Dump<IpNeighbour>("dump neighbours", RtnlParser.Neighbour, n => n.Proxy == proxy && (linkIndex == 0 || n.LinkIndex == linkIndex));
    }

    /// <summary>Qdiscs of every link or of one.</summary>
    /// <param name="linkIndex">0 for all</param>
    public IReadOnlyList<QdiscInfo> DumpQdiscs(int linkIndex = 0)
    {
        _request.Clear();
        _request.Begin(rtnetlink.RTM_GETQDISC, DumpFlags, default(tcmsg));
        return Dump<QdiscInfo>("dump qdiscs", RtnlParser.Qdisc, q => linkIndex == 0 || q.LinkIndex == linkIndex);
    }

    /// <summary>Filters of one link and parent. A classifier appears once for itself (handle 0) and once for each filter in it.</summary>
    public IReadOnlyList<FilterInfo> DumpFilters(int linkIndex, uint parent)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(linkIndex);
        _request.Clear();
        _request.Begin(rtnetlink.RTM_GETTFILTER, DumpFlags, new tcmsg { tcm_ifindex = linkIndex, tcm_parent = parent });
        return Dump<FilterInfo>("dump filters", RtnlParser.Filter, f => f.LinkIndex == linkIndex && f.Parent == parent);
    }

    private static byte FamilyByte(AddressFamily family) =>
        family == AddressFamily.Unspecified ? (byte)socket.AF_UNSPEC : RtnlBatch.FamilyOf(family);

    private void BeginGetLink(int index)
    {
        _request.Clear();
        _request.Begin(rtnetlink.RTM_GETLINK, 0, new ifinfomsg { ifi_index = index });
        _request.Put(if_link.IFLA_EXT_MASK, rtnetlink.RTEXT_FILTER_SKIP_STATS);
    }
}
