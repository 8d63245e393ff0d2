namespace Terway.Lab.Cloud;

/// <summary>Runs work in the order it was added, one piece at a time; a failed piece does not stop the next.</summary>
internal sealed class SerialQueue
{
    private readonly Lock _lock = new();
    private Task _tail = Task.CompletedTask;

    /// <returns>Ends as the work ends, with its exception.</returns>
    public Task Add(Func<Task> work)
    {
        lock (_lock)
            return _tail = RunAfter(_tail, work);
    }

    private static async Task RunAfter(Task previous, Func<Task> work)
    {
        await previous.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        await work();
    }
}
