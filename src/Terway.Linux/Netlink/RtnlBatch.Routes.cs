using System.Net.Sockets;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

public sealed partial class RtnlBatch
{
    /// <summary>EEXIST: a route of the same destination, table and priority is there. ENETUNREACH: the gateway is not reachable (see OnLink).</summary>
    public RtnlRequest RouteAdd(in IpRoute route) => Route(rtnetlink.RTM_NEWROUTE, Add, route);

    /// <summary>Adds the route, in the place of one of the same destination, table and priority.</summary>
    public RtnlRequest RouteReplace(in IpRoute route) => Route(rtnetlink.RTM_NEWROUTE, Replace, route);

    /// <summary>Deletes the first route that matches. ESRCH: there is none, also when its link is gone; ENOENT: no such table (IPv4); ENODEV: no such link (IPv6).</summary>
    public RtnlRequest RouteDelete(in IpRoute route) => Route(rtnetlink.RTM_DELROUTE, Ack, route);

    private RtnlRequest Route(ushort type, ushort flags, in IpRoute route)
    {
        var delete = type == rtnetlink.RTM_DELROUTE;
        var kind = route.Type != RouteType.Unspecified || delete ? route.Type : RouteType.Unicast;
        var table = route.Table == 0 ? rtnetlink.RT_TABLE_MAIN : route.Table;
        var header = new rtmsg
        {
            rtm_family = FamilyOf(route.Family),
            rtm_dst_len = (byte)route.Destination.Length,
            rtm_table = table <= byte.MaxValue ? (byte)table : rtnetlink.RT_TABLE_UNSPEC,
            rtm_protocol = route.Protocol != 0 || delete ? route.Protocol : rtnetlink.RTPROT_BOOT,
            rtm_scope = (byte)(route.Scope ?? DefaultScope(route, kind, delete)),
            rtm_type = (byte)kind,
            rtm_flags = route.OnLink ? rtnetlink.RTNH_F_ONLINK : 0,
        };
        var offset = Begin(type, flags, header);
        if (route.Destination.Length > 0)
            _writer.Put(rtnetlink.RTA_DST, route.Destination.Address);
        if (table > byte.MaxValue)
            _writer.Put(rtnetlink.RTA_TABLE, table);
        if (route.LinkIndex != 0)
            _writer.Put(rtnetlink.RTA_OIF, route.LinkIndex);
        if (route.Gateway is not null)
            _writer.Put(rtnetlink.RTA_GATEWAY, route.Gateway);
        if (route.Priority != 0)
            _writer.Put(rtnetlink.RTA_PRIORITY, route.Priority);
        if (route.PreferredSource is not null)
            _writer.Put(rtnetlink.RTA_PREFSRC, route.PreferredSource);
        if (route.Mtu != 0)
        {
            var metrics = _writer.BeginNest(rtnetlink.RTA_METRICS);
            _writer.Put(rtnetlink.RTAX_MTU, route.Mtu);
            _writer.EndNest(metrics);
        }

        return End(offset);
    }

    /// <summary>iproute2's rule, so that routes added by both look the same.</summary>
    private static RouteScope DefaultScope(in IpRoute route, RouteType type, bool delete)
    {
        if (route.Family == AddressFamily.InterNetworkV6)
            return RouteScope.Universe;
        return type switch
        {
            RouteType.Local => RouteScope.Host,
            RouteType.Broadcast or RouteType.Multicast or RouteType.Anycast => RouteScope.Link,
            RouteType.Unicast or RouteType.Unspecified when delete => RouteScope.Nowhere,
            RouteType.Unicast when route.Gateway is null => RouteScope.Link,
            _ => RouteScope.Universe,
        };
    }
}
