using System.Text.Json.Serialization;

namespace Terway.Lab.Chaos;

/// <summary>What a chaos run found; the JSON line at its end.</summary>
public sealed record ChaosResult
{
    public required int Ops { get; init; }

    public required int Kills { get; init; }

    /// <summary>Faults of the cloud, each for a moment.</summary>
    public required int Faults { get; init; }

    public required int Seed { get; init; }

    /// <summary>Kernel objects, cloud resources and journal rows left, or missing.</summary>
    public required int Leaks { get; init; }

    /// <summary>ADDs that gave an address that another pod still had.</summary>
    public required int Duplicates { get; init; }

    /// <summary>Calls that failed in another way than with "try again later" and a reason, DELs that failed, pods that could not talk.</summary>
    public required int Unexplained { get; init; }

    /// <summary>ADDs that ended with "try again later": their pods were made anew.</summary>
    public required int AddsRefused { get; init; }

    /// <summary>Why they were refused, numbers and names left out, with how often; the most frequent.</summary>
    public required IReadOnlyDictionary<string, int> Refusals { get; init; }

    public required IReadOnlyDictionary<string, long> VpcDrops { get; init; }

    /// <summary>The last of them, in words, at most 20.</summary>
    public required IReadOnlyList<string> LastDrops { get; init; }

    public required double Seconds { get; init; }

    /// <summary>The findings in words, at most 20.</summary>
    public required IReadOnlyList<string> What { get; init; }

    [JsonIgnore]
    public bool Ok => Leaks + Duplicates + Unexplained == 0;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ChaosResult))]
internal sealed partial class ChaosJson : JsonSerializerContext;
