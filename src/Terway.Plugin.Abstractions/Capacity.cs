namespace Terway.Plugin;

/// <summary>Pod addresses of a provider, counted in pods.</summary>
/// <param name="Total">Pods the node can carry at most.</param>
/// <param name="InUse">Pods that hold an allocation.</param>
/// <param name="Idle">Allocations that can be given at once.</param>
/// <param name="CoolingDown">Addresses that were given back too recently.</param>
/// <param name="Exhausted">Why no pod can be served now, nor will be by itself; null when one can.</param>
public sealed record Capacity(int Total, int InUse, int Idle, int CoolingDown, string? Exhausted = null);
