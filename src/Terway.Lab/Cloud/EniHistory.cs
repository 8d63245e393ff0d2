using System.Collections.Immutable;

namespace Terway.Lab.Cloud;

/// <summary>
/// What the region's ENIs were a while ago, so that Describe calls can lag behind. Keeps what <see cref="Kept"/> asks for and, of a busy ENI, no more
/// than <see cref="MaxStates"/> states: beyond that the oldest one kept is shown. Not thread-safe: the region's lock covers it.
/// </summary>
internal sealed class EniHistory
{
    /// <summary>How far back it goes.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);

    private const int MaxStates = 64;

    private readonly SortedDictionary<long, Entry> _entries = [];
    private readonly Queue<(DateTimeOffset At, long Sequence)> _gone = new();

    /// <summary>The ENI is as it is from now on.</summary>
    public void Changed(Eni eni, DateTimeOffset now)
    {
        if (!_entries.TryGetValue(eni.Sequence, out var entry))
            _entries.Add(eni.Sequence, entry = new Entry());
        entry.Add(now, eni.Snapshot());
        Trim(now);
    }

    /// <summary>The ENI is no more from now on.</summary>
    public void Gone(Eni eni, DateTimeOffset now)
    {
        if (!_entries.TryGetValue(eni.Sequence, out var entry))
            return;
        entry.Add(now, null);
        _gone.Enqueue((now, eni.Sequence));
        Trim(now);
    }

    /// <summary>The ENIs there were at that instant, in the order of creation.</summary>
    public IEnumerable<(long Sequence, EniSnapshot Eni)> At(DateTimeOffset at)
    {
        foreach (var (sequence, entry) in _entries)
        {
            if (entry.At(at) is { } eni)
                yield return (sequence, eni);
        }
    }

    private void Trim(DateTimeOffset now)
    {
        while (_gone.TryPeek(out var oldest) && now - oldest.At > Kept)
            _entries.Remove(_gone.Dequeue().Sequence);
    }

    private sealed class Entry
    {
        private ImmutableList<(DateTimeOffset At, EniSnapshot? Eni)> _states = [];
        private bool _trimmed;

        public void Add(DateTimeOffset at, EniSnapshot? eni)
        {
            // Of those that are too old the last one still says how it was when the others end.
            var first = Math.Max(_states.Count + 1 - MaxStates, _states.FindLastIndex(s => at - s.At > Kept));
            _trimmed |= first > 0;
            _states = (first > 0 ? _states.RemoveRange(0, first) : _states).Add((at, eni));
        }

        // Before its first state an ENI did not exist.
        public EniSnapshot? At(DateTimeOffset at)
        {
            var index = _states.FindLastIndex(s => s.At <= at);
            return index >= 0 ? _states[index].Eni : _trimmed ? _states[0].Eni : null;
        }
    }
}
