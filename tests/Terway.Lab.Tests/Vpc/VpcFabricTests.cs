using System.Net;
using Terway.Lab.Cloud;
using Terway.Lab.Nodes;
using Terway.Lab.Vpc;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Lab.Tests.Vpc;

public sealed class VpcFabricTests
{
    [Fact]
    public async Task Two_nodes_in_one_vswitch_talk_both_ways_without_a_drop()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        var two = await vpc.NodeAsync("n2", "10.0.0.2");

        var there = await vpc.TcpAsync(one, "10.0.0.2");
        var back = await vpc.TcpAsync(two, "10.0.0.1");
        var datagram = await vpc.UdpAsync(one, "10.0.0.2");

        vpc.AssertOk(there);
        vpc.AssertOk(back);
        vpc.AssertOk(datagram);
        Assert.Equal(IPAddress.Parse("10.0.0.1"), there.SeenAs!.Address);
        Assert.Empty(vpc.Drops());
        Assert.NotEqual(0, vpc.Fabric.Counters()["arp-reply"]);
        Assert.NotEqual(0, vpc.Fabric.Counters()["forwarded"]);
    }

    [Fact]
    public async Task Neighbours_of_a_node_all_have_the_gateways_mac()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.0.2");
        vpc.AssertOk(await vpc.TcpAsync(one, "10.0.0.2"));

        using var rtnl = RtnlSocket.Open(vpc.Thread, one.NetNs);
        var neighbour = Assert.Single(rtnl.DumpNeighbours(), n => n.Address.Equals(IPAddress.Parse("10.0.0.2")));
        Assert.Equal(Infrastructure.GatewayMac, neighbour.Mac);
    }

    [Fact]
    public async Task Eni_whose_link_died_in_another_namespace_is_plugged_into_its_node_again()
    {
        await using var vpc = new TestVpc(mtu: 1400);
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.0.2");
        var eni = vpc.Eni("eni-x", "10.0.0.9");
        await vpc.Fabric.PlugAsync(eni, one.InstanceId, TestVpc.Token);
        using (var pod = LabPod.Create(vpc.Namespaces, 1, "p"))
        {
            vpc.Configure(one.NetNs, (_, batch) => batch.LinkSet(new LinkChange { Index = one.LinkOf(eni.Mac)!.Index, NetNs = pod.NetNs }));
            Assert.Null(one.LinkOf(eni.Mac));
        }

        for (var i = 0; one.LinkOf(eni.Mac) is null; i++)
        {
            Assert.True(i < 500, "it did not come back");
            await Task.Delay(20, TestVpc.Token);
        }

        var link = one.LinkOf(eni.Mac)!;
        Assert.Equal((1400, false), (link.Mtu, link.IsUp));

        // It carries the ENI's packets as before.
        vpc.Configure(one.NetNs, (_, batch) =>
        {
            batch.LinkSet(new LinkChange { Index = link.Index, Up = true });
            batch.AddressReplace(new LinkAddress { LinkIndex = link.Index, Address = IpPrefix.Parse("10.0.0.9/32") });
            batch.RouteReplace(new IpRoute { Destination = IpPrefix.Parse("10.0.0.2/32"), LinkIndex = link.Index, Scope = RouteScope.Link });
        });
        vpc.AssertOk(await vpc.TcpAsync(one, "10.0.0.2", source: "10.0.0.9"));

        // One that is unplugged stays away.
        await vpc.Fabric.UnplugAsync(eni.Id, TestVpc.Token);
        Assert.Null(one.LinkOf(eni.Mac));
        Assert.Empty(vpc.Drops());
    }

    [Fact]
    public async Task Another_vswitch_is_one_routers_hop_away()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.1.2");

        vpc.AssertOk(await vpc.TcpAsync(one, "10.0.1.2"));
        Assert.Empty(vpc.Drops());
    }

    [Fact]
    public async Task Source_of_another_eni_is_dropped_and_counted_as_spoofed_source()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.0.2");
        var second = vpc.Eni("eni-second", "10.0.0.11");
        await vpc.Fabric.PlugAsync(second, one.InstanceId, TestVpc.Token);
        // The address is the second ENI's, the only route leads through the first one: a policy rule that was forgotten.
        vpc.Configure(one.NetNs, (rtnl, batch) => batch.AddressAdd(new LinkAddress
        {
            LinkIndex = rtnl.GetLink("eth1")!.Index,
            Address = IpPrefix.Parse("10.0.0.11/32"),
        }));

        await vpc.AssertTcpDroppedAsync(one, "10.0.0.2", "spoofed-source", source: "10.0.0.11");

        var drop = Assert.Single(vpc.Fabric.LastDrops());
        Assert.Equal(("spoofed-source", "eni-n1", "tcp"), (drop.Reason, drop.EniId, drop.Protocol));
        Assert.Equal((IPAddress.Parse("10.0.0.11"), IPAddress.Parse("10.0.0.2"), 7), (drop.Source, drop.Destination, drop.DestinationPort));
        Assert.True(vpc.Fabric.TrafficOf("eni-n1")!.Drops.ContainsKey("spoofed-source"));
    }

    [Fact]
    public async Task Address_of_nobody_as_source_is_dropped_and_counted_as_spoofed_source()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.0.2");
        vpc.Configure(one.NetNs, (rtnl, batch) => batch.AddressAdd(new LinkAddress
        {
            LinkIndex = rtnl.GetLink("eth0")!.Index,
            Address = IpPrefix.Parse("172.20.0.1/32"),
        }));

        await vpc.AssertTcpDroppedAsync(one, "10.0.0.2", "spoofed-source", source: "172.20.0.1");
    }

    [Fact]
    public async Task Secondary_address_is_accepted_while_assigned_and_spoofed_after()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.0.2");
        var plain = vpc.Eni("eni-n1", "10.0.0.1", EniType.Primary) with { Mac = vpc.MacOf(one, "eth0") };
        var more = plain with { PrivateIps = [.. plain.PrivateIps, IPAddress.Parse("10.0.0.77")] };
        vpc.Configure(one.NetNs, (rtnl, batch) => batch.AddressAdd(new LinkAddress
        {
            LinkIndex = rtnl.GetLink("eth0")!.Index,
            Address = IpPrefix.Parse("10.0.0.77/32"),
        }));

        await vpc.Fabric.UpdateEniAsync(more, TestVpc.Token);
        vpc.AssertOk(await vpc.TcpAsync(one, "10.0.0.2", source: "10.0.0.77"));
        Assert.Empty(vpc.Drops());

        await vpc.Fabric.UpdateEniAsync(plain, TestVpc.Token);
        await vpc.AssertTcpDroppedAsync(one, "10.0.0.2", "spoofed-source", source: "10.0.0.77");
    }

    [Fact]
    public async Task Address_inside_an_assigned_prefix_belongs_to_the_eni()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.0.2");
        var eni = vpc.Eni("eni-n1", "10.0.0.1", EniType.Primary) with { Mac = vpc.MacOf(one, "eth0"), Ipv4Prefixes = [IPNetwork.Parse("10.0.0.64/28")] };
        await vpc.Fabric.UpdateEniAsync(eni, TestVpc.Token);
        vpc.Configure(one.NetNs, (rtnl, batch) =>
        {
            var eth0 = rtnl.GetLink("eth0")!.Index;
            batch.AddressAdd(new LinkAddress { LinkIndex = eth0, Address = IpPrefix.Parse("10.0.0.79/32") });
            batch.AddressAdd(new LinkAddress { LinkIndex = eth0, Address = IpPrefix.Parse("10.0.0.80/32") });
        });

        vpc.AssertOk(await vpc.TcpAsync(one, "10.0.0.2", source: "10.0.0.79"));
        await vpc.AssertTcpDroppedAsync(one, "10.0.0.2", "spoofed-source", source: "10.0.0.80");
    }

    [Fact]
    public async Task Foreign_mac_is_dropped_and_counted_as_spoofed_mac()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.0.2");
        vpc.Configure(one.NetNs, (rtnl, batch) => batch.LinkSet(new LinkChange { Name = "eth0", Mac = MacAddress.Parse("00:16:3e:ff:ff:ff") }));

        await vpc.AssertTcpDroppedAsync(one, "10.0.0.2", "spoofed-mac");
    }

    [Fact]
    public async Task Unassigned_address_of_the_vpc_is_an_unknown_destination()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");

        await vpc.AssertTcpDroppedAsync(one, "10.0.0.200", "unknown-destination");
    }

    [Fact]
    public async Task Outside_without_nat_has_no_route()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");

        await vpc.AssertTcpDroppedAsync(one, "203.0.113.10", "no-route");
    }

    [Fact]
    public async Task Outside_with_nat_sees_the_gateways_address()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        var nat = await vpc.NatAsync();
        vpc.Serve(nat.Outside);

        var result = await vpc.TcpAsync(one, "203.0.113.10", payload: 200_000);

        vpc.AssertOk(result);
        Assert.Equal(IPAddress.Parse("203.0.113.1"), result.SeenAs!.Address);
        Assert.Empty(vpc.Drops());
    }

    [Fact]
    public async Task Cloud_services_see_the_enis_address_whatever_its_security_group()
    {
        await using var vpc = new TestVpc();
        vpc.Group(new SecurityGroupSnapshot { Id = "sg-shut", VpcId = "vpc-t", Enterprise = true, IntraGroupAccept = false });
        var one = await vpc.NodeAsync("n1", "10.0.0.1", "sg-shut");
        var services = vpc.Services();
        vpc.Serve(services.NetNs);

        var result = await vpc.TcpAsync(one, "100.100.100.200");

        vpc.AssertOk(result);
        Assert.Equal(IPAddress.Parse("10.0.0.1"), result.SeenAs!.Address);
        Assert.Empty(vpc.Drops());
    }

    [Fact]
    public async Task Large_transfer_and_fragmented_datagrams_arrive_whole()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.1.2");

        vpc.AssertOk(await vpc.TcpAsync(one, "10.0.1.2", payload: 32 << 20));
        vpc.AssertOk(await vpc.UdpAsync(one, "10.0.1.2", payload: 20_000));
        Assert.Empty(vpc.Drops());
    }

    [Fact]
    public async Task Trunk_forwards_a_member_only_by_its_vlan()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.0.2");
        var trunk = vpc.Eni("eni-trunk", "10.0.0.20", EniType.Trunk);
        await vpc.Fabric.PlugAsync(trunk, one.InstanceId, TestVpc.Token);
        var member = vpc.Eni("eni-member", "10.0.0.21", EniType.Member) with { TrunkEniId = "eni-trunk", Vlan = 7 };
        await vpc.Fabric.PlugAsync(member, one.InstanceId, TestVpc.Token);
        // Untagged on the trunk the member's address is a stranger's.
        vpc.Configure(one.NetNs, (rtnl, batch) =>
        {
            var eth1 = rtnl.GetLink("eth1")!.Index;
            batch.LinkSet(new LinkChange { Index = eth1, Up = true });
            batch.AddressAdd(new LinkAddress { LinkIndex = eth1, Address = IpPrefix.Parse("10.0.0.21/32") });
            batch.RouteAdd(new IpRoute { Destination = IpPrefix.Parse("10.0.0.2/32"), LinkIndex = eth1 });
        });

        await vpc.AssertTcpDroppedAsync(one, "10.0.0.2", "spoofed-source", source: "10.0.0.21");
        Assert.All(vpc.Fabric.LastDrops(), static drop => Assert.Equal("eni-trunk", drop.EniId));
    }

    [Fact]
    public async Task Unplug_removes_the_link_also_from_a_pods_namespace()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        var eni = vpc.Eni("eni-moved", "10.0.0.30");
        await vpc.Fabric.PlugAsync(eni, one.InstanceId, TestVpc.Token);
        using var pod = vpc.Namespaces.Create("p1");
        vpc.Configure(one.NetNs, (rtnl, batch) => batch.LinkSet(new LinkChange { Index = rtnl.GetLink("eth1")!.Index, NetNs = pod }));
        using (var rtnl = RtnlSocket.Open(vpc.Thread, pod))
            Assert.NotNull(rtnl.GetLink("eth1"));

        await vpc.Fabric.UnplugAsync(eni.Id, TestVpc.Token);

        using (var rtnl = RtnlSocket.Open(vpc.Thread, pod))
            Assert.Null(rtnl.GetLink("eth1"));
        await vpc.AssertTcpDroppedAsync(one, "10.0.0.30", "unknown-destination");
        await vpc.Fabric.UnplugAsync(eni.Id, TestVpc.Token);
    }

    [Fact]
    public async Task Next_eni_takes_the_lowest_free_name_and_comes_down_without_address()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        var enis = Enumerable.Range(0, 3).Select(i => vpc.Eni($"eni-{i}", $"10.0.0.{40 + i}")).ToArray();
        foreach (var eni in enis)
            await vpc.Fabric.PlugAsync(eni, one.InstanceId, TestVpc.Token);
        await vpc.Fabric.UnplugAsync("eni-1", TestVpc.Token);
        var again = vpc.Eni("eni-again", "10.0.0.50");

        await vpc.Fabric.PlugAsync(again, one.InstanceId, TestVpc.Token);

        using var rtnl = RtnlSocket.Open(vpc.Thread, one.NetNs);
        var link = rtnl.GetLink("eth2")!;
        Assert.Equal(again.Mac, link.Mac.ToString());
        Assert.False(link.IsUp);
        Assert.Equal(1500, link.Mtu);
        Assert.Empty(rtnl.DumpAddresses(link.Index));
    }

    [Fact]
    public async Task Address_cannot_be_on_two_enis()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => vpc.Fabric.PlugAsync(vpc.Eni("eni-thief", "10.0.0.1"), one.InstanceId, TestVpc.Token));
        Assert.Contains("eni-n1", error.Message, StringComparison.Ordinal);
        using var rtnl = RtnlSocket.Open(vpc.Thread, one.NetNs);
        Assert.Null(rtnl.GetLink("eth1"));
    }

    [Fact]
    public async Task Nothing_is_left_after_dispose_also_when_the_test_throws()
    {
        var id = "";
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await using var vpc = new TestVpc();
            id = vpc.Namespaces.LabId;
            await vpc.NodeAsync("n1", "10.0.0.1");
            vpc.Services();
            await vpc.NatAsync();
            Assert.Equal(5, NamedNetNs.List().Count(name => name.StartsWith($"twl-{id}-", StringComparison.Ordinal)));
            throw new InvalidOperationException("as a failing test would");
        });

        Assert.DoesNotContain(NamedNetNs.List(), name => name.StartsWith($"twl-{id}-", StringComparison.Ordinal));
    }
}
