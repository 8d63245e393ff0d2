using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>The node's links by MAC address, kept current by the kernel's notifications. Thread-safe.</summary>
internal sealed class LinkTable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, NodeLink> _byIndex = [];
    private readonly Dictionary<string, List<TaskCompletionSource<NodeLink>>> _waiters = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Raised outside of any lock when a link is gone.</summary>
    public event Action<NodeLink>? Removed;

    /// <summary>Raised outside of any lock when a link is there and down, whether it was up before or not.</summary>
    public event Action<NodeLink>? Down;

    public void Put(NodeLink link, bool up = true)
    {
        List<TaskCompletionSource<NodeLink>>? waiters;
        lock (_lock)
        {
            _byIndex[link.Index] = link;
            _waiters.Remove(link.Mac, out waiters);
        }

        foreach (var waiter in waiters ?? []) waiter.TrySetResult(link);
        if (!up) Down?.Invoke(link);
    }

    public void Remove(int index)
    {
        NodeLink? gone;
        lock (_lock) _byIndex.Remove(index, out gone);
        if (gone is not null) Removed?.Invoke(gone);
    }

    /// <summary>Takes a whole dump for the truth, after notifications were lost.</summary>
    public void Reset(IReadOnlyCollection<NodeLink> links)
    {
        var present = links.Select(static l => l.Index).ToHashSet();
        List<int> gone;
        lock (_lock) gone = [.. _byIndex.Keys.Where(i => !present.Contains(i))];
        foreach (var index in gone) Remove(index);
        foreach (var link in links) Put(link);
    }

    /// <summary>The link with this MAC address; of several, such as a bridge over it, the first made.</summary>
    public NodeLink? Find(string mac)
    {
        lock (_lock) return FindLocked(mac);
    }

    /// <summary>All links with an Ethernet address.</summary>
    public IReadOnlyList<NodeLink> All
    {
        get
        {
            lock (_lock) return [.. _byIndex.Values];
        }
    }

    /// <summary>The link with this index; null when there is none now.</summary>
    public NodeLink? Find(int index)
    {
        lock (_lock) return _byIndex.GetValueOrDefault(index);
    }

    /// <exception cref="TimeoutException">It did not come in time.</exception>
    public async Task<NodeLink> WaitAsync(string mac, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var waiter = new TaskCompletionSource<NodeLink>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (FindLocked(mac) is { } link) return link;
            if (!_waiters.TryGetValue(mac, out var list)) _waiters.Add(mac, list = []);
            list.Add(waiter);
        }

        try
        {
            return await waiter.Task.WaitAsync(timeout, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
            {
                if (_waiters.TryGetValue(mac, out var list) && list.Remove(waiter) && list.Count == 0) _waiters.Remove(mac);
            }
        }
    }

    /// <summary>Ends when no link has this MAC address.</summary>
    public async Task WaitGoneAsync(string mac, CancellationToken cancellationToken)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look(NodeLink link)
        {
            if (string.Equals(link.Mac, mac, StringComparison.OrdinalIgnoreCase) && Find(mac) is null) gone.TrySetResult();
        }

        Removed += Look;
        try
        {
            if (Find(mac) is not null) await gone.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Removed -= Look;
        }
    }

    private NodeLink? FindLocked(string mac)
    {
        NodeLink? found = null;
        foreach (var link in _byIndex.Values)
        {
            if (string.Equals(link.Mac, mac, StringComparison.OrdinalIgnoreCase) && (found is null || link.Index < found.Index)) found = link;
        }

        return found;
    }
}
