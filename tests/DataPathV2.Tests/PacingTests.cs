using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Datapath;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>Departure times of what limited pods send and get. Pod 1 sends, pod 2 gets.</summary>
public sealed class PacingTests : IAsyncLifetime
{
    private const long Rate = 20_000;
    private const int Length = 1000;
    private const long Takes = Length * 1_000_000_000L / Rate;

    private static readonly byte[] s_toVpc = Outgoing(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Remote, Packet.Udp, Packet.Ports(1, 2)));
    private static readonly byte[] s_toVpc6 = Outgoing(Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.RemoteV6, Packet.Udp, Packet.Ports(1, 2)));
    private static readonly byte[] s_toPod2 = ToPod2(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Udp, Packet.Ports(1, 2)));
    private static readonly byte[] s_toPod2V6 = ToPod2(Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.Pod2V6, Packet.Udp, Packet.Ports(1, 2)));
    private static readonly byte[] s_vpcToPod2 = ToPod2(Packet.IPv4(DatapathBox.Remote, DatapathBox.Pod2, Packet.Udp, Packet.Ports(1, 2)));

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
    public void What_a_limited_pod_sends_to_the_vpc_departs_at_its_rate_whatever_the_family()
    {
        Limit(1, egress: Rate);
        var before = Now();
        // A packet that will be cut into segments takes the time of them all.
        var first = ToEni(s_toVpc, wireLength: 20 * Length);
        Assert.InRange(first, before, Now());
        Assert.Equal(first + (20 * Takes), ToEni(s_toVpc));
        Assert.Equal(first + (21 * Takes), ToEni(s_toVpc));
        // One pod, one limit.
        Assert.Equal(first + (22 * Takes), ToEni(s_toVpc6));
        Assert.Equal(first + (23 * Takes), ToEni(s_toVpc));
    }

    [Fact]
    public void Who_has_no_limit_has_no_departure_time()
    {
        Limit(1, egress: 0, ingress: Rate);
        Assert.Equal(0, ToEni(s_toVpc));
        Assert.Equal(0, ToEni(s_toVpc));
        Assert.Equal(0, ToEni(Outgoing(Packet.IPv4(DatapathBox.Pod2, DatapathBox.Remote, Packet.Udp, Packet.Ports(1, 2)))));
        Assert.Equal(0, ToEni(Outgoing(Packet.Arp(DatapathBox.PodMac1, DatapathBox.Pod1, "10.0.1.253"), 0x0806)));
        Assert.Equal(0, ToPod(s_vpcToPod2));
        Assert.Empty(_box.Maps[DatapathPins.Paces].Keys<uint>());
    }

    [Fact]
    public void A_sender_that_paces_itself_departs_when_it_wants_if_that_is_later()
    {
        Limit(1, egress: Rate);
        var first = ToEni(s_toVpc, wireLength: 10 * Length);
        Assert.Equal(first + 1_900_000_000, ToEni(s_toVpc, wants: first + 1_900_000_000));
        // Its wish is no part of the limit: the next packet may overtake it.
        Assert.Equal(first + (11 * Takes), ToEni(s_toVpc, wants: 1));
    }

    [Fact]
    public void Beyond_the_horizon_packets_are_dropped_and_take_no_time()
    {
        Limit(1, egress: Rate);
        var first = ToEni(s_toVpc, wireLength: 39 * Length);
        Assert.Equal(first + (39 * Takes), ToEni(s_toVpc, wireLength: 5 * Length));
        for (var i = 0; i < 3; i++) _box.AssertOnly(DropReason.EgressHorizon, () => Assert.Equal(DatapathBox.Shot, Verdict(DatapathPins.ToEni, s_toVpc)));
        Assert.Equal((ulong)first + (44 * Takes), PaceOf(_box.Cali1).Egress);

        // When that has come nearer the pod goes on from where it was.
        SpinWait.SpinUntil(() => Now() > first + (5 * Takes));
        Assert.Equal(first + (44 * Takes), ToEni(s_toVpc));
    }

    [Fact]
    public void A_pause_leaves_no_credit()
    {
        Limit(1, egress: Rate);
        var first = ToEni(s_toVpc);
        SpinWait.SpinUntil(() => Now() > first + (5 * Takes));
        var before = Now();
        var second = ToEni(s_toVpc, wireLength: 20 * Length);
        Assert.InRange(second, before, Now());
        Assert.Equal(second + (20 * Takes), ToEni(s_toVpc));
    }

    [Fact]
    public void What_a_limited_pod_gets_departs_at_its_rate_wherever_it_comes_from()
    {
        Limit(2, ingress: Rate);
        var before = Now();
        var first = ToPod(s_vpcToPod2, wireLength: 10 * Length);
        Assert.InRange(first, before, Now());
        Assert.Equal(first + (10 * Takes), ToPod(s_toPod2));
        Assert.Equal(first + (11 * Takes), ToPod(s_toPod2V6));
        Assert.Equal(first + (12 * Takes), ToPod(s_toPod2, wireLength: 10 * Length));
        // 50 ms, and 16 KiB: 869 ms at this rate. 1100 ms lie ahead.
        _box.AssertOnly(DropReason.IngressHorizon, () => Assert.Equal(DatapathBox.Shot, Verdict(DatapathPins.ToPod, s_toPod2)));
        Assert.Equal((0ul, (ulong)first + (22 * Takes)), (PaceOf(_box.Cali2).Egress, PaceOf(_box.Cali2).Ingress));
    }

    [Fact]
    public void Between_two_pods_of_a_node_both_limits_hold()
    {
        Limit(1, egress: Rate);
        Limit(2, ingress: Rate / 2);
        var first = ToPod(s_toPod2, wireLength: 10 * Length);
        Assert.Equal(first + (20 * Takes), ToPod(s_toPod2));
        // The slower one ruled; the other counted along, from some nanoseconds before.
        var egress = (long)PaceOf(_box.Cali1).Egress;
        Assert.InRange(egress, first + (10 * Takes), first + (11 * Takes));
        Limit(2, ingress: 0);
        Assert.Equal(egress, ToPod(s_toPod2));
        Assert.Equal(egress + Takes, ToPod(s_toPod2));
    }

    [Fact]
    public void What_the_receiver_has_no_room_for_takes_none_of_the_senders_time()
    {
        Limit(1, egress: Rate);
        Limit(2, ingress: Rate);
        var first = ToPod(s_vpcToPod2, wireLength: 30 * Length);
        for (var i = 0; i < 3; i++) _box.AssertOnly(DropReason.IngressHorizon, () => Assert.Equal(DatapathBox.Shot, Verdict(DatapathPins.ToPod, s_toPod2)));
        Assert.InRange(ToEni(s_toVpc), first, Now());
    }

    [Fact]
    public void What_a_limited_pod_sends_to_another_goes_through_that_ones_queue_whatever_that_one_has()
    {
        // Both paths: plain packets, and what the fast one leaves to the thorough one.
        byte[][] packets =
        [
            Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Tcp, Packet.Ports(1, 2))),
            Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Sctp, Packet.Ports(1, 2))),
            Packet.OfPod1(Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.Pod2V6, Packet.Udp, Packet.Ports(1, 2))),
            Packet.OfPod1(Packet.IPv6(DatapathBox.Pod1V6, DatapathBox.Pod2V6, Packet.Sctp, Packet.Ports(1, 2))),
        ];
        Assert.All(packets, p => Assert.Equal((DatapathBox.Redirect, 0u), Sent(p)));
        Limit(1, egress: Rate);
        // A pod that has sent without a limit is known so until the slots are emptied.
        KnownSenders.Forget(_box.Maps);
        Assert.All(packets, p => Assert.Equal((DatapathBox.Redirect, DatapathBox.ShapedMark), Sent(p)));
        Limit(1, egress: 0);
        Limit(2, ingress: Rate);
        Assert.All(packets, p => Assert.Equal((DatapathBox.Redirect, DatapathBox.ShapedMark), Sent(p)));

        (uint, uint) Sent(byte[] packet)
        {
            var (verdict, _, mark) = _box.Paced(DatapathPins.FromPod, packet, 0, 0);
            return (verdict, mark);
        }
    }

    [Fact]
    public void The_mark_of_the_queue_ends_before_the_pod()
    {
        Limit(2, ingress: Rate);
        var (verdict, departure, mark) = _box.Paced(DatapathPins.ToPod, s_toPod2, 0, Length, DatapathBox.ShapedMark);
        Assert.Equal((DatapathBox.Unspec, 0u), (verdict, mark));
        Assert.NotEqual(0, departure);
        // What a program of this datapath sent is counted by that one.
        Assert.Equal(0, _box.Count(PathTaken.StackToPod));
    }

    [Fact]
    public async Task Packets_of_all_cpus_are_counted()
    {
        const int repeats = 20_000;
        const int threads = 4;
        // A second lies ahead, so that none of them finds the way free; then a nanosecond for each byte.
        Limit(1, egress: Rate);
        var first = ToEni(s_toVpc, wireLength: 20 * Length);
        Limit(1, egress: 1_000_000_000);
        using var program = BpfProgram.OpenPinned(Path.Combine(_box.Folder, DatapathPins.ToEni))!;
        await Task.WhenAll(Enumerable.Range(0, threads).Select(_ => Task.Factory.StartNew(
            () => program.TestRun(s_toVpc, repeat: repeats, context: new byte[192]), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.Equal((ulong)(first + (20 * Takes) + (threads * repeats * s_toVpc.Length)), PaceOf(_box.Cali1).Egress);
    }

    [Fact]
    public async Task What_a_limit_stands_at_goes_with_the_pods_link()
    {
        Limit(1, egress: Rate);
        Limit(2, ingress: Rate);
        ToPod(s_toPod2);
        await using var gone = new GoneLinks(_box.Maps, NullLogger.Instance);
        _box.InNode(gone.Start);
        Assert.Equal(2, _box.Maps[DatapathPins.Paces].Keys<uint>().Count);
        _box.Do(batch => batch.LinkDelete("cali2"));
        while (_box.Maps[DatapathPins.Paces].Keys<uint>().Count > 1) await Task.Delay(5, TestContext.Current.CancellationToken);
        Assert.Equal((uint)_box.Cali1, Assert.Single(_box.Maps[DatapathPins.Paces].Keys<uint>()));
    }

    private static byte[] Outgoing(byte[] payload, ushort type = 0) => Packet.Ethernet(
        "ee:ff:ff:ff:ff:ff", DatapathBox.EniMac, type > 0 ? type : payload[0] >> 4 == 6 ? (ushort)0x86dd : (ushort)0x0800, payload);

    private static byte[] ToPod2(byte[] ip) =>
        Packet.Ethernet(DatapathBox.PodMac2, DatapathBox.HostMac2, ip[0] >> 4 == 6 ? (ushort)0x86dd : (ushort)0x0800, ip);

    // The clock of bpf_ktime_get_ns().
    private static long Now() => System.Diagnostics.Stopwatch.GetTimestamp() * (1_000_000_000 / System.Diagnostics.Stopwatch.Frequency);

    private long ToEni(byte[] packet, uint wireLength = Length, long wants = 0) => Departure(DatapathPins.ToEni, packet, wireLength, wants);

    private long ToPod(byte[] packet, uint wireLength = Length) => Departure(DatapathPins.ToPod, packet, wireLength, 0);

    private long Departure(string program, byte[] packet, uint wireLength, long wants)
    {
        var (verdict, departure, _) = _box.Paced(program, packet, wants, wireLength);
        Assert.Equal(DatapathBox.Unspec, verdict);
        return departure;
    }

    private uint Verdict(string program, byte[] packet) => _box.Paced(program, packet, 0, Length).Verdict;

    private Pace PaceOf(int link)
    {
        Assert.True(_box.Maps[DatapathPins.Paces].TryLookup((uint)link, out Pace pace));
        return pace;
    }

    private void Limit(int pod, long egress = 0, long ingress = 0)
    {
        var attachment = DatapathBox.PodAttachment(pod, ingress, egress: egress);
        var link = pod == 1 ? _box.Cali1 : _box.Cali2;
        var limits = new PodLimits(egress, ingress);
        foreach (var address in attachment.Allocation.Addresses)
        {
            _box.Put(Entries.Of(limits, address.Address, attachment.HostLinkName), link);
            _box.Put(Entries.Of(attachment, address.Address, limits), link);
        }
    }
}
