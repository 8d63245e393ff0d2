namespace Terway.AlibabaCloud.Transport;

/// <summary>How often and how patiently a call is repeated.</summary>
public sealed record RetryOptions
{
#pragma warning disable CA5394 // Jitter, not a secret.
    private static readonly Func<double> s_random = Random.Shared.NextDouble;
#pragma warning restore CA5394

    /// <summary>Tries in all, the first included.</summary>
    public int MaxAttempts { get; init; } = 6;

    /// <summary>Pause before the second try; later ones double it.</summary>
    public TimeSpan BaseDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>No try begins later than this after the first one began: callers have deadlines of their own to report to.</summary>
    public TimeSpan MaxElapsed { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Longest pause of the doubling.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The service's own wish is followed up to here; a longer one ends the call with the error.</summary>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Random numbers in [0, 1) for the pauses.</summary>
    public Func<double> Jitter { get; init; } = s_random;

    /// <summary>
    /// Pause before the try after <paramref name="attempt"/> (from 1): anything between nothing and the doubled delay, so
    /// that nodes throttled together come back apart; never shorter than what the service asked for.
    /// </summary>
    /// <param name="attempt">Tries made so far.</param>
    /// <param name="retryAfter">The service's wish.</param>
    /// <param name="jitter">In [0, 1).</param>
    public TimeSpan DelayAfter(int attempt, TimeSpan? retryAfter, double jitter)
    {
        double full = Math.Min(MaxDelay.TotalMilliseconds, BaseDelay.TotalMilliseconds * Math.Pow(2, Math.Min(attempt - 1, 30)));
        TimeSpan own = TimeSpan.FromMilliseconds(full * jitter);
        return retryAfter is { } wish ? wish + own : own;
    }
}
