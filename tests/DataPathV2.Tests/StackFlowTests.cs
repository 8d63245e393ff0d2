using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>Both directions of a flow that the node's stack may translate go through the stack; all others do not.</summary>
public sealed class StackFlowTests : IAsyncLifetime
{
    private const string Service = "172.20.0.10";
    private const ushort Local = 40000;
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
    public void Answers_to_a_port_that_asked_a_service_go_through_the_stack(byte protocol)
    {
        Assert.Equal(DatapathBox.Unspec, _box.FromPod(Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, Service, protocol, Packet.Opening(Local, 80)))));

        // From whichever backend: another node's, or a pod here.
        _box.AssertOnly(PathTaken.StackFlow, () => Assert.Equal(DatapathBox.Unspec, _box.FromEni(
            Packet.OfVpc(Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, protocol, Packet.Ports(8080, Local))))));
        _box.AssertOnly(PathTaken.StackFlow, () => Assert.Equal(DatapathBox.Unspec, _box.FromPod(
            Packet.Ethernet(DatapathBox.HostMac2, DatapathBox.PodMac2, 0x0800, Packet.IPv4(DatapathBox.Pod2, DatapathBox.Pod1, protocol, Packet.Ports(8080, Local))),
            _box.Cali2)));

        // Another port, and another protocol, are not concerned.
        Assert.Equal(DatapathBox.Redirect, _box.FromEni(
            Packet.OfVpc(Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, protocol, Packet.Ports(8080, Local + 1)))));
        Assert.Equal(DatapathBox.Redirect, _box.FromEni(
            Packet.OfVpc(Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Sctp, Packet.Ports(8080, Local)))));
    }

    [Fact]
    public void Answers_to_what_came_through_the_stack_go_back_through_it()
    {
        var request = Packet.Ethernet(
            DatapathBox.PodMac1, DatapathBox.HostMac1, 0x0800, Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Tcp, Packet.Ports(5000, 80)));
        _box.AssertOnly(PathTaken.StackToPod, () => Assert.Equal(DatapathBox.Unspec, _box.ToPod(request)));

        byte[] Answer(ushort port) => Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Remote, Packet.Tcp, Packet.Ports(80, port)));
        _box.AssertOnly(PathTaken.StackFlow, () => Assert.Equal(DatapathBox.Unspec, _box.FromPod(Answer(5000))));
        Assert.Equal(DatapathBox.Redirect, _box.FromPod(Answer(5001)));
    }

    [Fact]
    public void Neither_the_node_nor_errors_nor_fragments_open_a_flow()
    {
        byte[] ToPod(byte[] ip) => Packet.Ethernet(DatapathBox.PodMac1, DatapathBox.HostMac1, 0x0800, ip);
        _box.ToPod(ToPod(Packet.IPv4(DatapathBox.NodeIp, DatapathBox.Pod1, Packet.Tcp, Packet.Ports(5000, 80))));
        _box.ToPod(ToPod(Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Udp, Packet.Ports(5000, 80), fragment: 0x2000)));
        _box.ToPod(ToPod(Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Icmp, Packet.IcmpMessage(
            3, 4, Packet.IPv4(DatapathBox.Pod1, DatapathBox.Remote, Packet.Tcp, Packet.Ports(80, 5000))))));
        Assert.Empty(_box.Maps[DatapathPins.Flows4].Keys<Flow4>());
    }

    [Theory]
    [InlineData(Packet.Tcp, (ushort)80, false)]
    [InlineData(Packet.Udp, (ushort)53, true)]
    public void A_servers_answer_to_the_node_does_not_take_its_port_off_the_fast_way(byte protocol, ushort port, bool noted)
    {
        _box.ToPod(Packet.Ethernet(
            DatapathBox.PodMac1, DatapathBox.HostMac1, 0x0800, Packet.IPv4(DatapathBox.NodeIp, DatapathBox.Pod1, protocol, Packet.Opening(5000, port))));
        var answer = Packet.Ports(port, 5000);
        answer[13] = 0x12;
        _box.AssertOnly(noted ? PathTaken.StackFlow : PathTaken.StackCidr, () => Assert.Equal(
            DatapathBox.Unspec, _box.FromPod(Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.NodeIp, protocol, answer)))));
        _box.AssertOnly(PathTaken.VpcToPod, () => Assert.Equal(DatapathBox.Redirect, _box.FromEni(
            Packet.OfVpc(Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, protocol, Packet.Opening(6000, port))))));
    }

    [Theory]
    [InlineData((byte)3)]
    [InlineData((byte)11)]
    [InlineData((byte)12)]
    public void Errors_go_the_way_of_the_flow_they_are_about(byte type)
    {
        byte[] Error(ushort port) => Packet.OfVpc(Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Icmp, Packet.IcmpMessage(
            type, 0, Packet.IPv4(DatapathBox.Pod1, DatapathBox.Remote, Packet.Tcp, Packet.Ports(port, 80)))));
        _box.FromPod(Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, Service, Packet.Tcp, Packet.Opening(Local, 80))));

        _box.AssertOnly(PathTaken.StackFlow, () => Assert.Equal(DatapathBox.Unspec, _box.FromEni(Error(Local))));
        _box.AssertOnly(PathTaken.VpcToPod, () => Assert.Equal(DatapathBox.Redirect, _box.FromEni(Error(Local + 1))));
        // Of an error only the first 8 bytes of the transport header are certain; with less the stack judges.
        _box.AssertOnly(PathTaken.StackHeader, () => Assert.Equal(DatapathBox.Unspec, _box.FromEni(Cut(Error(Local + 1), 14 + 20 + 8 + 20 + 3))));
    }

    [Fact]
    public void Errors_of_a_pod_go_the_way_of_the_flow_they_are_about()
    {
        _box.ToPod(Packet.Ethernet(
            DatapathBox.PodMac1, DatapathBox.HostMac1, 0x0800, Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Udp, Packet.Ports(5000, 53))));
        byte[] Error(ushort port) => Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Remote, Packet.Icmp, Packet.IcmpMessage(
            3, 3, Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Udp, Packet.Ports(port, 53)))));
        _box.AssertOnly(PathTaken.StackFlow, () => Assert.Equal(DatapathBox.Unspec, _box.FromPod(Error(5000))));
        _box.AssertOnly(PathTaken.PodToVpc, () => Assert.Equal(DatapathBox.Redirect, _box.FromPod(Error(5001))));
    }

    // With the length in the header corrected.
    private static byte[] Cut(byte[] packet, int length)
    {
        var cut = packet[..length];
        (cut[16], cut[17]) = ((byte)((length - 14) >> 8), (byte)(length - 14));
        return cut;
    }
}
