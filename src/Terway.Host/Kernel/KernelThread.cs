using System.Collections.Concurrent;

namespace Terway.Host.Kernel;

/// <summary>
/// The thread that talks rtnetlink. The kernel serves one rtnetlink writer at a time; waiting in line here costs less than there, and keeps
/// thread-pool threads free.
/// </summary>
internal sealed class KernelThread : IDisposable
{
    /// <summary>Jobs in line; a caller beyond that waits. More than the CNI server serves at a time.</summary>
    private const int QueueLimit = 1024;

    private readonly BlockingCollection<Action> _queue = new(QueueLimit);
    private readonly Thread _thread;

    public KernelThread(string name)
    {
        _thread = new Thread(Loop) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Runs <paramref name="job"/> on the thread. Exceptions reach the caller.</summary>
    public Task<T> RunAsync<T>(Func<T> job)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _queue.Add(() =>
        {
            try
            {
                done.SetResult(job());
            }
#pragma warning disable CA1031 // handed to the caller
            catch (Exception e)
#pragma warning restore CA1031
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    public void Dispose()
    {
        _queue.CompleteAdding();
        _thread.Join();
        _queue.Dispose();
    }

    private void Loop()
    {
        foreach (var job in _queue.GetConsumingEnumerable()) job();
    }
}
