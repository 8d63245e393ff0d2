using System.Text.Json.Serialization;

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
internal sealed record Figure(
    [property: JsonPropertyName("figure")] string Name, double Value, double? Ours, double? Theirs, string Unit, double? OursP99 = null, double? TheirsP99 = null,
    int? Samples = null)
{
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
