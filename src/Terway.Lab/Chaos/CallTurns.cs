namespace Terway.Lab.Chaos;

/// <summary>
/// Calls to one node's network in the order that a runtime has to keep: ADD, DEL and CHECK side by side, GC alone, from the making of its list of
/// attachments on (CNI specification 1.1.0, lifecycle and ordering). Thread-safe.
/// </summary>
/// <param name="most">Calls that can be under way at once.</param>
internal sealed class CallTurns(int most) : IDisposable
{
    private readonly SemaphoreSlim _free = new(most, most);
    private readonly SemaphoreSlim _alone = new(1, 1);

    /// <summary>Makes a call beside others.</summary>
    public async Task BesideAsync(Func<Task> call, CancellationToken ct)
    {
        await _free.WaitAsync(ct);
        try
        {
            await call();
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>Makes a call when no other is under way, and none begins meanwhile.</summary>
    public async Task AloneAsync(Func<Task> call, CancellationToken ct)
    {
        // Two that gather places would wait for each other.
        await _alone.WaitAsync(ct);
        var taken = 0;
        try
        {
            for (; taken < most; taken++) await _free.WaitAsync(ct);
            await call();
        }
        finally
        {
            if (taken > 0) _free.Release(taken);
            _alone.Release();
        }
    }

    public void Dispose()
    {
        _free.Dispose();
        _alone.Dispose();
    }
}
