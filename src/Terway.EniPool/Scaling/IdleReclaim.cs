using Terway.EniPool.Configuration;

namespace Terway.EniPool.Scaling;

/// <summary>
/// When a quiet node gives back what lies between its watermarks: a batch at a time, the first one an interval after the quiet was noticed. Each new
/// pod ends the quiet. Guarded by the pool's lock.
/// </summary>
internal sealed class IdleReclaim(IdleReclaimSettings? settings)
{
    private TimeSpan? _next;

    /// <summary>Addresses to give back now, beyond what the high watermark asks for.</summary>
    public int Due(TimeSpan now, TimeSpan lastAllocation)
    {
        if (settings is null)
        {
            return 0;
        }

        if (now - lastAllocation < settings.After)
        {
            _next = null;
            return 0;
        }

        if (_next is { } next && now < next)
        {
            return 0;
        }

        var due = _next is not null;
        _next = now + (settings.Interval * (1 + (settings.Jitter * Random.Shared.NextDouble())));
        return due ? settings.Batch : 0;
    }

    /// <summary>When to ask again at the latest; null when never.</summary>
    public TimeSpan? NextAt(TimeSpan lastAllocation) => settings is null ? null : _next ?? lastAllocation + settings.After;
}
