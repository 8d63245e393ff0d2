namespace Terway.EniPool.Scaling;

/// <summary>Operations under way. Thread-safe.</summary>
/// <param name="ended">Called at each end.</param>
/// <param name="failed">Called with what an operation should have dealt with itself.</param>
/// <param name="stopping">Cancels them: an end by it is no failure.</param>
internal sealed class OperationSet(Action ended, Action<Exception> failed, CancellationToken stopping)
{
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _running = [];

    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _running.Count == 0;
            }
        }
    }

    /// <summary>Starts an operation, which is known before it can end.</summary>
    public void Start(Func<Task> operation)
    {
        Task? task = null;
        var known = new TaskCompletionSource();
        task = Task.Run(async () =>
        {
            await known.Task;
            try
            {
                await operation();
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
            }
            catch (Exception e)
            {
                failed(e);
            }
            finally
            {
                // In this order: who sees none running knows that all ends were told.
                ended();
                lock (_gate)
                {
                    _running.Remove(task!);
                }
            }
        });
        lock (_gate)
        {
            _running.Add(task);
        }

        known.SetResult();
    }

    /// <summary>Ends when those that run now have ended.</summary>
    public async Task DrainAsync()
    {
        Task[] running;
        lock (_gate)
        {
            running = [.. _running];
        }

        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
