using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using Terway.Bench.Datapath;

namespace Terway.Bench;

/// <summary>One line of the benchmark's output.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">The figure: a ratio ours/theirs, or a value of ours where there is nothing to compare with.</param>
/// <param name="Ours">Our median.</param>
/// <param name="Theirs">Their median.</param>
/// <param name="Unit">Unit of <paramref name="Ours"/> and <paramref name="Theirs"/>.</param>
/// <param name="OursP99">Our 99th percentile.</param>
/// <param name="TheirsP99">Their 99th percentile.</param>
/// <param name="Samples">Measured runs of each.</param>
/// <param name="Low">Lower end of the 95 % confidence interval of <paramref name="Value"/>.</param>
/// <param name="High">Upper end.</param>
/// <param name="Q1">First quartile of the rounds' ratios.</param>
/// <param name="Q3">Third quartile.</param>
internal sealed record Figure(
    [property: JsonPropertyName("figure")] string Name, double Value, double? Ours, double? Theirs, string Unit, double? OursP99 = null, double? TheirsP99 = null,
    int? Samples = null, double? Low = null, double? High = null, double? Q1 = null, double? Q3 = null)
{
    /// <summary>Of rounds in which ours and theirs ran one right after the other.</summary>
    /// <param name="name">the figure</param>
    /// <param name="unit">of the values</param>
    /// <param name="ours">a value for each round</param>
    /// <param name="theirs">theirs of the same rounds</param>
    /// <param name="oursTail">99th percentile of each round</param>
    /// <param name="theirsTail">theirs</param>
    public static Figure OfRounds(
        string name, string unit, IReadOnlyList<double> ours, IReadOnlyList<double> theirs, IReadOnlyList<double>? oursTail, IReadOnlyList<double>? theirsTail)
    {
        var ratio = RatioSummary.Of(ours, theirs);
        return new Figure(
            name, Math.Round(ratio.Median, 4), Median(ours), Median(theirs), unit, Median(oursTail), Median(theirsTail), ours.Count, Math.Round(ratio.Low, 4),
            Math.Round(ratio.High, 4), Math.Round(ratio.Q1, 4), Math.Round(ratio.Q3, 4));
    }

    /// <summary>Of something that is done a few times: the value is our median.</summary>
    public static Figure Single(string name, string unit, IReadOnlyList<double> ours, IReadOnlyList<double>? theirs) => new(
        name, Median(ours)!.Value, Median(ours), Median(theirs), unit, ours.Count > 1 ? Math.Round(Statistics.Percentile(ours, 99), 3) : null, Samples: ours.Count);

    [return: NotNullIfNotNull(nameof(values))]
    private static double? Median(IReadOnlyList<double>? values) => values is null ? null : Math.Round(Statistics.Percentile(values, 50), 3);

    public static Figure Ratio(string name, IReadOnlyList<double> ours, IReadOnlyList<double> theirs)
    {
        var (o, t) = (Statistics.Percentile(ours, 50), Statistics.Percentile(theirs, 50));
        return new Figure(
            name, Math.Round(o / t, 3), Math.Round(o, 3), Math.Round(t, 3), "ms", Math.Round(Statistics.Percentile(ours, 99), 3),
            Math.Round(Statistics.Percentile(theirs, 99), 3), ours.Count);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Figure))]
[JsonSerializable(typeof(MeasureJob))]
[JsonSerializable(typeof(MeasureTimes))]
internal sealed partial class BenchJson : JsonSerializerContext;
