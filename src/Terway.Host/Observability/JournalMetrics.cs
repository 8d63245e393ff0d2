using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Terway.Host.Observability;

/// <summary>Commits of the state file.</summary>
internal static class JournalMetrics
{
    private static readonly Histogram<double> s_duration = HostMeter.Seconds(
        "terway.journal.commit.duration", "Time of one commit of the state file, by result.",
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30);

    private static readonly Histogram<int> s_writes = HostMeter.Meter.CreateHistogram(
        "terway.journal.commit.writers", "{writer}", "Callers that shared one commit.", tags: null,
        new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256] });

    /// <summary>A commit that began at <paramref name="begin"/> (<see cref="Stopwatch.GetTimestamp"/>) ended.</summary>
    public static void Committed(long begin, int writers, bool ok)
    {
        s_duration.Record(Stopwatch.GetElapsedTime(begin).TotalSeconds, new KeyValuePair<string, object?>("result", ok ? "ok" : "failed"));
        if (ok) s_writes.Record(writers);
    }
}
