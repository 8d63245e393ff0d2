using Terway.Linux.Bpf;

namespace Terway.Linux.Tests.Bpf;

public sealed class BpfMapTests
{
    [Fact]
    public void Update_modes_lookup_and_delete()
    {
        using var map = BpfMap.Create(BpfMapType.Hash, 4, 8, 2, name: "a-name-longer-than-the-kernel-takes");
        map.Update(1u, 10ul, BpfUpdate.NoExist);
        Assert.Equal(Errno.EEXIST, Assert.Throws<BpfException>(() => map.Update(1u, 11ul, BpfUpdate.NoExist)).Errno);
        map.Update(1u, 12ul, BpfUpdate.Exist);
        Assert.Equal(Errno.ENOENT, Assert.Throws<BpfException>(() => map.Update(2u, 1ul, BpfUpdate.Exist)).Errno);
        Assert.True(map.TryLookup(1u, out ulong value));
        Assert.Equal(12ul, value);
        Assert.False(map.TryLookup(9u, out ulong _));
        map.Update(2u, 20ul);
        Assert.Equal(Errno.E2BIG, Assert.Throws<BpfException>(() => map.Update(3u, 30ul)).Errno);
        Assert.True(map.Delete(1u));
        Assert.False(map.Delete(1u));
        Assert.Equal([2u], map.Keys<uint>());
    }

    [Fact]
    public void Wrong_sizes_are_refused_before_the_kernel_reads_beyond()
    {
        using var map = BpfMap.Create(BpfMapType.Hash, 4, 8, 2);
        Assert.Throws<ArgumentException>(() => map.Update(1ul, 1ul));
        Assert.Throws<ArgumentException>(() => map.TryLookup(1u, out uint _));
        Assert.Throws<ArgumentException>(() => map.UpdateBatch<uint, uint>([1], [1]));
        Assert.Throws<ArgumentException>(() => map.Delete((byte)1));
    }

    [Theory]
    [InlineData(BpfMapType.Hash, 0u)]
    [InlineData(BpfMapType.LruHash, 0u)]
    [InlineData(BpfMapType.Hash, 1u)]
    public void Batches_write_and_delete_everything(BpfMapType type, uint flags)
    {
        using var map = BpfMap.Create(type, 4, 8, 20_000, flags);
        var keys = Enumerable.Range(0, 1000).Select(i => (uint)i).ToArray();
        map.UpdateBatch<uint, ulong>(keys, [.. keys.Select(k => (ulong)k * 2)]);
        var entries = map.Entries<uint, ulong>();
        Assert.Equal(1000, entries.Count);
        Assert.All(entries, e => Assert.Equal(e.Key * 2ul, e.Value));

        // Keys that are not there, first, in the middle and last, stop neither the others nor the call.
        map.DeleteBatch<uint>([5000, .. keys[..500], 6000, 6001, .. keys[500..999], 7000]);
        Assert.Equal([999u], map.Keys<uint>());
        map.DeleteBatch<uint>([]);
    }

    [Theory]
    [InlineData(BpfMapType.Hash, 0u)]
    [InlineData(BpfMapType.Hash, 1u)]
    [InlineData(BpfMapType.LruHash, 0u)]
    public void A_walk_meets_every_key_once(BpfMapType type, uint flags)
    {
        using var map = BpfMap.Create(type, 8, 4, 20_000, flags);
        Assert.Equal(0, map.Walk());
        var keys = Enumerable.Range(0, 5000).Select(i => (ulong)i).ToArray();
        map.UpdateBatch<ulong, uint>(keys, new uint[keys.Length]);
        var met = new List<ulong>();
        Assert.Equal(5000, map.Walk(key => met.Add(BitConverter.ToUInt64(key))));
        Assert.Equal(keys, met.Order());
    }

    [Fact]
    public void A_trie_is_walked_too()
    {
        using var map = BpfMap.Create(BpfMapType.LpmTrie, 8, 4, 100, flags: 1);
        for (var i = 0u; i < 50; i++) map.Update((32, i), i);
        var met = new List<uint>();
        Assert.Equal(50, map.Walk(key => met.Add(BitConverter.ToUInt32(key[4..]))));
        Assert.Equal(Enumerable.Range(0, 50).Select(static i => (uint)i), met.Order());
    }

    [Fact]
    public void LpmTrie_finds_the_longest_prefix_and_takes_batches()
    {
        using var map = BpfMap.Create(BpfMapType.LpmTrie, 8, 4, 100, flags: 1);
        // Length in bits, then the address in network order.
        map.UpdateBatch<(int, uint), uint>([(8, 0x0000000a), (24, 0x0000010a)], [8, 24]);
        Assert.True(map.TryLookup((32, 0x0500010au), out uint match));
        Assert.Equal(24u, match);
        Assert.True(map.TryLookup((32, 0x0500020au), out match));
        Assert.Equal(8u, match);
        Assert.Equal(2, map.Keys<(int, uint)>().Count);
    }

    [Fact]
    public void Pinned_map_outlives_its_descriptor()
    {
        using var bpffs = new BpfMount();
        var path = bpffs.PathOf("map");
        using (var map = BpfMap.Create(BpfMapType.Array, 4, 4, 4, name: "twt_pin"))
        {
            map.Update(2u, 42u);
            map.Pin(path);
            Assert.Equal(Errno.EEXIST, Assert.Throws<BpfException>(() => map.Pin(path)).Errno);
        }

        using var again = BpfMap.OpenPinned(path)!;
        Assert.Equal("twt_pin", again.Name);
        Assert.True(again.TryLookup(2u, out uint value));
        Assert.Equal(42u, value);
        using var byId = BpfMap.OpenById(again.Id)!;
        Assert.Equal(again.Id, byId.Id);
        Assert.Null(BpfMap.OpenPinned(bpffs.PathOf("nothing")));
        Assert.Null(BpfMap.OpenById(uint.MaxValue - 1));
    }
}
