namespace Terway.Host.Tests.Fixtures;

/// <summary>The places that one life of the daemon passes: a test can hold it up, make it fail or kill it at each of them.</summary>
internal sealed class Steps
{
    private readonly List<string> _passed = [];

    /// <summary>Called at every place with its name.</summary>
    public Func<string, CancellationToken, Task>? At { get; set; }

    /// <summary>True after a kill: nothing of this life reaches kernel or cloud any more.</summary>
    public bool Dead { get; set; }

    public IReadOnlyList<string> Passed
    {
        get
        {
            lock (_passed) return [.. _passed];
        }
    }

    public async Task PassAsync(string step, CancellationToken cancellationToken = default)
    {
        await StopIfDead();
        lock (_passed) _passed.Add(step);
        if (At is { } at) await at(step, cancellationToken);
        await StopIfDead();
    }

    // A dead process does not even fail.
    private Task StopIfDead() => Dead ? new TaskCompletionSource().Task : Task.CompletedTask;
}
