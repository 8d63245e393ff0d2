namespace Terway.Lab.Cloud.Faults;

/// <summary>What the rules together make of one call.</summary>
public readonly record struct FaultOutcome
{
    /// <summary>How much later the call is answered.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Answer with this instead of doing the call.</summary>
    public CloudException? Refusal { get; init; }

    /// <summary>Do the call, then abort the connection.</summary>
    public bool LoseAnswer { get; init; }

    /// <summary>Abort the connection at once.</summary>
    public bool Unreachable { get; init; }

    /// <summary>Do nothing until the caller goes away.</summary>
    public bool BlackHole { get; init; }

    /// <summary>What the service's clock shows beside the time.</summary>
    public TimeSpan ClockSkew { get; init; }

    /// <summary>How old the state is that a Describe call shows.</summary>
    public TimeSpan DescribeLag { get; init; }

    /// <summary>Addresses or prefixes to give at most; null: as many as asked for.</summary>
    public int? AtMost { get; init; }
}
