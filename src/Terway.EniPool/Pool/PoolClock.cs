namespace Terway.EniPool.Pool;

/// <summary>Time since the pool was made: immune to steps of the wall clock.</summary>
internal sealed class PoolClock(TimeProvider time)
{
    private readonly long _origin = time.GetTimestamp();

    public TimeSpan Now => time.GetElapsedTime(_origin);

    public DateTimeOffset UtcNow => time.GetUtcNow();

    public TimeProvider Time => time;
}
