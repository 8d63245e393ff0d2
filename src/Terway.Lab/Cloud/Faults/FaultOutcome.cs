namespace Terway.Lab.Cloud.Faults;

/// <summary>What the rules together make of one call.</summary>
/// <param name="Refusal">Answer with this instead of doing the call.</param>
/// <param name="LoseAnswer">Do the call, then abort the connection.</param>
/// <param name="Unreachable">Abort the connection at once.</param>
public readonly record struct FaultOutcome(TimeSpan Latency, CloudException? Refusal, bool LoseAnswer, bool Unreachable);
