namespace Terway.Host.Pods;

/// <summary>
/// One call at a time per key. A call that overtakes cancels the one that holds the fence and those in line before it, then takes it: of ADD and
/// DEL the DEL wins however the two pass each other. Thread-safe.
/// </summary>
internal sealed class Fence<TKey> where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, Entry> _entries = [];

    /// <summary>Waits for the fence of <paramref name="key"/>.</summary>
    /// <param name="key">What is fenced.</param>
    /// <param name="overtake">True for DEL: the present holder's <see cref="Holding.Overtaken"/> fires.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public async Task<Holding> EnterAsync(TKey key, bool overtake, CancellationToken cancellationToken)
    {
        Entry? entry;
        Holding? holder = null;
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out entry)) _entries.Add(key, entry = new Entry());
            entry.Users++;
            if (overtake)
            {
                entry.Overtaking++;
                holder = entry.Holder;
            }
        }

        holder?.Overtake();
        try
        {
            await entry.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            if (overtake)
            {
                lock (_lock) entry.Overtaking--;
            }

            Leave(key, entry);
            throw;
        }

        var holding = new Holding(this, key, entry);
        bool overtaken;
        lock (_lock)
        {
            if (overtake) entry.Overtaking--;
            entry.Holder = holding;
            // It was in line before the one that overtakes, which looked for a holder and found another one or none.
            overtaken = entry.Overtaking > 0;
        }

        if (overtaken) holding.Overtake();
        return holding;
    }

    private void Leave(TKey key, Entry entry)
    {
        lock (_lock)
        {
            if (--entry.Users > 0) return;
            _entries.Remove(key);
        }

        entry.Gate.Dispose();
    }

    /// <summary>The fence of one key, held until disposed.</summary>
    internal sealed class Holding : IDisposable
    {
        private readonly Fence<TKey> _fence;
        private readonly TKey _key;
        private readonly Entry _entry;
        private readonly CancellationTokenSource _overtaken = new();

        internal Holding(Fence<TKey> fence, TKey key, Entry entry)
        {
            _fence = fence;
            _key = key;
            _entry = entry;
        }

        /// <summary>Fires when a call that overtakes waits behind this one.</summary>
        public CancellationToken Overtaken => _overtaken.Token;

        /// <inheritdoc/>
        public void Dispose()
        {
            lock (_fence._lock)
            {
                if (_entry.Holder == this) _entry.Holder = null;
            }

            _entry.Gate.Release();
            _fence.Leave(_key, _entry);
            // Not disposed: a late Overtake may still touch it, and it holds no timer.
        }

        internal void Overtake()
        {
            try
            {
                _overtaken.Cancel();
            }
            catch (AggregateException)
            {
                // Callbacks may be a plugin's. One that throws harms the call that registered it, not the one that overtakes.
            }
        }
    }

    internal sealed class Entry
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public int Users { get; set; }

        public int Overtaking { get; set; }

        public Holding? Holder { get; set; }
    }
}
