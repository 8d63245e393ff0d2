using Terway.Plugins.SharedEni.Pool;

namespace Terway.Plugins.SharedEni.Scaling;

/// <summary>What is not to be tried again yet, and why. Guarded by the pool's lock.</summary>
internal sealed class Backoffs(PoolClock clock)
{
    public const string Create = "create";
    public const string Inventory = "inventory";

    // A pod that waits a minute sees two tries at least, however long the trouble has lasted.
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(20);

    private readonly Dictionary<string, Entry> _entries = [];

    public static string Eni(string id) => $"eni/{id}";

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

    /// <summary>Blocks for 2 s, then twice as long each time up to 20 s, with a fifth of jitter.</summary>
    public TimeSpan Fail(string key, Exception cause)
    {
        var wait = TimeSpan.FromSeconds(2) * Math.Pow(2, Math.Min(Failures(key), 8));
        wait = wait > s_longest ? s_longest : wait;
        return Block(key, wait * (0.9 + (0.2 * Random.Shared.NextDouble())), cause);
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
