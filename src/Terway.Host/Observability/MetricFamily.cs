using System.Globalization;

namespace Terway.Host.Observability;

/// <summary>
/// One metric: its type, its help and its series. Their number is bounded: what comes when there are too many is counted together under the label
/// <c>overflow</c>, so that nothing is lost from sums and no caller can fill the memory. Thread-safe.
/// </summary>
internal sealed class MetricFamily
{
    /// <summary>Series of one metric, the overflow's not counted. A power of two.</summary>
    public const int MaxSeries = 256;

    private const int LongestValue = 128;

    private static readonly KeyValuePair<string, string>[] s_overflowTags = [new("overflow", "true")];

    private readonly Lock _lock = new();
    private readonly Node?[] _table = new Node?[MaxSeries];
    private readonly List<MetricSeries> _series = [];
    private int _nodes;
    private MetricSeries? _overflow;

    public MetricFamily(string name, string help, MetricKind kind, double[]? bounds, bool observed)
    {
        Name = name;
        Help = help;
        Kind = kind;
        Bounds = bounds;
        IsObserved = observed;
    }

    public string Name { get; }

    public string Help { get; }

    public MetricKind Kind { get; }

    /// <summary>Of a histogram.</summary>
    public double[]? Bounds { get; }

    /// <summary>Read when somebody asks: what is not reported then does not exist any more.</summary>
    public bool IsObserved { get; }

    /// <summary>The series of these tags, in whatever order they come. Allocates only for tags never seen before.</summary>
    public MetricSeries Of(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = Hash(tags);
        ref var bucket = ref _table[hash & (MaxSeries - 1)];
        if (Find(Volatile.Read(ref bucket), hash, tags) is { } found) return found;
        lock (_lock)
        {
            // Another thread may have made it meanwhile.
            if (Find(bucket, hash, tags) is { } made) return made;
            if (_series.Count >= MaxSeries) return _overflow ??= new MetricSeries(s_overflowTags, Bounds);
            var labels = Labels(tags);
            // Two sets of tags can be one set of labels: a series must not appear twice.
            var series = _series.Find(s => s.Tags.AsSpan().SequenceEqual(labels));
            if (series is null) _series.Add(series = new MetricSeries(labels, Bounds));
            // Values that differ only in what is cut off are one series: they must not fill the table either.
            if (_nodes++ < 4 * MaxSeries) Volatile.Write(ref bucket, new Node(hash, tags.ToArray(), series, bucket));
            return series;
        }
    }

    /// <summary>Forgets all series, before the observed ones are asked again.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            Array.Clear(_table);
            _series.Clear();
            _nodes = 0;
            _overflow = null;
        }
    }

    public MetricSeries[] Snapshot()
    {
        lock (_lock) return _overflow is null ? [.. _series] : [.. _series, _overflow];
    }

    private static MetricSeries? Find(Node? node, int hash, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        for (; node is not null; node = node.Next)
        {
            if (node.Hash == hash && Same(node.Tags, tags)) return node.Series;
        }

        return null;
    }

    private static bool Same(KeyValuePair<string, object?>[] a, ReadOnlySpan<KeyValuePair<string, object?>> b)
    {
        if (a.Length != b.Length) return false;
        for (var i = 0; i < b.Length; i++)
        {
            // Nearly always in the same order, from the same line of code.
            if (Same(a[i], b[i])) continue;
            var found = false;
            foreach (var tag in a) found |= Same(tag, b[i]);
            if (!found) return false;
        }

        return true;
    }

    private static bool Same(in KeyValuePair<string, object?> a, in KeyValuePair<string, object?> b) => a.Key == b.Key && Equals(a.Value, b.Value);

    // The same in any order.
    private static int Hash(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = tags.Length;
        foreach (var tag in tags) hash += HashCode.Combine(tag.Key, tag.Value);
        return hash;
    }

    private static KeyValuePair<string, string>[] Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in tags)
        {
            var text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
            // An empty label is no label to Prometheus: the series would be a double of the one without it.
            if (text.Length == 0) continue;
            labels[MetricNames.Label(key)] = text.Length <= LongestValue ? text : text[..LongestValue];
        }

        return [.. labels];
    }

    private sealed record Node(int Hash, KeyValuePair<string, object?>[] Tags, MetricSeries Series, Node? Next);
}
