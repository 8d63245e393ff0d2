using Terway.Lab.Runtime;

namespace Terway.Lab.Chaos.Points;

/// <summary>
/// Whether a node is on. What its runtime does ends in the middle when the power goes, and is begun only while it is on. Thread safe.
/// </summary>
internal sealed class NodePower : IDisposable
{
    private const int TryAgainLater = 11;

    private readonly Lock _lock = new();
    private TaskCompletionSource _on = Completed();
    private TaskCompletionSource _idle = Completed();
    private CancellationTokenSource _lost = new();
    private int _calls;

    /// <summary>Runs something on the node, once that is on.</summary>
    /// <exception cref="CniCallException">The power went meanwhile, or what <paramref name="call"/> throws.</exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken ct)
    {
        var lost = await BeginAsync(ct);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, lost);
        try
        {
            return await call(both.Token);
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new CniCallException("terway", "call", TryAgainLater, "the node lost power", null);
        }
        finally
        {
            End();
        }
    }

    public Task RunAsync(Func<CancellationToken, Task> call, CancellationToken ct) => RunAsync(
        async token =>
        {
            await call(token);
            return true;
        },
        ct);

    /// <summary>Ends what runs, and waits for its end.</summary>
    public async Task LoseAsync()
    {
        Task idle;
        lock (_lock)
        {
            _on = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            idle = _idle.Task;
        }

        await _lost.CancelAsync();
        await idle;
    }

    public void Restore()
    {
        lock (_lock)
        {
            _lost.Dispose();
            _lost = new CancellationTokenSource();
            _on.TrySetResult();
        }
    }

    public void Dispose() => _lost.Dispose();

    private static TaskCompletionSource Completed()
    {
        var source = new TaskCompletionSource();
        source.SetResult();
        return source;
    }

    private async Task<CancellationToken> BeginAsync(CancellationToken ct)
    {
        while (true)
        {
            Task on;
            lock (_lock)
            {
                if (_on.Task.IsCompleted)
                {
                    if (_calls++ == 0) _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    return _lost.Token;
                }

                on = _on.Task;
            }

            await on.WaitAsync(ct);
        }
    }

    private void End()
    {
        lock (_lock)
        {
            if (--_calls == 0) _idle.SetResult();
        }
    }
}
