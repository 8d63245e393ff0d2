using System.Diagnostics.Metrics;

namespace Terway.Host.Observability;

/// <summary>The meter of what the host counts on its way. Instruments are made once; what only exists while a daemon runs is in <see cref="NodeGauges"/>.</summary>
internal static class HostMeter
{
    public static Meter Meter { get; } = new("Terway.Host");

    /// <summary>A histogram of seconds.</summary>
    public static Histogram<double> Seconds(string name, string help, params double[] bounds) => Meter.CreateHistogram(
        name, "s", help, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
}
