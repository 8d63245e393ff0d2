using System.Collections.Concurrent;
using Terway.Host.State;

namespace Terway.Host.Pods;

/// <summary>
/// Pod interfaces whose DEL came: an ADD that was started before that DEL is late and must not get an address,
/// since nobody would ever give it back. One started after it is a new life of the sandbox. Kept for longer than any runtime waits for an ADD.
/// Thread-safe.
/// </summary>
internal sealed class Tombstones(StateStore store, TimeProvider time)
{
    /// <summary>The kubelet gives a sandbox 4 minutes (--runtime-request-timeout 2 min, doubled for sandboxes).</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>Bounds memory against a caller that deletes made-up sandboxes.</summary>
    private const int Limit = 10_000;

    private readonly ConcurrentDictionary<AttachmentKey, DateTimeOffset> _at = new(store.Initial.Tombstones);

    /// <param name="key">The pod interface.</param>
    /// <param name="started">When the runtime started the ADD.</param>
    public bool Covers(AttachmentKey key, DateTimeOffset started) => _at.TryGetValue(key, out var at) && started < at;

    /// <summary>Remembers a DEL and journals it.</summary>
    public Task AddAsync(AttachmentKey key) => store.WriteAsync(Add(key));

    /// <summary>Remembers a DEL; the caller journals what is returned.</summary>
    public StateWrite[] Add(AttachmentKey key)
    {
        if (_at.Count >= Limit) Sweep();
        if (_at.Count >= Limit) return [];
        var now = time.GetUtcNow();
        _at[key] = now;
        return [new StateWrite.PutTombstone(key, now)];
    }

    /// <summary>Forgets those past their life.</summary>
    public Task SweepAsync()
    {
        Sweep();
        return store.WriteAsync(new StateWrite.DeleteTombstonesBefore(time.GetUtcNow() - Lifetime));
    }

    private void Sweep()
    {
        var limit = time.GetUtcNow() - Lifetime;
        foreach (var (key, at) in _at)
        {
            if (at < limit) _at.TryRemove(key, out _);
        }
    }
}
