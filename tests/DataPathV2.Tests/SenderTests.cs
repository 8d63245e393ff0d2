using System.Net;
using System.Runtime.InteropServices;
using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Datapath;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>What a link's slot says about its sender: as much as the pods' entries, and nothing about anybody else.</summary>
public sealed class SenderTests : IAsyncLifetime
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
    [InlineData(false)]
    [InlineData(true)]
    public void A_packet_that_may_be_sent_fills_the_slot_and_one_that_may_not_does_not(bool ipv6)
    {
        _box.AssertOnly(DropReason.SpoofedMac, () => _box.FromPod(ToPod2(ipv6, mac: DatapathBox.PodMac2)));
        _box.AssertOnly(DropReason.SpoofedSource, () => _box.FromPod(ToPod2(ipv6, source: ipv6 ? DatapathBox.RemoteV6 : DatapathBox.Remote)));
        Assert.Empty(Known(ipv6));

        _box.AssertOnly(PathTaken.PodToPod, () => _box.FromPod(ToPod2(ipv6)));
        Assert.Equal(Slot(ipv6, _box.Cali1, Source(ipv6), DatapathBox.PodMac1), Assert.Single(Known(ipv6)));
        KnownSenders.Forget(_box.Maps);
        Assert.Empty(Known(ipv6));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_known_sender_needs_no_entry(bool ipv6)
    {
        Fill(ipv6, _box.Cali1, _box.Cali1);
        _box.Delete(Entries.Of(DatapathBox.PodAttachment(1), IPAddress.Parse(Source(ipv6))));
        _box.AssertOnly(PathTaken.PodToPod, () => _box.FromPod(ToPod2(ipv6)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_known_sender_lies_in_vain(bool ipv6)
    {
        Fill(ipv6, _box.Cali1, _box.Cali1);
        _box.AssertOnly(DropReason.SpoofedMac, () => _box.FromPod(ToPod2(ipv6, mac: DatapathBox.PodMac2)));
        // Each word of the address by itself.
        foreach (var other in ipv6 ? (string[])["fd00:1::12", "fd00:1::1:0:11", "fd00:1:0:1::11", "fd01:1::11"] : ["10.0.1.13", "11.0.1.11"])
            _box.AssertOnly(DropReason.SpoofedSource, () => _box.FromPod(ToPod2(ipv6, source: other)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_the_slot_says_of_another_link_counts_for_nothing(bool ipv6)
    {
        Fill(ipv6, _box.Cali2, _box.Cali1);
        _box.AssertOnly(DropReason.SpoofedSource, () => _box.FromPod(ToPod2(ipv6), _box.Cali2));

        Fill(ipv6, _box.Cali1, _box.Cali2);
        _box.AssertOnly(PathTaken.PodToPod, () => _box.FromPod(ToPod2(ipv6)));
        Assert.Contains(Slot(ipv6, _box.Cali1, Source(ipv6), DatapathBox.PodMac1), Known(ipv6));
    }

    private static string Source(bool ipv6) => ipv6 ? DatapathBox.Pod1V6 : DatapathBox.Pod1;

    private static byte[] ToPod2(bool ipv6, string? source = null, string mac = DatapathBox.PodMac1) => Packet.OfPod1(
        ipv6
            ? Packet.IPv6(source ?? DatapathBox.Pod1V6, DatapathBox.Pod2V6, Packet.Udp, Packet.Ports(40000, 80))
            : Packet.IPv4(source ?? DatapathBox.Pod1, DatapathBox.Pod2, Packet.Udp, Packet.Ports(40000, 80)),
        mac);

    private static string Slot(bool ipv6, int link, string address, string mac) => Convert.ToHexString(Bytes(ipv6, link, address, mac));

    private static byte[] Bytes(bool ipv6, int link, string address, string mac)
    {
        var ip = IPAddress.Parse(address).GetAddressBytes();
        return ipv6
            ? [.. BitConverter.GetBytes(link), .. Packet.Mac(mac), 0, 0, .. ip]
            : [.. ip, .. BitConverter.GetBytes(link), .. BitConverter.GetBytes((ushort)(link / DpLimits.Senders)), .. Packet.Mac(mac)];
    }

    private static int Copies(BpfMap map) => map.IsPerCpu ? BpfMap.PossibleCpus() : 1;

    private BpfMap Map(bool ipv6) => _box.Maps[ipv6 ? DatapathPins.Senders6 : DatapathPins.Senders4];

    // On every processor: the test may run on any.
    private void Fill(bool ipv6, int slotOf, int link)
    {
        var map = Map(ipv6);
        var value = new byte[map.UserValueSize];
        for (var cpu = 0; cpu < Copies(map); cpu++) Bytes(ipv6, link, Source(ipv6), DatapathBox.PodMac1).CopyTo(value, cpu * map.ValueStride);
        var slot = (uint)slotOf & (DpLimits.Senders - 1);
        map.Update(MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in slot)), value);
    }

    private List<string> Known(bool ipv6)
    {
        var map = Map(ipv6);
        var known = new List<string>();
        var value = new byte[map.UserValueSize];
        for (var slot = 0u; slot < map.MaxEntries; slot++)
        {
            Assert.True(map.TryLookup(MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in slot)), value));
            for (var cpu = 0; cpu < Copies(map); cpu++)
            {
                var one = value.AsSpan(cpu * map.ValueStride, map.ValueSize);
                if (one.ContainsAnyExcept((byte)0)) known.Add(Convert.ToHexString(one));
            }
        }

        return known;
    }
}
