using System.Buffers.Binary;
using System.Net;
using Terway.Linux.Netlink;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Tests;

public sealed class FromPodTests : IAsyncLifetime
{
    private static readonly byte[] s_tcp = Packet.Ports(40000, 80);
    private DatapathBox _box = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        _box = await DatapathBox.CreateAsync();
    }

    public ValueTask DisposeAsync()
    {
        _box?.Dispose();
        return default;
    }

    [Theory]
    [InlineData(Packet.Tcp)]
    [InlineData(Packet.Udp)]
    [InlineData(Packet.Sctp)]
    [InlineData((byte)47)]
    public void To_a_pod_of_the_node_goes_straight_with_its_headers(byte protocol)
    {
        var packet = Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, protocol, s_tcp));
        byte[] output = [];
        _box.AssertOnly(PathTaken.PodToPod, () =>
        {
            (var verdict, output) = _box.Run(DatapathPins.FromPod, packet, _box.Cali1, 0);
            Assert.Equal(DatapathBox.Redirect, verdict);
        });

        Assert.Equal(Packet.Mac(DatapathBox.PodMac2), output[..6]);
        Assert.Equal(Packet.Mac(DatapathBox.HostMac2), output[6..12]);
        Assert.Equal(63, output[22]);
        Assert.Equal(0, Packet.Checksum(output.AsSpan(14, 20)));
        // Nothing else has changed.
        Assert.Equal(packet[12..22], output[12..22]);
        Assert.Equal(packet[26..], output[26..]);
    }

    [Theory]
    [InlineData(0x00ff)]
    [InlineData(0xfeff)]
    [InlineData(0xffff)]
    public void Checksum_stays_right_where_it_wraps(int id)
    {
        // The identification moves the checksum to where the decremented TTL makes it wrap.
        for (var low = 0; low < 256; low++)
        {
            var ip = Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Udp, s_tcp);
            BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(4), (ushort)(id - low));
            BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(10), 0);
            BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(10), Packet.Checksum(ip.AsSpan(0, 20)));
            var (_, output) = _box.Run(DatapathPins.FromPod, Packet.OfPod1(ip), _box.Cali1, 0);
            Assert.Equal(0, Packet.Checksum(output.AsSpan(14, 20)));
        }
    }

    [Fact]
    public void To_the_vpc_leaves_by_the_pods_eni()
    {
        var packet = Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Remote, Packet.Tcp, s_tcp));
        _box.AssertOnly(PathTaken.PodToVpc, () =>
        {
            var (verdict, output) = _box.Run(DatapathPins.FromPod, packet, _box.Cali1, 0);
            Assert.Equal(DatapathBox.Redirect, verdict);
            Assert.Equal(63, output[22]);
            Assert.Equal(0, Packet.Checksum(output.AsSpan(14, 20)));
        });
    }

    [Theory]
    [InlineData(DatapathBox.Pod2, DatapathBox.PodMac1, DropReason.SpoofedSource)] // another pod's
    [InlineData(DatapathBox.Pod2, DatapathBox.PodMac2, DropReason.SpoofedSource)] // with its MAC as well
    [InlineData(DatapathBox.NodeIp, DatapathBox.PodMac1, DropReason.SpoofedSource)]
    [InlineData(DatapathBox.Remote, DatapathBox.PodMac1, DropReason.SpoofedSource)]
    [InlineData("0.0.0.0", DatapathBox.PodMac1, DropReason.SpoofedSource)]
    [InlineData(DatapathBox.Pod1, DatapathBox.PodMac2, DropReason.SpoofedMac)]
    public void What_is_not_the_pods_own_is_dropped(string source, string mac, object reason)
    {
        foreach (var to in (string[])[DatapathBox.Pod2, DatapathBox.Remote, DatapathBox.NodeIp])
        {
            _box.AssertOnly((DropReason)reason, () => Assert.Equal(
                DatapathBox.Shot, _box.FromPod(Packet.OfPod1(Packet.IPv4(source, to, Packet.Tcp, s_tcp), mac))));
        }
    }

    [Fact]
    public void Every_truncated_header_is_dropped()
    {
        var whole = Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Tcp, s_tcp));
        _box.Send(
            DatapathPins.FromPod, "cali1", Enumerable.Range(14, whole.Length - 14).Select(length => whole[..length]), WireNames.Of(DropReason.Malformed));
    }

    [Theory]
    [InlineData(0x35)] // IPv3
    [InlineData(0x44)] // four words of header
    [InlineData(0x4f)] // header longer than the packet
    public void Impossible_headers_are_dropped(byte versionAndLength)
    {
        var ip = Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Tcp, s_tcp);
        ip[0] = versionAndLength;
        var packet = Packet.Ethernet(DatapathBox.HostMac1, DatapathBox.PodMac1, 0x0800, ip);
        _box.AssertOnly(DropReason.Malformed, () => Assert.Equal(DatapathBox.Shot, _box.FromPod(packet)));
    }

    [Fact]
    public void Ports_that_are_cut_off_by_the_length_are_dropped()
    {
        var packet = Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Udp, [1, 2, 3]));
        _box.AssertOnly(DropReason.Malformed, () => Assert.Equal(DatapathBox.Shot, _box.FromPod(packet)));
    }

    [Theory]
    [InlineData(0x2000)] // first
    [InlineData(0x2010)] // middle
    [InlineData(0x0010)] // last
    public void Fragments_are_the_stacks(ushort fragment) => Stack(
        PathTaken.StackFragment, Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Udp, s_tcp, fragment: fragment));

    [Fact]
    public void Options_are_the_stacks() => Stack(
        PathTaken.StackHeader, Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Tcp, s_tcp, options: [0x94, 4, 0, 0]));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void The_last_hop_is_the_stacks(byte ttl) => Stack(
        PathTaken.StackTtl, Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Tcp, s_tcp, ttl));

    [Theory]
    [InlineData("224.0.0.251")]
    [InlineData("255.255.255.255")]
    [InlineData("127.0.0.1")]
    [InlineData("0.0.0.0")]
    public void Special_destinations_are_the_stacks(string to) => Stack(
        PathTaken.StackControl, Packet.IPv4(DatapathBox.Pod1, to, Packet.Udp, s_tcp));

    [Theory]
    [InlineData(DatapathBox.NodeIp)]
    [InlineData("169.254.20.10")]
    [InlineData("172.20.0.10")]
    public void The_nodes_own_networks_are_the_stacks(string to) => Stack(
        PathTaken.StackCidr, Packet.IPv4(DatapathBox.Pod1, to, Packet.Udp, s_tcp));

    [Fact]
    public void What_the_main_table_has_on_the_node_is_the_stacks()
    {
        // A pod of another datapath, a bridge: known by its route alone.
        _box.Do(batch => batch.RouteAdd(new() { Destination = IpPrefix.Parse("10.0.1.99/32"), LinkIndex = _box.Cali2, Scope = RouteScope.Link }));
        Stack(PathTaken.StackRoute, Packet.IPv4(DatapathBox.Pod1, "10.0.1.99", Packet.Tcp, s_tcp));
    }

    [Fact]
    public void Without_its_eni_a_pod_is_the_stacks()
    {
        _box.Delete(_box.EniEntry());
        Stack(PathTaken.StackEni, Packet.IPv4(DatapathBox.Pod1, DatapathBox.Remote, Packet.Tcp, s_tcp));
        // That has nothing to do with the other pods of the node.
        Assert.Equal(DatapathBox.Redirect, _box.FromPod(Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Tcp, s_tcp))));
    }

    [Theory]
    [InlineData(DatapathBox.Pod2)]
    [InlineData(DatapathBox.Remote)]
    public void Packets_longer_than_the_mtu_are_the_stacks_unless_they_are_cut_later(string to)
    {
        byte[] Of(int length) => Packet.IPv4(DatapathBox.Pod1, to, Packet.Tcp, Packet.Ports(40000, 80, length - 20));
        Assert.Equal(DatapathBox.Redirect, _box.FromPod(Packet.OfPod1(Of(DatapathBox.Mtu))));
        Stack(PathTaken.StackMtu, Of(DatapathBox.Mtu + 1));
        // 20 bytes of IP, 20 of TCP.
        Assert.Equal(DatapathBox.Redirect, _box.FromPod(Packet.OfPod1(Of(3000)), gsoSize: DatapathBox.Mtu - 40));
        _box.AssertOnly(PathTaken.StackMtu, () => Assert.Equal(
            DatapathBox.Unspec, _box.FromPod(Packet.OfPod1(Of(3000)), gsoSize: DatapathBox.Mtu - 39)));
    }

    [Theory]
    [InlineData(0x8100, DropReason.Vlan)]
    [InlineData(0x88a8, DropReason.Vlan)]
    [InlineData(0x88cc, DropReason.Protocol)]
    public void Other_link_protocols_are_dropped(ushort type, object reason)
    {
        var inner = Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Tcp, s_tcp);
        var packet = Packet.Ethernet(DatapathBox.HostMac1, DatapathBox.PodMac1, type, [0, 7, 8, 0], inner);
        _box.AssertOnly((DropReason)reason, () => Assert.Equal(DatapathBox.Shot, _box.FromPod(packet)));
    }

    [Theory]
    [InlineData(DatapathBox.PodMac1, DatapathBox.Pod1, true)]
    [InlineData(DatapathBox.PodMac1, "0.0.0.0", true)]
    [InlineData(DatapathBox.PodMac1, DatapathBox.Pod2, false)]
    [InlineData(DatapathBox.PodMac2, DatapathBox.Pod1, false)]
    [InlineData(DatapathBox.PodMac1, "10.0.0.253", false)]
    public void Arp_is_about_the_pod_itself(string mac, string ip, bool allowed)
    {
        var packet = Packet.Ethernet("ff:ff:ff:ff:ff:ff", DatapathBox.PodMac1, 0x0806, Packet.Arp(mac, ip, "169.254.1.1"));
        if (allowed) _box.AssertOnly(PathTaken.StackControl, () => Assert.Equal(DatapathBox.Unspec, _box.FromPod(packet)));
        else _box.AssertOnly(DropReason.SpoofedArp, () => Assert.Equal(DatapathBox.Shot, _box.FromPod(packet)));
        _box.AssertOnly(DropReason.Malformed, () => Assert.Equal(DatapathBox.Shot, _box.FromPod(packet[..30])));
    }

    [Fact]
    public void Without_the_family_no_ipv6_packet_is_forwarded()
    {
        // Though the maps have entries for it.
        Stack(PathTaken.StackFamily, Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.Pod2V6, Packet.Tcp, s_tcp));
        Stack(PathTaken.StackFamily, Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.RemoteV6, Packet.Tcp, s_tcp));
    }

    [Fact]
    public void Random_damage_never_forwards_what_is_not_the_pods()
    {
        var random = new Random(20261124);
        byte[][] seeds =
        [
            Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Tcp, s_tcp)),
            Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Remote, Packet.Udp, s_tcp)),
            Packet.OfPod1(Packet.IPv4(
                DatapathBox.Pod1, DatapathBox.Remote, Packet.Icmp, Packet.IcmpMessage(3, 3, Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Udp, s_tcp)))),
        ];
        var own = IPAddress.Parse(DatapathBox.Pod1).GetAddressBytes();
        var forwarded = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var packet = (byte[])seeds[random.Next(seeds.Length)].Clone();
            for (var flips = random.Next(1, 4); flips > 0; flips--) packet[random.Next(12, packet.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0) packet = packet[..random.Next(34, packet.Length)];
            var verdict = _box.FromPod(packet);
            Assert.True(verdict is DatapathBox.Redirect or DatapathBox.Shot or DatapathBox.Unspec, $"{verdict}");
            if (verdict != DatapathBox.Redirect) continue;
            forwarded++;
            Assert.Equal(0x45, packet[14]);
            Assert.Equal(own, packet[26..30]);
            Assert.Equal(0, BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(20)) & 0x3fff);
            Assert.True(packet[22] > 1);
        }

        Assert.InRange(forwarded, 1000, 19_000);
    }

    private void Stack(object path, byte[] ip) => _box.AssertOnly(
        (PathTaken)path, () => Assert.Equal(DatapathBox.Unspec, _box.FromPod(Packet.OfPod1(ip))));
}
