namespace Terway.EniPool.Configuration;

/// <summary>How long something is left alone after it failed: <paramref name="First"/>, then longer by <paramref name="Factor"/> each time.</summary>
/// <param name="First">After the first failure.</param>
/// <param name="Factor">At least 1.</param>
/// <param name="Jitter">Share of the time that is added at random at most.</param>
/// <param name="Steps">Failures after which it does not grow any more.</param>
/// <param name="Longest">Never longer than this, jitter aside.</param>
internal sealed record BackoffShape(TimeSpan First, double Factor, double Jitter, int Steps, TimeSpan Longest)
{
    /// <summary>A pod that waits a minute sees two tries at least, however long the trouble has lasted.</summary>
    public static BackoffShape Default { get; } = new(TimeSpan.FromSeconds(2), 2, 0.2, 8, TimeSpan.FromSeconds(20));

    /// <summary>The time to wait after this many earlier failures, without jitter.</summary>
    public TimeSpan After(int failures)
    {
        var seconds = First.TotalSeconds * Math.Pow(Factor, Math.Min(failures, Steps));
        return seconds < Longest.TotalSeconds ? TimeSpan.FromSeconds(seconds) : Longest;
    }
}
