using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Configuration;
using Terway.Plugins.DataPathV2.Pins;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>Hints spare packets a look into the flows; where they say that there may be one, every check is made, and comes to the same.</summary>
public sealed class HintTests : IAsyncLifetime
{
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

    [Theory]
    [InlineData(Packet.Tcp, false)]
    [InlineData(Packet.Udp, false)]
    [InlineData(Packet.Tcp, true)]
    [InlineData(Packet.Udp, true)]
    public void The_common_case_and_the_thorough_path_send_the_same_packet(byte protocol, bool ipv6)
    {
        var l4 = Packet.Ports(40000, 80);
        var packet = ipv6
            ? Packet.Ethernet(DatapathBox.HostMac1, DatapathBox.PodMac1, 0x86dd, Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.Pod2V6, protocol, l4))
            : Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, protocol, l4));
        var quick = _box.Run(DatapathPins.FromPod, packet, _box.Cali1, 0);
        _box.FillHints();
        (uint Verdict, byte[] Packet) thorough = default;
        _box.AssertOnly(PathTaken.PodToPod, () => thorough = _box.Run(DatapathPins.FromPod, packet, _box.Cali1, 0));

        Assert.Equal(DatapathBox.Redirect, quick.Verdict);
        Assert.Equal(quick.Verdict, thorough.Verdict);
        Assert.Equal(quick.Packet, thorough.Packet);
        Assert.NotEqual(packet, quick.Packet);
    }

    [Fact]
    public void A_flow_is_noted_with_its_hint_and_no_other()
    {
        Assert.Empty(Set(_box.Maps[DatapathPins.Hints4]));
        _box.FromPod(Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, "172.20.0.10", Packet.Tcp, Packet.Opening(40000, 80))));
        // 10.0.1.11
        Assert.Equal([0x10bu], Set(_box.Maps[DatapathPins.Hints4]));
        Assert.Empty(Set(_box.Maps[DatapathPins.Hints6]));
    }

    [Fact]
    public async Task Hints_made_after_flows_say_that_there_may_be_some()
    {
        _box.FromPod(Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, "172.20.0.10", Packet.Tcp, Packet.Opening(40000, 80))));
        File.Delete(Path.Combine(_box.Folder, DatapathPins.Hints4));
        await _box.LoadAsync(ipv6: true, new DatapathSettings());

        Assert.Equal(DpLimits.Hints, Set(_box.Maps[DatapathPins.Hints4]).Count);
        _box.AssertOnly(PathTaken.StackFlow, () => Assert.Equal(
            DatapathBox.Unspec, _box.FromEni(Packet.OfVpc(Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod1, Packet.Tcp, Packet.Ports(8080, 40000))))));
    }

    private static List<uint> Set(BpfMap map) =>
        [.. map.Entries<uint, Hints>().SelectMany(static e => Enumerable.Range(0, DpLimits.HintRow).Where(i => e.Value.Flag[i] != 0).Select(i => (e.Key * DpLimits.HintRow) + (uint)i)).Order()];
}
