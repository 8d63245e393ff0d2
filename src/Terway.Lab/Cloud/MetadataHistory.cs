using System.Collections.Immutable;

namespace Terway.Lab.Cloud;

/// <summary>
/// What the metadata service could have said about an instance's ENIs, by time, so that it can lag behind. Not thread-safe: the
/// region's lock covers it.
/// </summary>
internal sealed class MetadataHistory
{
    private const int MaxEntries = 512;
    private readonly List<(DateTimeOffset At, ImmutableArray<EniSnapshot> Enis)> _entries = [];

    public void Add(DateTimeOffset at, ImmutableArray<EniSnapshot> enis)
    {
        if (_entries.Count == MaxEntries)
            _entries.RemoveRange(0, MaxEntries / 2);
        _entries.Add((at, enis));
    }

    /// <returns>The newest entry that is not younger than <paramref name="at"/>; the oldest one kept when all are.</returns>
    public ImmutableArray<EniSnapshot> At(DateTimeOffset at)
    {
        for (var i = _entries.Count - 1; i >= 0; i--)
        {
            if (_entries[i].At <= at)
                return _entries[i].Enis;
        }
        return _entries.Count > 0 ? _entries[0].Enis : [];
    }
}
