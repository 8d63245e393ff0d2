namespace Terway.AlibabaCloud.Transport;

/// <summary>
/// Calls per minute of one API, burst as large. Callers reserve in order of arrival and wait for their turn; on
/// throttling the rate is halved (at most every <see cref="DecreaseInterval"/>, down to a sixteenth) and climbs back by a
/// tenth of the limit per minute, so that many nodes sharing one account quota settle on their shares. Thread-safe.
/// </summary>
public sealed class TokenBucket
{
    /// <summary>Throttled answers closer together than this count as one.</summary>
    public static readonly TimeSpan DecreaseInterval = TimeSpan.FromSeconds(5);

    private const double MinShare = 1.0 / 16;
    private const double RecoveryPerMinute = 0.1;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly double _limit;
    private double _rate;
    private double _tokens;
    private long _refilledAt;
    private long? _decreasedAt;

    /// <summary>A full bucket.</summary>
    public TokenBucket(int callsPerMinute, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(callsPerMinute);
        ArgumentNullException.ThrowIfNull(time);
        _time = time;
        _limit = callsPerMinute;
        _rate = callsPerMinute;
        _tokens = callsPerMinute;
        _refilledAt = time.GetTimestamp();
    }

    /// <summary>Calls per minute allowed now.</summary>
    public double CurrentRate
    {
        get
        {
            lock (_gate)
            {
                Refill();
                return _rate;
            }
        }
    }

    /// <summary>Takes one token. False, and nothing taken, when it would be free only after <paramref name="maxWait"/>.</summary>
    public bool TryReserve(TimeSpan maxWait, out TimeSpan wait)
    {
        lock (_gate)
        {
            Refill();
            double missing = 1 - _tokens;
            wait = missing <= 0 ? TimeSpan.Zero : TimeSpan.FromMinutes(missing / _rate);
            if (wait > maxWait)
                return false;
            _tokens -= 1;
            return true;
        }
    }

    /// <summary>Gives back a token whose call was cancelled before it was sent.</summary>
    public void Return()
    {
        lock (_gate)
            _tokens = Math.Min(_limit, _tokens + 1);
    }

    /// <summary>The service throttled this API.</summary>
    public void OnThrottled()
    {
        lock (_gate)
        {
            Refill();
            if (_decreasedAt is { } at && _time.GetElapsedTime(at) < DecreaseInterval)
                return;
            _decreasedAt = _time.GetTimestamp();
            _rate = Math.Max(_limit * MinShare, _rate / 2);
            // What had been saved up is exactly the burst the service refused.
            _tokens = Math.Min(_tokens, Math.Max(1, _rate / 60));
        }
    }

    private void Refill()
    {
        long now = _time.GetTimestamp();
        double minutes = _time.GetElapsedTime(_refilledAt, now).TotalMinutes;
        if (minutes <= 0)
            return;
        _refilledAt = now;
        _tokens = Math.Min(_limit, _tokens + (minutes * _rate));
        _rate = Math.Min(_limit, _rate + (minutes * _limit * RecoveryPerMinute));
    }
}
