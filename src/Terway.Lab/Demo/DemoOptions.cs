namespace Terway.Lab.Demo;

/// <summary>How the demo runs.</summary>
/// <param name="Dist">What to run, or null to look for it.</param>
/// <param name="Folder">Where nodes keep their files, or null for a temporary folder.</param>
/// <param name="Keep">Leave the region up at the end.</param>
/// <param name="Json">Print facts as JSON on standard output, and progress on standard error.</param>
/// <param name="PodsPerNode">How many pods each node gets.</param>
/// <param name="Accelerated">With DataPathV2.</param>
public sealed record DemoOptions(string? Dist, string? Folder, bool Keep, bool Json, int PodsPerNode = 2, bool Accelerated = false);
