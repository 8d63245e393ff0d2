using System.Net;
using System.Runtime.InteropServices;
using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Pins;

/// <summary>The datapath's maps, opened or made. They outlive this process by their pins.</summary>
internal sealed class PinnedMaps : IDisposable
{
    private readonly Dictionary<string, BpfMap> _maps = new(StringComparer.Ordinal);

    private PinnedMaps()
    {
    }

    public IEnumerable<KeyValuePair<string, BpfMap>> All => _maps;

    public BpfMap this[string name] => _maps[name];

    /// <summary>What limits the pod with this address by departure times; null when nothing does.</summary>
    public Limit? Limit(IPAddress address)
    {
        var key = Entries.KeyOf(address);
        return this[DatapathPins.Limits].TryLookup(in key, out Limit limit) ? limit : null;
    }

    /// <summary>
    /// Opens every map that is pinned and makes those that are not. One of another size is made anew with the old one's entries: whoever uses the
    /// old one goes on with it until it is loaded again.
    /// </summary>
    /// <param name="folder">Exists, on a bpf file system.</param>
    /// <param name="shapes">What they should be.</param>
    /// <param name="tooSmall">Told of a map whose entries do not fit into the size that is asked for: it keeps its size.</param>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static PinnedMaps Open(string folder, IReadOnlyList<MapShape> shapes, Action<MapShape, uint> tooSmall)
    {
        var maps = new PinnedMaps();
        try
        {
            var found = new HashSet<string>(StringComparer.Ordinal);
            foreach (var shape in shapes)
            {
                var path = PinFile.PathOf(folder, shape.Name);
                if (BpfMap.OpenPinned(path) is { } pinned)
                {
                    maps._maps.Add(shape.Name, Resize(path, pinned, shape, tooSmall));
                    found.Add(shape.Name);
                }
                else
                {
                    maps._maps.Add(shape.Name, Make(path, shape, full: shape.About is { } about && found.Contains(about)));
                }
            }

            return maps;
        }
        catch
        {
            maps.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var map in _maps.Values) map.Dispose();
    }

    private static BpfMap Make(string path, MapShape shape, bool full)
    {
        var made = shape.Create();
        try
        {
            var value = Enumerable.Repeat((byte)1, full ? made.ValueSize : 0).ToArray();
            for (var i = 0u; full && i < made.MaxEntries; i++) made.Update(MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in i)), value);
            made.Pin(path);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    private static BpfMap Resize(string path, BpfMap pinned, MapShape shape, Action<MapShape, uint> tooSmall)
    {
        if (!shape.Fits(pinned))
        {
            pinned.Dispose();
            throw new BpfException(Errno.EINVAL, $"use the map pinned at {path}", "it is of another layout than this version's");
        }

        if (pinned.MaxEntries == shape.MaxEntries) return pinned;
        var other = shape.Create();
        try
        {
            Copy(pinned, other);
            PinFile.Replace(path, other.Pin);
        }
        catch (BpfException e) when (e.Errno == Errno.E2BIG)
        {
            other.Dispose();
            tooSmall(shape, pinned.MaxEntries);
            return pinned;
        }

        pinned.Dispose();
        return other;
    }

    /// <summary>All entries of one map into another of the same key and value.</summary>
    private static void Copy(BpfMap from, BpfMap to)
    {
        var key = new byte[from.KeySize];
        var value = new byte[from.UserValueSize];
        for (ReadOnlySpan<byte> previous = default; from.TryNextKey(previous, key); previous = key.ToArray())
        {
            // Of an array all entries are there; those that were never written need not be.
            if (from.TryLookup(key, value) && (from.Type != BpfMapType.Array || value.AsSpan().ContainsAnyExcept((byte)0))) to.Update(key, value);
        }
    }
}
