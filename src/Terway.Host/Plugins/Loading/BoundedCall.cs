namespace Terway.Host.Plugins.Loading;

/// <summary>
/// Calls into plugin code that may hang: each runs on a thread of its own, which is given up when its time is over. The thread pool is never
/// blocked, and the caller's execution context (its AsyncLocals) does not leak into timers that the plugin starts.
/// </summary>
internal static class BoundedCall
{
    /// <summary>Runs a call that blocks.</summary>
    /// <param name="name">Name of the thread.</param>
    /// <param name="call">The call; its token is cancelled when the time is over.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="time">Clock.</param>
    /// <param name="late">Takes the result of a call that was given up and ended all the same.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    /// <exception cref="CallTimeoutException">It did not end in time.</exception>
    public static Task<T> RunAsync<T>(
        string name, Func<CancellationToken, T> call, TimeSpan timeout, TimeProvider time, Action<T>? late, CancellationToken cancellationToken) =>
        RunCoreAsync(name, token => Task.FromResult(call(token)), timeout, time, late, cancellationToken);

    /// <summary>Runs an asynchronous call, whose synchronous beginning may hang as well.</summary>
    public static Task RunAsync(
        string name, Func<CancellationToken, Task> call, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken) =>
        RunCoreAsync(name, async token =>
        {
            await (call(token) ?? throw new InvalidOperationException("returned null instead of a task"));
            return true;
        }, timeout, time, late: null, cancellationToken);

    private static async Task<T> RunCoreAsync<T>(
        string name, Func<CancellationToken, Task<T>> call, TimeSpan timeout, TimeProvider time, Action<T>? late, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        // Not disposed: a call that was given up still holds its token.
        var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        new Thread(() => _ = CompleteAsync(call, done, cancel.Token)) { IsBackground = true, Name = name }.UnsafeStart();

        if (await Task.WhenAny(done.Task, Task.Delay(timeout, time, waiting.Token)) == done.Task)
        {
            await waiting.CancelAsync();
            return await done.Task;
        }
        // Callbacks of the token are plugin code: not on this thread.
        _ = cancel.CancelAsync().ContinueWith(t => t.Exception, TaskScheduler.Default);
        _ = done.Task.ContinueWith(t =>
        {
            if (t.IsCompletedSuccessfully)
                late?.Invoke(t.Result);
            else
                _ = t.Exception;
        }, TaskScheduler.Default);
        cancellationToken.ThrowIfCancellationRequested();
        throw new CallTimeoutException(timeout);
    }

    private static async Task CompleteAsync<T>(Func<CancellationToken, Task<T>> call, TaskCompletionSource<T> done, CancellationToken cancellationToken)
    {
        try
        {
            done.SetResult(await call(cancellationToken));
        }
        catch (Exception e)
        {
            done.SetException(e);
        }
    }
}

/// <summary>A call into a plugin did not end in time.</summary>
internal sealed class CallTimeoutException(TimeSpan timeout) : Exception($"did not return within {timeout.TotalSeconds:0.###} s");
