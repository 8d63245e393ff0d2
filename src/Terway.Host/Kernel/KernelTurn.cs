namespace Terway.Host.Kernel;

/// <summary>
/// One rtnetlink writer at a time. The kernel serves no two at once; waiting in line here, without a thread, costs less than there. Work runs on
/// its caller's thread: a millisecond for a pod.
/// </summary>
internal sealed class KernelTurn : IDisposable
{
    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>Runs <paramref name="work"/> when it is its turn.</summary>
    public async Task<T> RunAsync<T>(Func<T> work)
    {
        await _one.WaitAsync().ConfigureAwait(false);
        try
        {
            return work();
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Waits for the work under way.</summary>
    public void Dispose()
    {
        _one.Wait();
        _one.Dispose();
    }
}
