using Terway.Bench.Traffic;

namespace Terway.Bench.Datapath;

/// <summary>The slices of one wire, one a round.</summary>
internal sealed class Series
{
    private readonly List<Slice> _slices = [];

    public IReadOnlyList<double> Values => [.. _slices.Select(static s => s.Value)];

    /// <summary>CPU milliseconds per Gbit of each round.</summary>
    public IReadOnlyList<double> Cpu => [.. _slices.Select(static s => s.Cpu ?? throw new InvalidOperationException("no CPU time was measured"))];

    /// <summary>99th percentile of each round's single values; null when the probe has none.</summary>
    public IReadOnlyList<double>? Tail => _slices.TrueForAll(static s => s.Samples is not null)
        ? [.. _slices.Select(static s => Statistics.Percentile(s.Samples!, 99))]
        : null;

    public long Packets => _slices.Sum(static s => s.Packets);

    public void Add(Slice slice) => _slices.Add(slice);
}
