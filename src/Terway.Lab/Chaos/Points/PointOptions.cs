namespace Terway.Lab.Chaos.Points;

/// <summary>A run over the daemon's crash points.</summary>
/// <param name="Dist">What to run, or null to look for it.</param>
/// <param name="Folder">Where nodes keep their files, or null for a temporary folder.</param>
/// <param name="Only">Only points or scenarios whose name begins so; null takes all.</param>
/// <param name="Parallel">Nodes that crash at the same time.</param>
/// <param name="Quick">Every point and moment once, instead of once in every scenario that passes it.</param>
/// <param name="Accelerated">With DataPathV2.</param>
/// <param name="Every">Of the crashes chosen by all of that the first, and from there on each so many.</param>
public sealed record PointOptions(string? Dist, string? Folder, string? Only, int Parallel = 4, bool Quick = false, bool Accelerated = false, int Every = 1);
