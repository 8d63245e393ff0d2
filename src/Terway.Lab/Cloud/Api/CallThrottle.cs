using Terway.Lab.Config;

namespace Terway.Lab.Cloud.Api;

/// <summary>Counts the account's calls of each action by clock minute. Thread-safe.</summary>
internal sealed class CallThrottle(ThrottleConfig config, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long Minute, int Count)> _windows = new(StringComparer.Ordinal);

    /// <exception cref="CloudException">Throttling.User, with the rest of the minute as the time to wait.</exception>
    public void Count(string action)
    {
        var now = time.GetUtcNow();
        var minute = now.UtcTicks / TimeSpan.TicksPerMinute;
        var limit = config.PerAction.GetValueOrDefault(action, config.Default);
        lock (_lock)
        {
            var window = _windows.GetValueOrDefault(action);
            var count = window.Minute == minute ? window.Count + 1 : 1;
            if (count > limit)
            {
                throw new CloudException(400, "Throttling.User", "Request was denied due to user flow control.")
                {
                    RetryAfter = TimeSpan.FromTicks(((minute + 1) * TimeSpan.TicksPerMinute) - now.UtcTicks),
                };
            }
            _windows[action] = (minute, count);
        }
    }
}
