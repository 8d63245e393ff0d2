using System.Diagnostics.Metrics;

namespace Terway.Host.Observability;

/// <summary>
/// Keeps the values of the process's meters, the host's and the plugins': System.Diagnostics.Metrics belongs to the runtime, which host and plugins
/// share, whatever each of them brings along. Thread-safe.
/// </summary>
internal sealed class MetricsCollector : IDisposable
{
    private const int MaxFamilies = 256;

    // For histograms whose maker gave no bounds.
    private static readonly double[] s_seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    private readonly Func<Meter, bool> _wanted;
    private readonly Lock _lock = new();
    private readonly Lock _collecting = new();
    private readonly SortedDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);
    private readonly MeterListener _listener;

    /// <param name="wanted">Which meters.</param>
    public MetricsCollector(Func<Meter, bool> wanted)
    {
        _wanted = wanted;
        _listener = new MeterListener { InstrumentPublished = Publish };
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<short>(static (_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<byte>(static (_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<float>(static (_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<decimal>(static (_, value, tags, state) => Record(state, (double)value, tags));
        _listener.Start();
    }

    /// <summary>Meters of Terway and of its plugins.</summary>
    public static bool IsTerway(Meter meter) => meter.Name.StartsWith("Terway.", StringComparison.Ordinal);

    /// <summary>Asks what is observed, and gives all metrics, by name. One caller at a time.</summary>
    /// <remarks>An instrument whose callback throws has no series then; the others have theirs.</remarks>
    public IReadOnlyList<(MetricFamily Family, MetricSeries[] Series)> Collect()
    {
        lock (_collecting)
        {
            MetricFamily[] families;
            lock (_lock) families = [.. _families.Values];
            foreach (var family in families)
            {
                if (family.IsObserved) family.Clear();
            }

            try
            {
                _listener.RecordObservableInstruments();
            }
            catch (AggregateException)
            {
                // Callbacks of plugins among them: their series are missing, which is what an alert can see.
            }

            return [.. families.Select(static f => (f, f.Snapshot()))];
        }
    }

    public void Dispose() => _listener.Dispose();

    private static void Record(object? state, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var (family, adds) = (Target)state!;
        var series = family.Of(tags);
        if (family.Kind == MetricKind.Histogram) series.Observe(value);
        else if (adds) series.Add(value);
        else series.Set(value);
    }

    private void Publish(Instrument instrument, MeterListener listener)
    {
        if (!_wanted(instrument.Meter) || KindOf(instrument) is not { } found) return;
        var (kind, adds) = found;
        var name = MetricNames.Metric(instrument.Name, instrument.Unit, kind);
        lock (_lock)
        {
            if (_families.TryGetValue(name, out var family))
            {
                // A second meter with the same instrument, of another version of a plugin say, goes on with its numbers; another type cannot.
                if (family.Kind != kind || family.IsObserved != instrument.IsObservable) return;
            }
            else
            {
                if (_families.Count >= MaxFamilies) return;
                var bounds = kind == MetricKind.Histogram ? BoundsOf(instrument) : null;
                family = new MetricFamily(name, instrument.Description ?? "", kind, bounds, instrument.IsObservable);
                _families.Add(name, family);
            }

            listener.EnableMeasurementEvents(instrument, new Target(family, adds));
        }
    }

    private static (MetricKind Kind, bool Adds)? KindOf(Instrument instrument)
    {
        var type = instrument.GetType();
        if (!type.IsGenericType) return null;
        var generic = type.GetGenericTypeDefinition();
        if (generic == typeof(Counter<>)) return (MetricKind.Counter, true);
        if (generic == typeof(ObservableCounter<>)) return (MetricKind.Counter, false);
        if (generic == typeof(UpDownCounter<>)) return (MetricKind.Gauge, true);
        if (generic == typeof(Gauge<>) || generic == typeof(ObservableGauge<>) || generic == typeof(ObservableUpDownCounter<>)) return (MetricKind.Gauge, false);
        return generic == typeof(Histogram<>) ? (MetricKind.Histogram, false) : null;
    }

    private static double[] BoundsOf(Instrument instrument)
    {
        IEnumerable<double>? advised = instrument switch
        {
            Histogram<double> h => h.Advice?.HistogramBucketBoundaries,
            Histogram<long> h => h.Advice?.HistogramBucketBoundaries?.Select(static b => (double)b),
            Histogram<int> h => h.Advice?.HistogramBucketBoundaries?.Select(static b => (double)b),
            Histogram<float> h => h.Advice?.HistogramBucketBoundaries?.Select(static b => (double)b),
            _ => null,
        };
        // The last bucket is without bound in any case, and bounds must rise.
        return advised is null ? s_seconds : [.. advised.Where(double.IsFinite).Distinct().Order()];
    }

    private sealed record Target(MetricFamily Family, bool Adds);
}
