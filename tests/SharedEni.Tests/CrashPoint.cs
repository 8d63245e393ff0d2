namespace Terway.Plugins.SharedEni.Tests;

/// <summary>
/// Counts what a process does to the outside world, and can end the process before or after any of these steps: from then on nothing it does has
/// any effect, and nothing answers it.
/// </summary>
internal sealed class CrashPoint
{
    private int _steps;
    private int _inside;

    /// <summary>The step at which the process ends, from 1.</summary>
    public int At { get; set; } = int.MaxValue;

    /// <summary>Whether the step takes effect before the end.</summary>
    public bool After { get; init; }

    public int Steps => Volatile.Read(ref _steps);

    public bool Dead { get; set; }

    /// <summary>Steps under way.</summary>
    public int Inside => Volatile.Read(ref _inside);

    public async Task<T> PassAsync<T>(Func<Task<T>> step, CancellationToken cancellationToken)
    {
        var number = Interlocked.Increment(ref _steps);
        if (Dead || (number >= At && !After))
        {
            return await HangAsync<T>(cancellationToken);
        }

        T result;
        Interlocked.Increment(ref _inside);
        try
        {
            result = await step();
        }
        catch when (number >= At)
        {
            return await HangAsync<T>(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _inside);
        }

        return Dead || number >= At ? await HangAsync<T>(cancellationToken) : result;
    }

    private async Task<T> HangAsync<T>(CancellationToken cancellationToken)
    {
        Dead = true;
        await Task.Delay(Timeout.Infinite, cancellationToken);
        throw new InvalidOperationException("unreachable");
    }
}
