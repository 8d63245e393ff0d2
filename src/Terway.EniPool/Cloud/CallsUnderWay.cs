using Terway.EniPool.Pool;

namespace Terway.EniPool.Cloud;

/// <summary>
/// Calls to the cloud that have not ended: a service that takes a call and does not answer gives no cause to tell pods until the transport gives up,
/// which is later than they wait. Thread-safe.
/// </summary>
internal sealed class CallsUnderWay(PoolClock clock)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<(string What, TimeSpan Since)> _calls = [];

    /// <summary>The call that began first; null when there is none.</summary>
    public (string What, TimeSpan Since)? Oldest
    {
        get
        {
            lock (_gate)
            {
                return _calls.First?.Value;
            }
        }
    }

    /// <summary>Counts a call until it has ended.</summary>
    public async Task<T> CountAsync<T>(string what, Func<Task<T>> call)
    {
        LinkedListNode<(string, TimeSpan)> node;
        lock (_gate)
        {
            node = _calls.AddLast((what, clock.Now));
        }

        try
        {
            return await call();
        }
        finally
        {
            lock (_gate)
            {
                _calls.Remove(node);
            }
        }
    }
}
