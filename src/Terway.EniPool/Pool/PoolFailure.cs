namespace Terway.EniPool.Pool;

/// <summary>Why the pool could not grow.</summary>
/// <param name="Cause">What was thrown.</param>
/// <param name="Next">What happens next.</param>
internal sealed record PoolFailure(Exception Cause, string Next);
