using System.Net;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>The programs as a dual-stack node loads them.</summary>
public sealed class Ipv6Tests : IAsyncLifetime
{
    private static readonly byte[] s_tcp = Packet.Ports(40000, 80);
    private DatapathBox _box = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        _box = await DatapathBox.CreateAsync(ipv6: true);
    }

    public ValueTask DisposeAsync()
    {
        _box?.Dispose();
        return default;
    }

    [Fact]
    public void To_a_pod_of_the_node_goes_straight_with_its_headers()
    {
        var packet = Packet.OfPod1(Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.Pod2V6, Packet.Tcp, s_tcp));
        _box.AssertOnly(PathTaken.PodToPod, () =>
        {
            var (verdict, output) = _box.Run(DatapathPins.FromPod, packet, _box.Cali1, 0);
            Assert.Equal(DatapathBox.Redirect, verdict);
            Assert.Equal(Packet.Mac(DatapathBox.PodMac2), output[..6]);
            Assert.Equal(Packet.Mac(DatapathBox.HostMac2), output[6..12]);
            Assert.Equal(63, output[21]);
            Assert.Equal(packet[22..], output[22..]);
        });
    }

    [Fact]
    public void To_and_from_the_vpc_passes_the_stack_by()
    {
        _box.AssertOnly(PathTaken.PodToVpc, () => Assert.Equal(
            DatapathBox.Redirect, _box.FromPod(Packet.OfPod1(Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.RemoteV6, Packet.Tcp, s_tcp)))));
        _box.AssertOnly(PathTaken.VpcToPod, () => Assert.Equal(
            DatapathBox.Redirect, _box.FromEni(Packet.OfVpc(Packet.IPv6(DatapathBox.RemoteV6, DatapathBox.Pod1V6, Packet.Tcp, s_tcp)))));
        _box.AssertOnly(PathTaken.StackNode, () => Assert.Equal(
            DatapathBox.Unspec, _box.FromEni(Packet.OfVpc(Packet.IPv6(DatapathBox.RemoteV6, "fd00:1::99", Packet.Tcp, s_tcp)))));
    }

    [Theory]
    [InlineData("fe80::1", "ff02::16", 0, 0)] // a listener report, behind a hop-by-hop header (RFC 3810)
    [InlineData("fd00::10", DatapathBox.Pod1V6, Packet.Icmpv6, 135)] // a neighbour that is looked for again (RFC 4861)
    public void What_the_link_says_by_itself_is_not_counted_as_for_the_pod(string from, string to, byte next, byte type) => _box.AssertOnly(
        PathTaken.StackControl, () => Assert.Equal(DatapathBox.Unspec, _box.ToPod(
            Packet.Ethernet(DatapathBox.PodMac1, DatapathBox.HostMac1, 0x86dd, Packet.IPv6(from, to, next, Packet.IcmpMessage(type), hops: 255)))));

    [Theory]
    [InlineData(Packet.Udp)]
    [InlineData(Packet.Icmpv6)]
    public void What_the_node_sends_is_counted_as_for_the_pod(byte next) => _box.AssertOnly(
        PathTaken.StackToPod, () => Assert.Equal(DatapathBox.Unspec, _box.ToPod(
            Packet.Ethernet(DatapathBox.PodMac1, DatapathBox.HostMac1, 0x86dd, Packet.IPv6("fd00::10", DatapathBox.Pod1V6, next, Packet.IcmpMessage(128))))));

    [Theory]
    [InlineData(DatapathBox.Pod2V6, DatapathBox.RemoteV6, DatapathBox.PodMac1, DropReason.SpoofedSource)]
    [InlineData(DatapathBox.RemoteV6, DatapathBox.Pod2V6, DatapathBox.PodMac1, DropReason.SpoofedSource)]
    [InlineData("fe80::99", DatapathBox.Pod2V6, DatapathBox.PodMac1, DropReason.SpoofedSource)]
    [InlineData("::", DatapathBox.Pod2V6, DatapathBox.PodMac1, DropReason.SpoofedSource)]
    [InlineData("::1", DatapathBox.Pod2V6, DatapathBox.PodMac1, DropReason.SpoofedSource)]
    [InlineData("::ffff:10.0.1.11", DatapathBox.Pod2V6, DatapathBox.PodMac1, DropReason.SpoofedSource)]
    [InlineData(DatapathBox.Pod1V6, DatapathBox.Pod2V6, DatapathBox.PodMac2, DropReason.SpoofedMac)]
    public void What_is_not_the_pods_own_is_dropped(string from, string to, string mac, object reason) => _box.AssertOnly(
        (DropReason)reason, () => Assert.Equal(DatapathBox.Shot, _box.FromPod(Packet.OfPod1(Packet.IPv6(from, to, Packet.Tcp, s_tcp), mac))));

    [Fact]
    public void Every_truncated_header_is_dropped()
    {
        var whole = Packet.OfPod1(Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.Pod2V6, Packet.Tcp, s_tcp));
        _box.Send(
            DatapathPins.FromPod, "cali1", Enumerable.Range(14, whole.Length - 14).Select(length => whole[..length]), WireNames.Of(DropReason.Malformed));
    }

    [Theory]
    [InlineData((byte)135, DatapathBox.Pod1V6, "fe80::1")]
    [InlineData((byte)135, "::", "ff02::1:ff00:11")]
    [InlineData((byte)136, DatapathBox.Pod1V6, DatapathBox.Pod2V6)]
    [InlineData((byte)133, "fe80::99", "ff02::2")]
    public void Neighbour_discovery_is_the_stacks(byte type, string from, string to) => Stack(
        PathTaken.StackControl, Packet.IPv6(from, to, Packet.Icmpv6, Packet.IcmpMessage(type), hops: 255));

    [Fact]
    public void A_question_of_the_gateway_for_a_pods_address_is_the_stacks() => _box.AssertOnly(
        PathTaken.StackControl, () => Assert.Equal(DatapathBox.Unspec, _box.FromEni(
            Packet.OfVpc(Packet.IPv6("fe80::feff", DatapathBox.Pod1V6, Packet.Icmpv6, Packet.IcmpMessage(135), hops: 255)))));

    [Theory]
    [InlineData((byte)0)] // hop-by-hop
    [InlineData((byte)43)] // routing
    [InlineData((byte)44)] // fragment
    [InlineData((byte)60)] // destination
    public void Extension_headers_are_the_stacks(byte next) => Stack(
        PathTaken.StackHeader, Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.Pod2V6, next, [Packet.Tcp, 0, 0, 0, 0, 0, 0, 0, .. s_tcp]));

    [Fact]
    public void The_last_hop_special_destinations_and_the_nodes_networks_are_the_stacks()
    {
        Stack(PathTaken.StackTtl, Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.Pod2V6, Packet.Tcp, s_tcp, hops: 1));
        Stack(PathTaken.StackControl, Packet.IPv6(DatapathBox.Pod1V6, "ff05::2", Packet.Udp, s_tcp));
        Stack(PathTaken.StackControl, Packet.IPv6(DatapathBox.Pod1V6, "fe80::1", Packet.Tcp, s_tcp));
        Stack(PathTaken.StackControl, Packet.IPv6(DatapathBox.Pod1V6, "::1", Packet.Tcp, s_tcp));
        Stack(PathTaken.StackCidr, Packet.IPv6(DatapathBox.Pod1V6, "fd00::10", Packet.Tcp, s_tcp));
        Stack(PathTaken.StackMtu, Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.RemoteV6, Packet.Tcp, Packet.Ports(1, 2, DatapathBox.Mtu - 39)));
    }

    [Fact]
    public void Flows_of_the_stack_stay_with_it_and_errors_follow_them()
    {
        Stack(PathTaken.StackCidr, Packet.IPv6(DatapathBox.Pod1V6, "fd00:f::1", Packet.Tcp, Packet.Opening(40000, 80)));
        byte[] Answer(ushort port) => Packet.OfVpc(Packet.IPv6(DatapathBox.RemoteV6, DatapathBox.Pod1V6, Packet.Tcp, Packet.Ports(8080, port)));
        byte[] TooBig(ushort port) => Packet.OfVpc(Packet.IPv6(DatapathBox.RemoteV6, DatapathBox.Pod1V6, Packet.Icmpv6, Packet.IcmpMessage(
            2, 0, Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.RemoteV6, Packet.Tcp, Packet.Ports(port, 80)))));
        _box.AssertOnly(PathTaken.StackFlow, () => Assert.Equal(DatapathBox.Unspec, _box.FromEni(Answer(40000))));
        _box.AssertOnly(PathTaken.VpcToPod, () => Assert.Equal(DatapathBox.Redirect, _box.FromEni(Answer(40001))));
        _box.AssertOnly(PathTaken.StackFlow, () => Assert.Equal(DatapathBox.Unspec, _box.FromEni(TooBig(40000))));
        _box.AssertOnly(PathTaken.VpcToPod, () => Assert.Equal(DatapathBox.Redirect, _box.FromEni(TooBig(40001))));

        _box.ToPod(Packet.Ethernet(
            DatapathBox.PodMac1, DatapathBox.HostMac1, 0x86dd, Packet.IPv6(DatapathBox.RemoteV6, DatapathBox.Pod1V6, Packet.Tcp, Packet.Ports(5000, 80))));
        Stack(PathTaken.StackFlow, Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.RemoteV6, Packet.Tcp, Packet.Ports(80, 5000)));
        Assert.Equal(DatapathBox.Redirect, _box.FromPod(Packet.OfPod1(Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.RemoteV6, Packet.Tcp, Packet.Ports(80, 5001)))));
    }

    private void Stack(object path, byte[] ip) => _box.AssertOnly((PathTaken)path, () => Assert.Equal(DatapathBox.Unspec, _box.FromPod(Packet.OfPod1(ip))));
}
