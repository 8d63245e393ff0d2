using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Tests;

public sealed class FromEniTests : IAsyncLifetime
{
    private static readonly byte[] s_udp = Packet.Ports(5000, 53);
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

    [Fact]
    public void To_a_pod_goes_straight_into_it()
    {
        _box.AssertOnly(PathTaken.VpcToPod, () =>
        {
            var (verdict, output) = _box.Run(
                DatapathPins.FromEni, Packet.OfVpc(Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Udp, s_udp)), _box.Eth1, 0);
            Assert.Equal(DatapathBox.Redirect, verdict);
            Assert.Equal(Packet.Mac(DatapathBox.PodMac1), output[..6]);
            Assert.Equal(Packet.Mac(DatapathBox.HostMac1), output[6..12]);
            Assert.Equal(63, output[22]);
            Assert.Equal(0, Packet.Checksum(output.AsSpan(14, 20)));
        });
    }

    [Theory]
    [InlineData(DatapathBox.NodeIp)]
    [InlineData("10.0.1.200")] // an address of the ENI that no pod has now
    public void To_nobody_here_is_the_stacks(string to) => Stack(PathTaken.StackNode, Packet.IPv4(DatapathBox.Remote, to, Packet.Udp, s_udp));

    [Fact]
    public void What_the_programs_do_not_forward_is_the_stacks()
    {
        Stack(PathTaken.StackFragment, Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Udp, s_udp, fragment: 0x2000));
        Stack(PathTaken.StackFragment, Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Udp, s_udp, fragment: 0x0003));
        Stack(PathTaken.StackHeader, Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Udp, s_udp, options: [1, 1, 1, 0]));
        Stack(PathTaken.StackHeader, Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Udp, [1, 2, 3]));
        Stack(PathTaken.StackTtl, Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Udp, s_udp, ttl: 1));
        Stack(PathTaken.StackMtu, Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Udp, Packet.Ports(1, 2, DatapathBox.Mtu - 19)));
        Stack(PathTaken.StackFamily, Packet.IPv6(DatapathBox.RemoteV6, DatapathBox.Pod1V6, Packet.Udp, s_udp));
    }

    [Fact]
    public void Truncated_packets_are_never_forwarded()
    {
        var whole = Packet.OfVpc(Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Udp, s_udp));
        _box.Send(
            DatapathPins.FromEni, "eth1", Enumerable.Range(14, whole.Length - 14).Select(length => whole[..length]), WireNames.Of(PathTaken.StackHeader));
    }

    [Fact]
    public void Arp_and_tagged_frames_are_the_stacks()
    {
        var ip = Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Udp, s_udp);
        foreach (var type in (ushort[])[0x0806, 0x8100])
        {
            _box.AssertOnly(PathTaken.StackControl, () => Assert.Equal(
                DatapathBox.Unspec, _box.FromEni(Packet.Ethernet(DatapathBox.EniMac, "ee:ff:ff:ff:ff:ff", type, [0, 7, 8, 0], ip))));
        }
    }

    private void Stack(object path, byte[] ip) => _box.AssertOnly((PathTaken)path, () => Assert.Equal(DatapathBox.Unspec, _box.FromEni(Packet.OfVpc(ip))));
}
