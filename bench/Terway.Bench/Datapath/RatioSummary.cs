namespace Terway.Bench.Datapath;

/// <summary>
/// Ratios of rounds. A ratio is taken within a round, whose parts ran one right after the other, so that what else the machine did meanwhile hit both alike;
/// the figure is the median of all rounds.
/// </summary>
/// <param name="Median">the figure</param>
/// <param name="Low">lower end of the median's 95 % confidence interval, by rank: no distribution is assumed</param>
/// <param name="High">upper end</param>
/// <param name="Q1">first quartile of the rounds</param>
/// <param name="Q3">third quartile</param>
internal sealed record RatioSummary(double Median, double Low, double High, double Q1, double Q3)
{
    /// <summary>Round by round, ours / theirs.</summary>
    /// <exception cref="ArgumentException">Not as many of one as of the other, or none.</exception>
    public static RatioSummary Of(IReadOnlyList<double> ours, IReadOnlyList<double> theirs)
    {
        ArgumentNullException.ThrowIfNull(ours);
        ArgumentNullException.ThrowIfNull(theirs);
        if (ours.Count != theirs.Count || ours.Count == 0) throw new ArgumentException($"{ours.Count} rounds against {theirs.Count}");
        var ratios = ours.Zip(theirs, static (o, t) => o / t).Order().ToList();
        var (low, high) = MedianRanks(ratios.Count);
        return new RatioSummary(Middle(ratios), ratios[low], ratios[high], Statistics.Percentile(ratios, 25), Statistics.Percentile(ratios, 75));
    }

    /// <summary>Ranks (from 0) between which the median of the population lies in 95 % of cases: n/2 -+ 0.98 sqrt(n), the normal approximation of the binomial.</summary>
    internal static (int Low, int High) MedianRanks(int count)
    {
        var half = 0.98 * Math.Sqrt(count);
        var low = Math.Clamp((int)Math.Floor(count / 2.0 - half), 0, count - 1);
        return (low, count - 1 - low);
    }

    internal static double Middle(List<double> sorted) =>
        sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[sorted.Count / 2 - 1] + sorted[sorted.Count / 2]) / 2;
}
