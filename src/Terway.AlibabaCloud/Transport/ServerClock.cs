namespace Terway.AlibabaCloud.Transport;

/// <summary>
/// The service's clock as its answers' Date headers show it. Requests are dated by the own clock until the service refuses
/// one for its date; from then on by the service's, until it refuses again. Thread-safe.
/// </summary>
internal sealed class ServerClock(TimeProvider time, Action<TimeSpan>? noticed)
{
    /// <summary>A difference that an operator should hear of; the service refuses from 15 minutes on.</summary>
    public static readonly TimeSpan WorthReporting = TimeSpan.FromMinutes(5);

    // The service accepts 15 minutes; a smaller difference is not what made it refuse.
    private static readonly TimeSpan s_smallestSkew = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private long _adoptedTicks;
    private long _measuredTicks;
    private bool _reported;

    /// <summary>Service's clock minus own clock, as of the last answer.</summary>
    public TimeSpan Skew => TimeSpan.FromTicks(Volatile.Read(ref _measuredTicks));

    /// <summary>The time to date a request with.</summary>
    public DateTimeOffset Now => time.GetUtcNow() + TimeSpan.FromTicks(Volatile.Read(ref _adoptedTicks));

    /// <summary>An answer's Date header.</summary>
    public void Observe(DateTimeOffset serverTime)
    {
        TimeSpan skew = serverTime - time.GetUtcNow();
        Volatile.Write(ref _measuredTicks, skew.Ticks);
        bool large = skew.Duration() > WorthReporting;
        if (noticed is null || large == Volatile.Read(ref _reported))
            return;
        lock (_gate)
        {
            if (large == _reported)
                return;
            Volatile.Write(ref _reported, large);
            // Under the lock, or an older state could be told last.
            noticed(skew);
        }
    }

    /// <summary>Adopts the difference seen in the last answer; false when it explains nothing.</summary>
    public bool TryCorrect(out TimeSpan offset)
    {
        offset = Skew;
        TimeSpan change = offset - TimeSpan.FromTicks(Volatile.Read(ref _adoptedTicks));
        if (change.Duration() < s_smallestSkew)
            return false;
        Volatile.Write(ref _adoptedTicks, offset.Ticks);
        return true;
    }
}
