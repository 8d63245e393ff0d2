namespace Terway.Lab.Chaos;

/// <summary>A chaos run.</summary>
/// <param name="Dist">What to run, or null to look for it.</param>
/// <param name="Folder">Where nodes keep their files, or null for a temporary folder.</param>
/// <param name="Ops">Life cycles of pods: one ADD and its DEL each.</param>
/// <param name="Kills">How often a daemon is killed, at random moments.</param>
/// <param name="Seed">Same seed, same choices; moments differ with the machine's speed.</param>
/// <param name="Faults">How often the cloud misbehaves for a moment.</param>
/// <param name="Workers">Pods started and stopped at the same time.</param>
/// <param name="Nodes">Nodes; each has its share of the workers.</param>
/// <param name="Accelerated">With DataPathV2.</param>
public sealed record ChaosOptions(
    string? Dist, string? Folder, int Ops, int Kills, int Seed, int Faults = 0, int Workers = 18, int Nodes = 3, bool Accelerated = false);
