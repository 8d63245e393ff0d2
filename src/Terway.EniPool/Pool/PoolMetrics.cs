using System.Diagnostics.Metrics;

namespace Terway.EniPool.Pool;

/// <summary>What the pool tells of itself beside its capacity. The host's exporter sees the meter by its name.</summary>
internal static class PoolMetrics
{
    private static readonly Meter s_meter = new("Terway.Plugins.SharedEni");

    // Around the cool-down's default of 130 s: what lies under it was taken in need.
    private static readonly Histogram<double> s_reuse = s_meter.CreateHistogram(
        "terway.pool.address.reuse.interval", "s", "Time between a pod's giving an address back and the next pod's getting it.", tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 5, 10, 30, 60, 120, 130, 150, 180, 300, 600, 1800, 3600, 21600, 86400] });

    /// <summary>Makes the instruments, so that they are exported before anything was counted.</summary>
    public static void Show() => _ = s_reuse.Enabled;

    /// <summary>Addresses given to a pod; those that no pod had before are not counted.</summary>
    public static void Reused(PoolAddress[] taken, TimeSpan now)
    {
        foreach (var address in taken)
        {
            if (address.ReleasedAt is { } released) s_reuse.Record((now - released).TotalSeconds);
        }
    }
}
