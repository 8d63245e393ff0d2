using System.Net;
using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Configuration;
using Terway.Plugins.DataPathV2.Pins;

namespace Terway.Plugins.DataPathV2.Tests;

public sealed class PinTests
{
    [Fact]
    public void Maps_are_what_the_source_declares()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var shapes = MapShape.All(new DatapathSettings(), withIpv6: true).ToDictionary(static s => s.Name);
        foreach (var program in DatapathPins.Programs)
        {
            using var loaded = BpfObject.Open(Path.Combine(DatapathBox.Objects, $"{program}.bpf.o"));
            loaded.Load();
            var declared = loaded.Maps.Values.Where(static m => !m.Name.Contains(".rodata", StringComparison.Ordinal)).ToList();
            Assert.Equal(shapes.Keys.Order(), declared.Select(static m => m.Name).Order());
            Assert.All(declared, m => Assert.Equal(
                (m.Name, m.Type, m.KeySize, m.ValueSize, m.MaxEntries),
                (shapes[m.Name].Name, shapes[m.Name].Type, shapes[m.Name].KeySize, shapes[m.Name].ValueSize, shapes[m.Name].MaxEntries)));
        }
    }

    [Fact]
    public async Task A_restart_with_the_same_build_touches_nothing()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await DatapathBox.CreateAsync();
        var ids = Ids(box);
        Assert.Empty(await box.LoadAsync(ipv6: false, new DatapathSettings()));
        Assert.Equal(ids, Ids(box));

        // Another constant, a lost record and a lost pin each load what they concern, in place and with the same maps.
        Assert.Equal(DatapathPins.Programs, await box.LoadAsync(ipv6: true, new DatapathSettings()));
        Assert.Equal(DatapathPins.Programs, await box.LoadAsync(ipv6: false, new DatapathSettings()));
        File.Delete(Path.Combine(box.Folder, DatapathPins.FromEni));
        Assert.Equal([DatapathPins.FromEni], await box.LoadAsync(ipv6: false, new DatapathSettings()));
        await box.Store.WriteAsync([new($"program/{DatapathPins.ToPod}", null)], TestContext.Current.CancellationToken);
        Assert.Equal([DatapathPins.ToPod], await box.LoadAsync(ipv6: false, new DatapathSettings()));
        Assert.Equal(DatapathBox.Redirect, box.FromPod(Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Tcp, Packet.Ports(1, 2)))));
        Assert.DoesNotContain(Directory.EnumerateFiles(box.Folder), static f => f.EndsWith("_new", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_map_of_another_size_takes_its_entries_along()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await DatapathBox.CreateAsync();
        box.FromPod(Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, "172.20.0.10", Packet.Tcp, Packet.Opening(40000, 80))));
        Assert.Equal(DatapathPins.Programs, await box.LoadAsync(ipv6: false, new DatapathSettings { MaxPodAddresses = 64, MaxStackFlows = 2048 }));

        Assert.Equal(64u, box.Maps[DatapathPins.Pods4].MaxEntries);
        Assert.Equal(2, box.Maps[DatapathPins.Pods4].Keys<uint>().Count);
        var flow = Assert.Single(box.Maps[DatapathPins.Flows4].Keys<Flow4>());
        Assert.Equal((ushort)IPAddress.HostToNetworkOrder(unchecked((short)40000)), flow.PodPort);
        Assert.Equal(DatapathBox.Redirect, box.FromPod(Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Tcp, Packet.Ports(1, 2)))));
    }

    [Fact]
    public async Task A_map_that_would_lose_entries_keeps_its_size()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await DatapathBox.CreateAsync(settings: new DatapathSettings { MaxPodAddresses = 64 });
        for (byte i = 0; i < 40; i++) box.Maps[DatapathPins.Pods4].Update((uint)(0x0a630000 + i), default(Pod));
        var told = new List<(string, uint)>();
        using var maps = PinnedMaps.Open(box.Folder, MapShape.All(new DatapathSettings { MaxPodAddresses = 16 }, withIpv6: true), (shape, size) => told.Add((shape.Name, size)));
        Assert.Equal([(DatapathPins.Pods4, 64u)], told);
        Assert.Equal((64u, 42), (maps[DatapathPins.Pods4].MaxEntries, maps[DatapathPins.Pods4].Keys<uint>().Count));
        // The other family's fitted.
        Assert.Equal((16u, 2), (maps[DatapathPins.Pods6].MaxEntries, maps[DatapathPins.Pods6].Keys<Address16>().Count));
    }

    [Fact]
    public void Flows_of_another_layout_are_shared_with_its_programs()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var mount = new BpfMount();
        // The newest of the others, be it older or younger than this layout.
        using (Open(mount, DpAbi.Version + 1))
        using (var newest = Open(mount, DpAbi.Version + 7))
        {
            newest[DatapathPins.Pods4].Update(0x0a000001u, default(Pod));
            Directory.CreateDirectory(Path.Combine(mount.Folder, DatapathPins.Folder));
            Assert.Equal($"datapath-v{DpAbi.Version + 7}", EarlierMaps.Share(mount.Folder, s_shapes));
            using (var own = Open(mount, DpAbi.Version))
            {
                foreach (var name in s_remembered) Assert.Equal(newest[name].Id, own[name].Id);
                // Its programs note a flow, and this layout's know it.
                newest[DatapathPins.Flows4].Update(new Flow4 { PodPort = 7 }, (byte)1);
                Assert.Equal(7, Assert.Single(own[DatapathPins.Flows4].Keys<Flow4>()).PodPort);
                Assert.Empty(own[DatapathPins.Pods4].Keys<uint>());
            }
        }

        // Once it has its own, or there is no other, there is nothing to share.
        Assert.Null(EarlierMaps.Share(mount.Folder, s_shapes));
        using var alone = new BpfMount();
        Directory.CreateDirectory(Path.Combine(alone.Folder, DatapathPins.Folder));
        Assert.Null(EarlierMaps.Share(alone.Folder, s_shapes));
    }

    [Theory]
    [InlineData(DatapathPins.Flows4)]
    [InlineData(DatapathPins.Hints4)]
    public void Flows_that_another_layout_declares_otherwise_are_left_alone(string changed)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var mount = new BpfMount();
        var flows = changed == DatapathPins.Flows4;
        var shapes = s_shapes.Select(s => s.Name != changed ? s : flows ? s with { KeySize = s.KeySize + 4 } : s with { MaxEntries = s.MaxEntries * 2 }).ToList();
        using var other = Open(mount, DpAbi.Version + 1, shapes);
        Directory.CreateDirectory(Path.Combine(mount.Folder, DatapathPins.Folder));
        EarlierMaps.Share(mount.Folder, s_shapes);
        using var own = Open(mount, DpAbi.Version);
        Assert.Equal(!flows, own[DatapathPins.Flows4].Id == other[DatapathPins.Flows4].Id);
        Assert.NotEqual(other[DatapathPins.Hints4].Id, own[DatapathPins.Hints4].Id);
        // Without the other's hints every flow of it is possible; without its flows none is.
        Assert.True(own[DatapathPins.Hints4].TryLookup(5u, out Hints hints));
        Assert.Equal(flows ? 0 : 1, hints.Flag[0]);
        Assert.Equal(other[DatapathPins.Flows6].Id, own[DatapathPins.Flows6].Id);
        Assert.Equal(other[DatapathPins.Hints6].Id, own[DatapathPins.Hints6].Id);
    }

    private static readonly string[] s_remembered = [DatapathPins.Flows4, DatapathPins.Flows6, DatapathPins.Hints4, DatapathPins.Hints6];

    private static readonly IReadOnlyList<MapShape> s_shapes = MapShape.All(new DatapathSettings(), withIpv6: true);

    private static PinnedMaps Open(BpfMount mount, int version, IReadOnlyList<MapShape>? shapes = null)
    {
        var folder = Directory.CreateDirectory(Path.Combine(mount.Folder, $"{DatapathPins.FolderPrefix}{version}")).FullName;
        return PinnedMaps.Open(folder, shapes ?? s_shapes, static (shape, _) => Assert.Fail(shape.Name));
    }

    private static uint[] Ids(DatapathBox box) => [.. DatapathPins.Programs.Select(name =>
    {
        using var program = BpfProgram.OpenPinned(Path.Combine(box.Folder, name))!;
        return program.Id;
    })];
}
