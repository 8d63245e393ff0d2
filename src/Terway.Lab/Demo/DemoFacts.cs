using System.Text.Json.Serialization;

namespace Terway.Lab.Demo;

/// <summary>What the demo found; the object that <c>--json</c> prints.</summary>
public sealed record DemoFacts
{
    public required IReadOnlyList<DemoPod> Pods { get; init; }

    public required IReadOnlyList<DemoCell> Connectivity { get; init; }

    /// <summary>Packets the VPC dropped, of all reasons.</summary>
    public required long VpcDrops { get; init; }

    public required IReadOnlyDictionary<string, long> VpcDropsByReason { get; init; }

    public required DemoLeaks Leaks { get; init; }

    public required bool StreamInterrupted { get; init; }

    /// <summary>Messages that went to and fro on the slower one of two streams while the daemons were killed and started again.</summary>
    public required long StreamMessages { get; init; }

    /// <summary>Milliseconds from exec until each killed daemon served again.</summary>
    public required IReadOnlyList<double> DaemonReadyMs { get; init; }

    public required double Seconds { get; init; }

    public required bool Ok { get; init; }
}

public sealed record DemoPod(string Name, string Node, string Pool, string EniId, string Address, string? Ipv6, double AddMs);

public sealed record DemoCell(string From, string To, string Family, bool Ok, string? Error);

public sealed record DemoLeaks(int Kernel, int Cloud, int State, IReadOnlyList<string> What);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(DemoFacts))]
internal sealed partial class DemoJson : JsonSerializerContext;
