namespace Terway.EniPool.State;

/// <summary>How far the node's one warm-up has come.</summary>
internal sealed record WarmUpRecord(int Obtained, bool Done);

/// <summary>When a pod came last, to the pool's sync period exactly.</summary>
internal sealed record ActivityRecord(DateTimeOffset LastAllocation);
