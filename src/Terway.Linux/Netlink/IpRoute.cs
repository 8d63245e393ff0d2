using System.Net;
using System.Net.Sockets;

namespace Terway.Linux.Netlink;

/// <summary>RT_SCOPE_*: how far away a destination is.</summary>
public enum RouteScope : byte
{
    Universe = 0,
    Site = 200,
    Link = 253,
    Host = 254,
    Nowhere = 255,
}

/// <summary>RTN_*.</summary>
public enum RouteType : byte
{
    /// <summary>Unicast when adding; any when deleting.</summary>
    Unspecified = 0,
    Unicast = 1,
    Local = 2,
    Broadcast = 3,
    Anycast = 4,
    Multicast = 5,
    Blackhole = 6,
    Unreachable = 7,
    Prohibit = 8,
    Throw = 9,
}

/// <summary>
/// A route with at most one next hop: what is added or deleted, and what a dump reports. Where a member is at its default when
/// adding, the kernel or iproute2's rule decides; when deleting, it matches anything.
/// </summary>
public readonly record struct IpRoute
{
    /// <summary><see cref="IpPrefix.AnyV4"/> or <see cref="IpPrefix.AnyV6"/> for a default route.</summary>
    public required IpPrefix Destination { get; init; }

    public IPAddress? Gateway { get; init; }

    /// <summary>The outgoing link, 0 for none.</summary>
    public int LinkIndex { get; init; }

    /// <summary>0 means main (254).</summary>
    public uint Table { get; init; }

    /// <summary>Null: as iproute2 does, link for a unicast IPv4 route without gateway, host for a local one, else universe.</summary>
    public RouteScope? Scope { get; init; }

    /// <summary>Who made it (rtm_protocol); 0 means boot (3) when adding and any when deleting.</summary>
    public byte Protocol { get; init; }

    public RouteType Type { get; init; }

    /// <summary>The source address that the node's own packets take.</summary>
    public IPAddress? PreferredSource { get; init; }

    /// <summary>The gateway is reached over the link though no route says so (RTNH_F_ONLINK).</summary>
    public bool OnLink { get; init; }

    /// <summary>Metric; lower wins. 0: none in IPv4, 1024 in IPv6.</summary>
    public uint Priority { get; init; }

    /// <summary>Bytes; 0 for the link's.</summary>
    public int Mtu { get; init; }

    public AddressFamily Family => Destination.Family;
}
