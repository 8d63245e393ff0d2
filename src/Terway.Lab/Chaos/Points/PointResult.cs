using System.Text.Json.Serialization;

namespace Terway.Lab.Chaos.Points;

/// <summary>What a run over the crash points found; the JSON line at its end.</summary>
public sealed record PointResult
{
    /// <summary>Crashes that came about: a point, a moment and a scenario each.</summary>
    public required int Points { get; init; }

    /// <summary>Crashes after which everything was as it should be.</summary>
    public required int Passed { get; init; }

    /// <summary>Different points among them.</summary>
    public required int Distinct { get; init; }

    public required double Seconds { get; init; }

    /// <summary>What was not as it should be, in words.</summary>
    public required IReadOnlyList<string> Failures { get; init; }

    /// <summary>Crashes that did not come about: the scenario did not pass the point again. Timing decides about some, such as a second look at an ENI.</summary>
    public required IReadOnlyList<string> Unreached { get; init; }

    /// <summary>Packets that the VPC dropped, by reason.</summary>
    public required IReadOnlyDictionary<string, long> VpcDrops { get; init; }

    [JsonIgnore]
    public bool Ok => Failures.Count == 0 && Passed > 0;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PointResult))]
internal sealed partial class PointJson : JsonSerializerContext;
