using System.Text.Json;

namespace Terway.Lab.Cloud.Api;

/// <summary>
/// What became of the requests that carried a ClientToken, for a day. The same token with the same parameters gets the first
/// result again, with other parameters it is refused; a token whose request failed is used up. Thread-safe.
/// </summary>
internal sealed class IdempotencyCache(TimeProvider time)
{
    private const int MaxEntries = 20_000;
    private static readonly TimeSpan s_keep = TimeSpan.FromHours(24);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly Queue<(DateTimeOffset Until, string Key)> _order = new();

    public async Task<Action<Utf8JsonWriter>> RunAsync(
        string action, string token, string fingerprint, Func<Task<Action<Utf8JsonWriter>>> work)
    {
        Entry entry;
        lock (_lock)
        {
            Expire();
            var key = action + '\n' + token;
            if (_entries.TryGetValue(key, out var earlier))
                return Again(earlier, fingerprint);
            entry = new Entry(fingerprint);
            _entries.Add(key, entry);
            _order.Enqueue((time.GetUtcNow() + s_keep, key));
        }
        try
        {
            return entry.Result = await work();
        }
        catch
        {
            entry.Failed = true;
            throw;
        }
    }

    private static Action<Utf8JsonWriter> Again(Entry earlier, string fingerprint)
    {
        if (earlier.Fingerprint != fingerprint)
        {
            throw new CloudException(400, "IdempotentParameterMismatch",
                "The request uses the same client token as a previous, but non-identical request.");
        }
        if (earlier.Failed)
            throw new CloudException(400, "IdempotentFailed", "The previous request with this client token failed; use a new token.");
        return earlier.Result
            ?? throw new CloudException(403, "IdempotentProcessing", "The previous request with this client token is still processing.");
    }

    private void Expire()
    {
        var now = time.GetUtcNow();
        while (_order.TryPeek(out var oldest) && (oldest.Until <= now || _order.Count > MaxEntries))
            _entries.Remove(_order.Dequeue().Key);
    }

    private sealed class Entry(string fingerprint)
    {
        public string Fingerprint => fingerprint;

        public volatile Action<Utf8JsonWriter>? Result;

        public volatile bool Failed;
    }
}
