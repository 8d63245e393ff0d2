using Terway.Linux.Bpf;

namespace Terway.Lab.Nodes;

/// <summary>Reads maps that somebody else pinned and goes on using.</summary>
internal static class PinnedEntries
{
    /// <summary>Keys and values as one walk finds them; nothing when no map is pinned there. Of a map that changes meanwhile some may be missing.</summary>
    public static IEnumerable<(byte[] Key, byte[] Value)> Of(string path)
    {
        using var map = BpfMap.OpenPinned(path);
        if (map is null)
            yield break;
        var next = new byte[map.KeySize];
        var steps = 0L;
        // A walk starts again when the key it is at goes: it ends after as many steps as the map can hold.
        for (byte[] previous = []; steps++ <= map.MaxEntries && map.TryNextKey(previous, next); previous = [.. next])
        {
            var value = new byte[map.UserValueSize];
            if (map.TryLookup(next, value))
                yield return ([.. next], value);
        }
    }
}
