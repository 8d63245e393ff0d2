using System.Net;
using System.Net.Sockets;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>Kernel objects in rtnetlink's terms.</summary>
internal static class ObjectMessages
{
    public static LinkAddress Of(KernelObject.Address address, int link) => new()
    {
        LinkIndex = link,
        Address = new IpPrefix(address.Ip, address.PrefixLength),
        // The address is unique by the cloud's word; waiting for detection would hold the pod up for a second or more.
        Flags = address.Ip.AddressFamily == AddressFamily.InterNetworkV6 ? AddressFlags.NoDad : AddressFlags.None,
        Scope = IsLinkLocal(address.Ip) ? RouteScope.Link : RouteScope.Universe,
    };

    public static IpRoute Of(KernelObject.Route route, int link) => new()
    {
        Destination = route.Destination,
        Gateway = route.Gateway,
        LinkIndex = link,
        Table = (uint)route.Table,
        Scope = route.Gateway is null && route.Destination.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? RouteScope.Link : RouteScope.Universe,
        OnLink = route.Gateway is not null,
        Protocol = OwnMarks.RouteProtocol,
    };

    public static IpRule Of(KernelObject.Rule rule) => new()
    {
        Family = (rule.From ?? rule.To ?? throw new ArgumentException("a rule needs a source or a destination", nameof(rule))).BaseAddress.AddressFamily,
        Priority = (uint)rule.Priority,
        From = rule.From is { } from ? IpPrefix.FromNetwork(from) : null,
        To = rule.To is { } to ? IpPrefix.FromNetwork(to) : null,
        Table = (uint)rule.Table,
        Protocol = OwnMarks.RouteProtocol,
    };

    public static IpRule Of(KernelObject.Refusal refusal) => new()
    {
        Family = refusal.Family,
        Priority = (uint)refusal.Priority,
        InputInterface = refusal.LinkName,
        Action = RuleAction.Unreachable,
        Protocol = OwnMarks.RouteProtocol,
    };

    public static IpNeighbour Of(KernelObject.Neighbour neighbour, int link) => new()
    {
        LinkIndex = link,
        Address = neighbour.Ip,
        Mac = MacAddress.Parse(neighbour.Mac),
        State = NeighbourStates.Permanent,
    };

    public static TbfSpec Of(KernelObject.TokenBucket bucket, int link) => new()
    {
        LinkIndex = link,
        RateBytesPerSecond = (ulong)bucket.BytesPerSecond,
        BurstBytes = (uint)bucket.BurstBytes,
        LimitBytes = (uint)bucket.LimitBytes,
        Parent = TcHandle.Root,
        Handle = TcHandle.Of(1, 0),
    };

    private static bool IsLinkLocal(IPAddress address) =>
        address.IsIPv6LinkLocal || (address.AddressFamily == AddressFamily.InterNetwork && address.GetAddressBytes() is [169, 254, ..]);
}
