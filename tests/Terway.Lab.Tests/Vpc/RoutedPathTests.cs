using System.Net;
using System.Net.Sockets;
using Terway.Lab.Cloud;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Lab.Tests.Vpc;

/// <summary>What a router does besides forwarding: hop limit, path MTU, both address families.</summary>
public sealed class RoutedPathTests
{
    [Fact]
    public async Task Smaller_mtu_on_the_way_is_learned_from_the_vpc_and_the_transfer_ends_well()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.1.2");
        vpc.Configure(vpc.Fabric.NetNs, (rtnl, batch) =>
            batch.LinkSet(new LinkChange { Index = rtnl.DumpLinks().Where(static l => l.Kind == "veth").Max(static l => l.Index), Mtu = 1400 }));

        vpc.AssertOk(await vpc.TcpAsync(one, "10.0.1.2", payload: 1 << 20));

        Assert.Equal(["too-big"], vpc.Drops().Keys);
        Assert.NotEqual(0, vpc.Fabric.Counters()["icmp-error"]);
        Assert.NotEqual(0, IcmpOf(vpc, one, "InDestUnreachs"));
        Assert.Equal(0, IcmpOf(vpc, one, "InCsumErrors"));
    }

    [Fact]
    public async Task Packet_at_its_last_hop_is_dropped_and_its_sender_told()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.1.2");
        using var socket = NetNsSocket.Create(vpc.Thread, one.NetNs, AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Ttl = 1;
        // As below: the error's checksum is verified only when the packet brings its own.
        const int socketLevel = 1, noChecksum = 11; // SOL_SOCKET, SO_NO_CHECK of asm/socket.h
        socket.SetRawSocketOption(socketLevel, noChecksum, BitConverter.GetBytes(1));

        await socket.SendToAsync(new byte[100], new IPEndPoint(IPAddress.Parse("10.0.1.2"), EchoServer.DefaultPort), TestVpc.Token);
        while (IcmpOf(vpc, one, "InTimeExcds") == 0 && IcmpOf(vpc, one, "InCsumErrors") == 0)
            await Task.Delay(5, TestVpc.Token);

        Assert.Equal(["ttl-exceeded"], vpc.Drops().Keys);
        Assert.Equal(0, IcmpOf(vpc, one, "InCsumErrors"));
    }

    [Fact]
    public async Task Smaller_mtu_on_the_way_is_learned_over_ipv6_too()
    {
        await using var vpc = new TestVpc();
        vpc.Group("sg-any", new SecurityGroupRule { Direction = RuleDirection.Ingress });
        var one = await Ipv6NodeAsync(vpc, "n1", "10.0.0.1", "fd00:10::1");
        await Ipv6NodeAsync(vpc, "n2", "10.0.1.2", "fd00:10::2");
        vpc.Configure(vpc.Fabric.NetNs, (rtnl, batch) =>
            batch.LinkSet(new LinkChange { Index = rtnl.DumpLinks().Where(static l => l.Kind == "veth").Max(static l => l.Index), Mtu = 1400 }));

        var to = new IPEndPoint(IPAddress.Parse("fd00:10::2"), EchoServer.DefaultPort);
        vpc.AssertOk(await Probe.TcpAsync(vpc.Thread, one.NetNs, to, TestVpc.Answer, payload: 1 << 20, ct: TestVpc.Token));

        Assert.Equal(["too-big"], vpc.Drops().Keys);
        Assert.NotEqual(0, Icmp6Of(vpc, one, "Icmp6InPktTooBigs"));
        Assert.Equal(0, Icmp6Of(vpc, one, "Icmp6InCsumErrors"));
    }

    [Fact]
    public async Task Ipv6_packet_at_its_last_hop_is_dropped_and_its_sender_told()
    {
        await using var vpc = new TestVpc();
        vpc.Group("sg-any", new SecurityGroupRule { Direction = RuleDirection.Ingress });
        var one = await Ipv6NodeAsync(vpc, "n1", "10.0.0.1", "fd00:10::1");
        await Ipv6NodeAsync(vpc, "n2", "10.0.1.2", "fd00:10::2");
        using var socket = NetNsSocket.Create(vpc.Thread, one.NetNs, AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
        socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.IpTimeToLive, 1);
        // The error is made of the packet, and of one whose checksum is left to the link the kernel would not verify the error's either.
        const int noChecksum = 101; // UDP_NO_CHECK6_TX of linux/udp.h
        socket.SetRawSocketOption((int)ProtocolType.Udp, noChecksum, BitConverter.GetBytes(1));

        await socket.SendToAsync(new byte[100], new IPEndPoint(IPAddress.Parse("fd00:10::2"), EchoServer.DefaultPort), TestVpc.Token);
        while (Icmp6Of(vpc, one, "Icmp6InTimeExcds") == 0 && Icmp6Of(vpc, one, "Icmp6InCsumErrors") == 0)
            await Task.Delay(5, TestVpc.Token);

        Assert.Equal(["ttl-exceeded"], vpc.Drops().Keys);
        Assert.Equal(0, Icmp6Of(vpc, one, "Icmp6InCsumErrors"));
    }

    [Fact]
    public async Task Ipv6_fragments_are_judged_by_the_ports_of_their_first()
    {
        await using var vpc = new TestVpc();
        vpc.Group("sg-any", new SecurityGroupRule
        {
            Direction = RuleDirection.Ingress,
            Protocol = RuleProtocol.Udp,
            FromPort = EchoServer.DefaultPort,
            ToPort = EchoServer.DefaultPort,
        });
        var one = await Ipv6NodeAsync(vpc, "n1", "10.0.0.1", "fd00:10::1");
        await Ipv6NodeAsync(vpc, "n2", "10.0.1.2", "fd00:10::2");

        var to = new IPEndPoint(IPAddress.Parse("fd00:10::2"), EchoServer.DefaultPort);
        vpc.AssertOk(await Probe.UdpAsync(vpc.Thread, one.NetNs, to, TestVpc.Answer, payload: 4000, ct: TestVpc.Token));

        Assert.Empty(vpc.Drops());
    }

    [Fact]
    public async Task Ipv6_neighbours_are_answered_by_the_vpc_and_foreign_sources_dropped()
    {
        await using var vpc = new TestVpc();
        vpc.Group("sg-any", new SecurityGroupRule { Direction = RuleDirection.Ingress });
        var one = await Ipv6NodeAsync(vpc, "n1", "10.0.0.1", "fd00:10::1");
        await Ipv6NodeAsync(vpc, "n2", "10.0.0.2", "fd00:10::2");
        var to = new IPEndPoint(IPAddress.Parse("fd00:10::2"), EchoServer.DefaultPort);

        var result = await Probe.TcpAsync(vpc.Thread, one.NetNs, to, TestVpc.Answer, payload: 1 << 20, ct: TestVpc.Token);
        vpc.AssertOk(result);
        Assert.Equal(IPAddress.Parse("fd00:10::1"), result.SeenAs!.Address);
        Assert.NotEqual(0, vpc.Fabric.Counters()["nd-reply"]);
        Assert.Empty(vpc.Drops());

        vpc.Configure(one.NetNs, (rtnl, batch) => batch.AddressAdd(new LinkAddress
        {
            LinkIndex = rtnl.GetLink("eth0")!.Index,
            Address = IpPrefix.Parse("fd00:10::77/128"),
            Flags = AddressFlags.NoDad,
        }));
        var spoofed = Probe.TcpAsync(vpc.Thread, one.NetNs, to, TimeSpan.FromSeconds(3), IPAddress.Parse("fd00:10::77"), ct: TestVpc.Token);
        while (!spoofed.IsCompleted && vpc.Drops().Count == 0)
            await Task.Delay(5, TestVpc.Token);
        Assert.False((await spoofed).Ok);
        Assert.Equal(["spoofed-source"], vpc.Drops().Keys);
    }

    private static async Task<LabNode> Ipv6NodeAsync(TestVpc vpc, string name, string ip, string ipv6)
    {
        var node = await vpc.NodeAsync(name, ip, "sg-any");
        var eni = vpc.Eni($"eni-{name}", ip, EniType.Primary, "sg-any") with { Mac = vpc.MacOf(node, "eth0"), Ipv6Addresses = [IPAddress.Parse(ipv6)] };
        await vpc.Fabric.UpdateEniAsync(eni, TestVpc.Token);
        vpc.Configure(node.NetNs, (rtnl, batch) => batch.AddressAdd(new LinkAddress
        {
            LinkIndex = rtnl.GetLink("eth0")!.Index,
            Address = IpPrefix.Parse($"{ipv6}/64"),
            Flags = AddressFlags.NoDad,
        }));
        vpc.Serve(node.NetNs, AddressFamily.InterNetworkV6);
        return node;
    }

    private static long Icmp6Of(TestVpc vpc, LabNode node, string counter) =>
        vpc.Thread.Run(node.NetNs, static () => File.ReadAllLines("/proc/thread-self/net/snmp6"))
            .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(pair => pair[0] == counter).Select(static pair => long.Parse(pair[1], null)).Single();

    /// <summary>A counter of the node's own stack: it counts only what has a right checksum.</summary>
    private static long IcmpOf(TestVpc vpc, LabNode node, string counter)
    {
        var lines = vpc.Thread.Run(node.NetNs, static () => File.ReadAllLines("/proc/thread-self/net/snmp"))
            .Where(static line => line.StartsWith("Icmp:", StringComparison.Ordinal))
            .Select(static line => line.Split(' '))
            .ToArray();
        return long.Parse(lines[1][Array.IndexOf(lines[0], counter)], null);
    }
}
