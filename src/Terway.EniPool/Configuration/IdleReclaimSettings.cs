namespace Terway.EniPool.Configuration;

/// <summary>How a node that has been quiet gives back idle addresses that the high watermark would let it keep.</summary>
/// <param name="After">Time without a new pod before it begins.</param>
/// <param name="Batch">Addresses at a time.</param>
/// <param name="Interval">Time between them.</param>
/// <param name="Jitter">Share of <paramref name="Interval"/> that is added at random, so that the nodes of a cluster do not call together.</param>
internal sealed record IdleReclaimSettings(TimeSpan After, int Batch, TimeSpan Interval, double Jitter);
