namespace Terway.Host.Observability;

/// <summary>The value of one set of tags. Thread-safe without locks: it is written on the path of pods.</summary>
internal sealed class MetricSeries
{
    private readonly double[]? _bounds;
    private readonly long[]? _buckets;
    private double _value;

    /// <param name="tags">Names as Prometheus has them; ordered by name.</param>
    /// <param name="bounds">Upper bounds of a histogram's buckets, rising; null for one number.</param>
    public MetricSeries(KeyValuePair<string, string>[] tags, double[]? bounds)
    {
        Tags = tags;
        _bounds = bounds;
        _buckets = bounds is null ? null : new long[bounds.Length + 1];
    }

    public KeyValuePair<string, string>[] Tags { get; }

    /// <summary>The number, or the sum of what a histogram counted.</summary>
    public double Value => Volatile.Read(ref _value);

    public void Add(double amount)
    {
        var seen = Volatile.Read(ref _value);
        while (true)
        {
            var before = Interlocked.CompareExchange(ref _value, seen + amount, seen);
            if (BitConverter.DoubleToInt64Bits(before) == BitConverter.DoubleToInt64Bits(seen)) return;
            seen = before;
        }
    }

    public void Set(double value) => Volatile.Write(ref _value, value);

    /// <summary>Counts one observation. NaN belongs to no bucket and would spoil the sum: it is left out.</summary>
    public void Observe(double value)
    {
        if (double.IsNaN(value)) return;
        var i = 0;
        while (i < _bounds!.Length && value > _bounds[i]) i++;
        Interlocked.Increment(ref _buckets![i]);
        Add(value);
    }

    /// <summary>Observations of bucket <paramref name="i"/> alone; the last one has no upper bound.</summary>
    public long Bucket(int i) => Interlocked.Read(ref _buckets![i]);
}
