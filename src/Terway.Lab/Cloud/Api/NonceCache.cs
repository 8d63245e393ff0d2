namespace Terway.Lab.Cloud.Api;

/// <summary>Nonces of accepted requests, kept as long as their time stamp could be accepted again. Thread-safe.</summary>
internal sealed class NonceCache(TimeProvider time, TimeSpan keep)
{
    private readonly Lock _lock = new();
    private readonly HashSet<(string AccessKeyId, string Nonce)> _seen = [];
    private readonly Queue<(DateTimeOffset Until, (string, string) Key)> _order = new();

    /// <returns>False when the key used the nonce before.</returns>
    public bool TryAdd(string accessKeyId, string nonce)
    {
        var now = time.GetUtcNow();
        lock (_lock)
        {
            while (_order.TryPeek(out var oldest) && oldest.Until <= now)
                _seen.Remove(_order.Dequeue().Key);
            if (!_seen.Add((accessKeyId, nonce)))
                return false;
            _order.Enqueue((now + keep, (accessKeyId, nonce)));
            return true;
        }
    }
}
