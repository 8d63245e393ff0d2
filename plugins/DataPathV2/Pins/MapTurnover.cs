using System.Numerics;
using Terway.Linux.Bpf;

namespace Terway.Plugins.DataPathV2.Pins;

/// <summary>
/// How quickly the entries of a map are replaced: a sample of its keys, compared from look to look. Its size does not depend on the map's, and the same keys are
/// drawn each time. One caller at a time.
/// </summary>
internal sealed class MapTurnover(BpfMap map)
{
    private const int SampleBits = 12;
    private const int Enough = 64;

    // Of keys' hashes those whose last bits are 0.
    private readonly uint _mask = (1u << Math.Max(0, BitOperations.Log2(map.MaxEntries) - SampleBits)) - 1;
    private HashSet<int> _before = [];

    /// <summary>Counts the entries and draws the sample anew.</summary>
    /// <returns>Entries, and the share of those sampled before that are gone; null when too few were there to tell.</returns>
    /// <exception cref="BpfException">The kernel refused.</exception>
    public (long Used, double? Gone) Look()
    {
        var sample = new HashSet<int>();
        var used = map.Walk(key =>
        {
            var hash = new HashCode();
            hash.AddBytes(key);
            var value = hash.ToHashCode();
            if (((uint)value & _mask) == 0) sample.Add(value);
        });
        double? gone = _before.Count < Enough ? null : _before.Count(h => !sample.Contains(h)) / (double)_before.Count;
        _before = sample;
        return (used, gone);
    }
}
