using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>
/// Packets of devices that sum all of a packet (CHECKSUM_COMPLETE), as many NICs do: the receiver takes that sum for the packet's, so whoever changes the packet
/// has to change it, too. The kernel makes such packets for test runs, and compares their sum with what the program left.
/// </summary>
public sealed class SummedPacketTests : IAsyncLifetime
{
    private DatapathBox _box = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        _box = await DatapathBox.CreateAsync(ipv6: true);
        try
        {
            _box.Run(DatapathPins.ToPod, Of(ipv6: false, DatapathBox.Remote, DatapathBox.Pod1, 64, []), _box.Cali1, 0, summed: true);
        }
        catch (BpfException e) when (e.Errno == Errno.EINVAL)
        {
            _box.Dispose();
            Assert.Skip("the kernel makes no such packets (before 6.11)");
        }
    }

    public ValueTask DisposeAsync()
    {
        _box?.Dispose();
        return default;
    }

    [Theory]
    [InlineData(nameof(PathTaken.PodToPod), false, false)]
    [InlineData(nameof(PathTaken.PodToPod), false, true)]
    [InlineData(nameof(PathTaken.PodToPod), true, false)]
    [InlineData(nameof(PathTaken.PodToPod), true, true)]
    [InlineData(nameof(PathTaken.PodToVpc), false, false)]
    [InlineData(nameof(PathTaken.PodToVpc), true, false)]
    [InlineData(nameof(PathTaken.VpcToPod), false, false)]
    [InlineData(nameof(PathTaken.VpcToPod), false, true)]
    [InlineData(nameof(PathTaken.VpcToPod), true, false)]
    [InlineData(nameof(PathTaken.VpcToPod), true, true)]
    public void The_sum_is_right_after_the_packet_got_older(string way, bool ipv6, bool thorough)
    {
        var path = Enum.Parse<PathTaken>(way);
        if (thorough) _box.FillHints();
        var random = new Random(4711);
        var (program, link) = path == PathTaken.VpcToPod ? (DatapathPins.FromEni, _box.Eth1) : (DatapathPins.FromPod, _box.Cali1);
        // Every age, and of each some contents: a sum that is added to carries over now and then.
        for (var hops = 2; hops <= byte.MaxValue; hops++)
        {
            var body = new byte[random.Next(64)];
            random.NextBytes(body);
            var packet = Of(ipv6, From(path, ipv6), To(path, ipv6), (byte)hops, body);
            (uint Verdict, byte[] Packet) run = (0, []);
            _box.AssertOnly(path, () => run = _box.Run(program, packet, link, 0, summed: true));
            Assert.Equal(DatapathBox.Redirect, run.Verdict);
            Assert.Equal(hops - 1, run.Packet[ipv6 ? 21 : 22]);
            if (!ipv6) Assert.Equal(0, Packet.Checksum(run.Packet.AsSpan(14, 20)));
            // Not the program's luck, but its work: nothing else of the packet is another.
            Assert.Equal(packet[(ipv6 ? 22 : 26)..], run.Packet[(ipv6 ? 22 : 26)..]);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_left_to_the_stack_keeps_its_sum(bool ipv6)
    {
        var toNode = Of(ipv6, From(PathTaken.PodToVpc, ipv6), ipv6 ? "fd00::10" : DatapathBox.NodeIp, 64, [1, 2, 3]);
        Assert.Equal(DatapathBox.Unspec, _box.Run(DatapathPins.FromPod, toNode, _box.Cali1, 0, summed: true).Verdict);
        var old = Of(ipv6, From(PathTaken.PodToPod, ipv6), To(PathTaken.PodToPod, ipv6), 1, [1, 2, 3]);
        Assert.Equal(DatapathBox.Unspec, _box.Run(DatapathPins.FromPod, old, _box.Cali1, 0, summed: true).Verdict);
        Assert.Equal(DatapathBox.Unspec, _box.Run(DatapathPins.FromEni, toNode, _box.Eth1, 0, summed: true).Verdict);
    }

    private static string From(PathTaken path, bool ipv6) => path == PathTaken.VpcToPod
        ? ipv6 ? DatapathBox.RemoteV6 : DatapathBox.Remote
        : ipv6 ? DatapathBox.Pod1V6 : DatapathBox.Pod1;

    private static string To(PathTaken path, bool ipv6) => path switch
    {
        PathTaken.PodToPod => ipv6 ? DatapathBox.Pod2V6 : DatapathBox.Pod2,
        PathTaken.PodToVpc => ipv6 ? DatapathBox.RemoteV6 : DatapathBox.Remote,
        _ => ipv6 ? DatapathBox.Pod1V6 : DatapathBox.Pod1,
    };

    private static byte[] Of(bool ipv6, string from, string to, byte hops, byte[] body)
    {
        byte[] l4 = [.. Packet.Ports(40000, 80), .. body];
        return from is DatapathBox.Pod1 or DatapathBox.Pod1V6
            ? Packet.Ethernet(DatapathBox.HostMac1, DatapathBox.PodMac1, ipv6 ? (ushort)0x86dd : (ushort)0x0800, Ip(ipv6, from, to, hops, l4))
            : Packet.Ethernet(DatapathBox.EniMac, "ee:ff:ff:ff:ff:ff", ipv6 ? (ushort)0x86dd : (ushort)0x0800, Ip(ipv6, from, to, hops, l4));
    }

    private static byte[] Ip(bool ipv6, string from, string to, byte hops, byte[] l4) =>
        ipv6 ? Packet.IPv6(from, to, Packet.Tcp, l4, hops) : Packet.IPv4(from, to, Packet.Tcp, l4, ttl: hops);
}
