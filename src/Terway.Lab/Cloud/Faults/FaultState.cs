namespace Terway.Lab.Cloud.Faults;

/// <summary>A rule and how often it was asked and hit.</summary>
public sealed record FaultState(FaultRule Rule, DateTimeOffset CreatedAt, int Matched, int Hit);
