using Terway.Host.State;

namespace Terway.Host.Pods;

/// <summary>
/// One call at a time per pod interface. A DEL cancels the ADD that holds the fence, then takes it: the DEL wins however the two overtake
/// each other. Thread-safe.
/// </summary>
internal sealed class AttachmentFence
{
    private readonly Lock _lock = new();
    private readonly Dictionary<AttachmentKey, Entry> _entries = [];

    /// <summary>Waits for the fence of <paramref name="key"/>.</summary>
    /// <param name="key">The pod interface.</param>
    /// <param name="overtake">True for DEL: the present holder's <see cref="Holding.Overtaken"/> fires.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public async Task<Holding> EnterAsync(AttachmentKey key, bool overtake, CancellationToken cancellationToken)
    {
        Entry? entry;
        Holding? holder = null;
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out entry)) _entries.Add(key, entry = new Entry());
            entry.Users++;
            if (overtake) holder = entry.Holder;
        }

        holder?.Overtake();
        try
        {
            await entry.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            Leave(key, entry);
            throw;
        }

        var holding = new Holding(this, key, entry);
        lock (_lock) entry.Holder = holding;
        return holding;
    }

    private void Leave(AttachmentKey key, Entry entry)
    {
        lock (_lock)
        {
            if (--entry.Users > 0) return;
            _entries.Remove(key);
        }

        entry.Gate.Dispose();
    }

    /// <summary>The fence of one pod interface, held until disposed.</summary>
    internal sealed class Holding : IDisposable
    {
        private readonly AttachmentFence _fence;
        private readonly AttachmentKey _key;
        private readonly Entry _entry;
        private readonly CancellationTokenSource _overtaken = new();

        internal Holding(AttachmentFence fence, AttachmentKey key, Entry entry)
        {
            _fence = fence;
            _key = key;
            _entry = entry;
        }

        /// <summary>Fires when a DEL waits behind this call.</summary>
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

        internal void Overtake() => _overtaken.Cancel();
    }

    internal sealed class Entry
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public int Users { get; set; }

        public Holding? Holder { get; set; }
    }
}
