using Terway.Linux.Bpf;

namespace Terway.Plugins.DataPathV2.Pins;

/// <summary>A map whose room is watched.</summary>
/// <param name="Map">The map.</param>
/// <param name="Name">Its name; a pinned map's own is cut by the kernel.</param>
/// <param name="Setting">What sizes it; null when nothing does.</param>
/// <param name="Consequence">What becomes of it when the map is full, or (of one that forgets) when it forgets too soon.</param>
internal sealed record WatchedMap(BpfMap Map, string Name, string? Setting, string Consequence)
{
    // LOCAL_FREE_TARGET of the kernel's bpf_lru_list.c: so many free entries each CPU keeps for itself, so that others forget before the map is full.
    private const long FreeForOneCpu = 128;

    /// <summary>Whether it makes room by forgetting the entry that was used least recently.</summary>
    public bool Forgets { get; } = Map.Type is BpfMapType.LruHash;

    /// <summary>Entries from which on there may be no room for another.</summary>
    public long Full { get; } = Map.Type is BpfMapType.LruHash
        ? Map.MaxEntries - Math.Min(FreeForOneCpu * BpfMap.PossibleCpus(), Map.MaxEntries / 2)
        : Map.MaxEntries;
}
