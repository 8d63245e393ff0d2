using System.Net.Sockets;
using Terway.Linux.Netlink;

namespace Terway.Linux.Tests.Netlink;

/// <summary>What is added comes back from a dump as it was, and is gone after the delete.</summary>
public sealed class RoundTripTests : RtnlTest
{
    private const AddressFamily V4 = AddressFamily.InterNetwork;
    private const AddressFamily V6 = AddressFamily.InterNetworkV6;

    [Theory]
    [InlineData("10.1.2.3/24", RouteScope.Universe, AddressFlags.None)]
    [InlineData("10.1.2.3/32", RouteScope.Link, AddressFlags.NoPrefixRoute)]
    [InlineData("2001:db8::5/64", RouteScope.Universe, AddressFlags.NoDad)]
    [InlineData("2001:db8::6/128", RouteScope.Universe, AddressFlags.NoDad | AddressFlags.NoPrefixRoute)]
    public void Address_round_trips(string prefix, RouteScope scope, AddressFlags flags)
    {
        var (link, _) = Veth();
        var address = new LinkAddress { LinkIndex = link, Address = Net(prefix), Scope = scope, Flags = flags };
        Do(Node, b => b.AddressAdd(address));

        Assert.Contains(address with { Flags = flags | AddressFlags.Permanent }, Node.DumpAddresses(link, address.Address.Family));
        Assert.Equal(Errno.EEXIST, Assert.Throws<NetlinkException>(() => Do(Node, b => b.AddressAdd(address))).Errno);
        Do(Node, b => b.AddressReplace(address));
        Do(Node, b => b.AddressDelete(address));
        Assert.DoesNotContain(Node.DumpAddresses(link), a => a.Address == address.Address);
        Assert.Equal(Errno.EADDRNOTAVAIL, Assert.Throws<NetlinkException>(() => Do(Node, b => b.AddressDelete(address))).Errno);
    }

    [Fact]
    public void Address_without_duplicate_detection_is_usable_at_once()
    {
        var (link, _) = Veth();
        Do(Node, b => b.AddressAdd(new() { LinkIndex = link, Address = Net("2001:db8::5/64"), Flags = AddressFlags.NoDad }));
        var address = Node.DumpAddresses(link, V6).Single(a => a.Address == Net("2001:db8::5/64"));
        Assert.False(address.Flags.HasFlag(AddressFlags.Tentative));
    }

    [Fact]
    public void DumpAddresses_of_a_link_has_no_others()
    {
        var (first, _) = Veth("n0", "p0", addressed: true);
        var (second, _) = Veth("n1", "p1");
        Do(Node, b => b.AddressAdd(new() { LinkIndex = second, Address = Net("10.9.0.1/24") }));

        Assert.Equal([Net("10.9.0.1/24")], Node.DumpAddresses(second, V4).Select(a => a.Address));
        Assert.Equal([Net("10.0.0.1/24")], Node.DumpAddresses(first, V4).Select(a => a.Address));
        Assert.Equal(2, Node.DumpAddresses(family: V4).Count);
    }

    public static TheoryData<IpRoute> Routes() =>
    [
        new IpRoute { Destination = Net("10.5.0.7"), Table = 254, Protocol = 99, Type = RouteType.Unicast, Scope = RouteScope.Link },
        new IpRoute { Destination = IpPrefix.AnyV4, Gateway = Ip("10.0.0.2"), Table = 1042, Protocol = 99, Type = RouteType.Unicast, Scope = RouteScope.Universe, Mtu = 1400, Priority = 7, PreferredSource = Ip("10.0.0.1") },
        new IpRoute { Destination = IpPrefix.AnyV4, Gateway = Ip("169.254.1.1"), OnLink = true, Table = 1000, Protocol = 4, Type = RouteType.Unicast, Scope = RouteScope.Universe },
        new IpRoute { Destination = Net("2001:db8:1::/48"), Gateway = Ip("fe80::1"), Table = 1042, Protocol = 99, Type = RouteType.Unicast, Scope = RouteScope.Universe, Priority = 1024 },
        new IpRoute { Destination = IpPrefix.AnyV6, Gateway = Ip("fe80::1"), OnLink = true, Table = 300, Protocol = 99, Type = RouteType.Unicast, Scope = RouteScope.Universe, Priority = 5, Mtu = 1300 },
    ];

    [Theory]
    [MemberData(nameof(Routes), DisableDiscoveryEnumeration = true)]
    public void Route_round_trips(IpRoute route)
    {
        var (link, _) = Veth(addressed: true);
        route = route with { LinkIndex = link };
        Do(Node, b => b.RouteAdd(route));

        Assert.Contains(route, Node.DumpRoutes(route.Family, route.Table));
        Assert.Contains(route, Node.DumpRoutes(route.Family));
        Assert.Equal(Errno.EEXIST, Assert.Throws<NetlinkException>(() => Do(Node, b => b.RouteAdd(route))).Errno);
        var changed = route with { Mtu = 1280 };
        Do(Node, b => b.RouteReplace(changed));
        Assert.Equal([changed], Node.DumpRoutes(route.Family, route.Table).Where(r => r.Destination == route.Destination));
        Do(Node, b => b.RouteDelete(new() { Destination = route.Destination, Table = route.Table }));
        Assert.DoesNotContain(Node.DumpRoutes(route.Family, route.Table), r => r.Destination == route.Destination);
        Assert.Equal(Errno.ESRCH, Assert.Throws<NetlinkException>(() => Do(Node, b => b.RouteDelete(route))).Errno);
    }

    [Theory]
    [InlineData("10.8.0.0/16", RouteType.Blackhole)]
    [InlineData("10.8.0.0/16", RouteType.Unreachable)]
    [InlineData("2001:db8::/32", RouteType.Blackhole)]
    [InlineData("2001:db8::/32", RouteType.Unreachable)]
    public void Route_without_next_hop_round_trips(string destination, RouteType type)
    {
        Do(Node, b => b.LinkSet(new() { Index = 1, Up = true }));
        var route = new IpRoute { Destination = Net(destination), Type = type, Table = 77, Protocol = 99 };
        Do(Node, b => b.RouteAdd(route));
        var found = Assert.Single(Node.DumpRoutes(route.Family, 77));
        Assert.Equal((type, route.Destination, (byte)99), (found.Type, found.Destination, found.Protocol));
        Do(Node, b => b.RouteDelete(route));
        Assert.Empty(Node.DumpRoutes(route.Family, 77));
    }

    [Fact]
    public void DumpRoutes_of_a_table_that_does_not_exist_is_empty() => Assert.Empty(Node.DumpRoutes(V4, 31337));

    public static TheoryData<IpRule> Rules() =>
    [
        new IpRule { Family = V4, Priority = 512, To = Net("10.5.0.7"), Table = 254, Protocol = 99, Action = RuleAction.Lookup },
        new IpRule { Family = V4, Priority = 2048, From = Net("10.5.0.0/24"), InputInterface = "cali1", Table = 1042, Protocol = 99, Action = RuleAction.Lookup },
        new IpRule { Family = V4, Priority = 600, OutputInterface = "eth9", Mark = 0x10, Mask = 0xf0, Table = 1042, Protocol = 99, Action = RuleAction.Lookup, Invert = true },
        new IpRule { Family = V6, Priority = 512, From = Net("2001:db8::7"), To = Net("2001:db8:1::/48"), Table = 70000, Protocol = 99, Action = RuleAction.Lookup },
        new IpRule { Family = V6, Priority = 700, From = Net("2001:db8::7"), Action = RuleAction.Blackhole, Protocol = 99 },
    ];

    [Theory]
    [MemberData(nameof(Rules), DisableDiscoveryEnumeration = true)]
    public void Rule_round_trips(IpRule rule)
    {
        Do(Node, b => b.RuleAdd(rule));
        Assert.Contains(rule, Node.DumpRules(rule.Family));
        Assert.Equal(Errno.EEXIST, Assert.Throws<NetlinkException>(() => Do(Node, b => b.RuleAdd(rule))).Errno);
        Do(Node, b => b.RuleDelete(rule));
        Assert.DoesNotContain(Node.DumpRules(rule.Family), r => r.Priority == rule.Priority);
        Assert.Equal(Errno.ENOENT, Assert.Throws<NetlinkException>(() => Do(Node, b => b.RuleDelete(rule))).Errno);
    }

    [Theory]
    [InlineData("169.254.1.1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("10.1.1.1", true)]
    [InlineData("2001:db8::9", true)]
    public void Neighbour_round_trips(string address, bool proxy)
    {
        var (link, _) = Veth();
        var neighbour = new IpNeighbour { LinkIndex = link, Address = Ip(address), Mac = proxy ? null : MacAddress.Parse("ee:ee:ee:ee:ee:ee"), Proxy = proxy };
        Do(Node, b => b.NeighbourAdd(neighbour));

        var found = Assert.Single(Node.DumpNeighbours(link, proxy), n => n.Address.Equals(neighbour.Address));
        Assert.Equal(neighbour.Mac, found.Mac);
        if (!proxy)
        {
            Assert.Equal(NeighbourStates.Permanent, found.State);
            var moved = neighbour with { Mac = MacAddress.Random() };
            Do(Node, b => b.NeighbourReplace(moved));
            Assert.Equal(moved.Mac, Node.DumpNeighbours(link).Single(n => n.Address.Equals(neighbour.Address)).Mac);
        }

        Do(Node, b => b.NeighbourDelete(neighbour));
        Assert.DoesNotContain(Node.DumpNeighbours(link, proxy), n => n.Address.Equals(neighbour.Address));
        Assert.Equal(Errno.ENOENT, Assert.Throws<NetlinkException>(() => Do(Node, b => b.NeighbourDelete(neighbour))).Errno);
    }
}
