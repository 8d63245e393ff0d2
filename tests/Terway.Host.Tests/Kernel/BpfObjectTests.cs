using System.Buffers.Binary;
using Terway.Host.Tests.Fixtures;
using Terway.Plugin;

namespace Terway.Host.Tests.Kernel;

/// <summary>What is particular to programs and entries of maps, beside what holds for every kind of object.</summary>
public sealed class BpfObjectTests : IDisposable
{
    private static readonly KernelObject.TcProgram s_program = new(NodeBox.Eni, Ingress: true, $"{Samples.Pins}/count_tc", 25000);

    private readonly NodeBox _box = new();

    public void Dispose() => _box.Dispose();

    [Fact]
    public async Task An_entry_holds_the_index_its_link_has_now()
    {
        var entry = new KernelObject.MapEntry($"{Samples.Pins}/packets", "01000000", "0000000022222222", NodeBox.Eni);
        await _box.Kernel.ApplyAsync([entry], null);
        Assert.True(_box.Pins.Map.TryLookup(BinaryPrimitives.ReadUInt32LittleEndian([1, 0, 0, 0]), out (int Link, uint Tail) value));
        Assert.Equal((_box.Index(NodeBox.Eni), 0x22222222u), value);

        NodeBox.Do(_box.Node, b => b.LinkDelete(NodeBox.Eni));
        Assert.Equal(["entry 01000000 of eBPF map sample-v1/packets"], await _box.Kernel.FindMissingAsync([entry], null));
        await Assert.ThrowsAsync<PodNetworkException>(() => _box.Kernel.ApplyAsync([entry], null));
        _box.AddEni(NodeBox.Eni);
        Assert.Single(await _box.Kernel.FindMissingAsync([entry], null));
        await _box.Kernel.ApplyAsync([entry], null);
        Assert.Empty(await _box.Kernel.FindMissingAsync([entry], null));
        Assert.True(_box.Pins.Map.TryLookup(1u, out value));
        Assert.Equal(_box.Index(NodeBox.Eni), value.Link);
    }

    [Fact]
    public async Task A_full_map_refuses_the_pod_and_says_so()
    {
        for (var key = 1u; key <= 2; key++) _box.Pins.Map.Update(key, 0ul);
        var e = await Assert.ThrowsAsync<PodNetworkException>(() => _box.Kernel.ApplyAsync(
            [new KernelObject.MapEntry($"{Samples.Pins}/packets", "09000000", "0000000000000000")], null));
        Assert.Contains("sample-v1/packets is full (2 entries): raise its size", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../other")]
    [InlineData("/etc")]
    [InlineData("a/./b")]
    [InlineData("")]
    public async Task Paths_out_of_the_folder_are_refused(string path)
    {
        await Assert.ThrowsAsync<PodNetworkException>(() => _box.Kernel.ApplyAsync([new KernelObject.PinFolder(path)], null));
        var before = _box.Snapshot();
        // It was never made, so there is nothing to take away.
        await _box.Kernel.RemoveAsync([[new KernelObject.PinFolder(path)]]);
        Assert.Equal(before, _box.Snapshot());
    }

    [Fact]
    public async Task What_is_not_pinned_is_named()
    {
        var program = await Assert.ThrowsAsync<PodNetworkException>(() => _box.Kernel.ApplyAsync([s_program with { Program = "no-v1/p" }], null));
        Assert.Contains("no eBPF program is pinned at", program.Message, StringComparison.Ordinal);
        var entry = new KernelObject.MapEntry("no-v1/m", "00", "00");
        var map = await Assert.ThrowsAsync<PodNetworkException>(() => _box.Kernel.ApplyAsync([entry], null));
        Assert.Contains("no eBPF map is pinned at", map.Message, StringComparison.Ordinal);
        // As after a reboot: gone with its map.
        await _box.Kernel.RemoveAsync([[entry, s_program with { Program = "no-v1/p" }]]);
    }
}
