using Terway.AlibabaCloud.Errors;

namespace Terway.AlibabaCloud.Transport;

/// <summary>
/// Keeps calls away from an endpoint that is not reached: after <see cref="Threshold"/> transport failures in a row one
/// call at a time is let through as a probe, with pauses that double up to <see cref="LongestPause"/>; all others fail at
/// once with the last cause. Whatever the endpoint answers, an error too, ends this. Nothing runs in the background: the
/// next caller after a pause is the probe. Thread-safe.
/// </summary>
internal sealed class EndpointCircuit(string host, TimeProvider time)
{
    /// <summary>Failures in a row that open the circuit; fewer than one call's tries, so that no call needs a second one's help.</summary>
    public const int Threshold = 5;

    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private int _failures;
    private TimeSpan _pause;
    private long _pausedAt;
    private long _openedAt;
    private long _probe;
    private long _lastPass;
    private CloudApiException? _last;

    /// <summary>How a call was let through; give it back to exactly one of the three below.</summary>
    public readonly record struct Pass(long Id);

    /// <summary>What happened to the circuit by an outcome, for the log.</summary>
    public enum Change
    {
        None,
        Opened,
        Closed,
    }

    /// <summary>Whether a call would be refused now; takes no pass. Cheap, for a look before waiting for anything else.</summary>
    public CloudApiException? Refusal(string product, string action)
    {
        lock (_gate)
            return MayPass() ? null : Refuse(product, action);
    }

    /// <summary>Lets a call through, as the probe when the circuit is open.</summary>
    /// <exception cref="CloudApiException">The endpoint is down; nothing was sent.</exception>
    public Pass Enter(string product, string action)
    {
        lock (_gate)
        {
            if (!MayPass())
                throw Refuse(product, action);
            Pass pass = new(++_lastPass);
            if (_last is not null)
                _probe = pass.Id;
            return pass;
        }
    }

    /// <summary>The endpoint answered.</summary>
    public Change Answered(Pass pass)
    {
        lock (_gate)
        {
            EndProbe(pass);
            bool wasOpen = _last is not null;
            _failures = 0;
            _last = null;
            return wasOpen ? Change.Closed : Change.None;
        }
    }

    /// <summary>The endpoint was not reached, or did not answer.</summary>
    public Change Failed(Pass pass, CloudApiException cause)
    {
        lock (_gate)
        {
            bool probed = EndProbe(pass);
            if (_last is not null)
            {
                // Calls that were under way when the circuit opened tell nothing new.
                if (probed)
                    Pause(_pause * 2 < LongestPause ? _pause * 2 : LongestPause, cause);
                return Change.None;
            }

            if (++_failures < Threshold)
                return Change.None;
            _openedAt = time.GetTimestamp();
            Pause(FirstPause, cause);
            return Change.Opened;
        }
    }

    /// <summary>The caller gave up before there was an outcome: the next call may probe.</summary>
    public void Abandoned(Pass pass)
    {
        lock (_gate)
            EndProbe(pass);
    }

    private bool MayPass() => _last is null || (_probe == 0 && time.GetElapsedTime(_pausedAt) >= _pause);

    private bool EndProbe(Pass pass)
    {
        if (_probe != pass.Id)
            return false;
        _probe = 0;
        return true;
    }

    private void Pause(TimeSpan pause, CloudApiException cause)
    {
        _pause = pause;
        _pausedAt = time.GetTimestamp();
        _last = cause;
    }

    // A new exception for every caller; the cause only in words, so that the first one's stack is not kept alive by all.
    private CloudApiException Refuse(string product, string action)
    {
        TimeSpan left = _pause - time.GetElapsedTime(_pausedAt);
        string next = _probe != 0 ? "one call is trying it now" : $"it is tried again in {Math.Max(0, left.TotalSeconds):0.#} s";
        string reason = $"{host} has not been reached for {time.GetElapsedTime(_openedAt).TotalSeconds:0} s, so this call was not sent; {next}. "
            + $"Last failure: {_last!.Action}: {_last.Reason}";
        return new CloudApiException(product, action, _last.Code, reason) { NothingSent = true };
    }
}
