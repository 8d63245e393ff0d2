using System.Collections.Concurrent;

namespace Terway.AlibabaCloud.Transport;

/// <summary>One <see cref="TokenBucket"/> per API.</summary>
internal sealed class ApiRateLimiter(IReadOnlyDictionary<string, int>? overrides, TimeSpan maxWait, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, TokenBucket> _buckets = new(StringComparer.Ordinal);

    public TokenBucket BucketOf(string action) =>
        _buckets.GetOrAdd(action, static (a, state) => new TokenBucket(ApiRateLimits.For(a, state.overrides), state.time), (overrides, time));

    /// <summary>Waits for the API's turn; null when the turn is further away than the limiter lets a caller wait.</summary>
    public async Task<TimeSpan?> WaitAsync(string action, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        TokenBucket bucket = BucketOf(action);
        if (!bucket.TryReserve(maxWait, out TimeSpan wait))
            return null;
        if (wait == TimeSpan.Zero)
            return wait;
        try
        {
            await Task.Delay(wait, time, ct);
            return wait;
        }
        catch (OperationCanceledException)
        {
            bucket.Return();
            throw;
        }
    }
}
