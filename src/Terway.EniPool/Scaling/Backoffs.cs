using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;

namespace Terway.EniPool.Scaling;

/// <summary>What is not to be tried again yet, and why. Guarded by the pool's lock.</summary>
/// <param name="clock">The pool's clock.</param>
/// <param name="shapeOf">How long what a key names is left alone.</param>
internal sealed class Backoffs(PoolClock clock, Func<string, BackoffShape> shapeOf)
{
    public const string Create = "create";
    public const string Inventory = "inventory";

    private const string EniPrefix = "eni/";

    private readonly Dictionary<string, Entry> _entries = [];

    public static string Eni(string id) => EniPrefix + id;

    /// <summary>The ENI's id in a key of <see cref="Eni"/>; null for others.</summary>
    public static string? EniOf(string key) => key.StartsWith(EniPrefix, StringComparison.Ordinal) ? key[EniPrefix.Length..] : null;

    public static string VSwitch(string id) => $"vswitch/{id}";

    public static string Intent(string token) => $"op/{token}";

    public bool IsBlocked(string key) => _entries.TryGetValue(key, out var entry) && entry.Until > clock.Now;

    /// <summary>When it may be tried again; null when it may be now.</summary>
    public TimeSpan? Until(string key) => _entries.TryGetValue(key, out var entry) && entry.Until > clock.Now ? entry.Until : null;

    public Exception? Cause(string key) => _entries.GetValueOrDefault(key)?.Cause;

    public int Failures(string key) => _entries.GetValueOrDefault(key)?.Failures ?? 0;

    /// <summary>Blocks for a fixed time.</summary>
    public TimeSpan Block(string key, TimeSpan duration, Exception cause)
    {
        _entries[key] = new(clock.Now + duration, Failures(key) + 1, cause);
        return duration;
    }

    /// <summary>Blocks for the time that the key's shape gives, longer after each failure in a row.</summary>
    public TimeSpan Fail(string key, Exception cause)
    {
        var shape = shapeOf(key);
        return Block(key, shape.After(Failures(key)) * (1 + (shape.Jitter * Random.Shared.NextDouble())), cause);
    }

    public void Clear(string key) => _entries.Remove(key);

    /// <summary>Forgets what could have been tried again for this long, and was not needed.</summary>
    public IReadOnlyList<string> Forget(TimeSpan since)
    {
        var old = _entries.Where(e => clock.Now - e.Value.Until >= since).Select(e => e.Key).ToArray();
        foreach (var key in old)
        {
            _entries.Remove(key);
        }

        return old;
    }

    /// <summary>The next time at which something may be tried again.</summary>
    public TimeSpan? NextExpiry()
    {
        var now = clock.Now;
        TimeSpan? next = null;
        foreach (var entry in _entries.Values)
        {
            if (entry.Until > now && (next is null || entry.Until < next))
            {
                next = entry.Until;
            }
        }

        return next;
    }

    private sealed record Entry(TimeSpan Until, int Failures, Exception Cause);
}
