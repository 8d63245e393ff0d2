using Terway.AlibabaCloud.Errors;
using Terway.EniPool.Pool;

namespace Terway.EniPool.Scaling;

/// <summary>What a failure means: what is left alone for how long, what the operator is shown, what waiting pods are told.</summary>
internal sealed class FailurePolicy(AddressPool pool, Backoffs backoffs, FindingBoard findings, PoolClock clock)
{
    private static readonly TimeSpan s_quota = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_shortage = TimeSpan.FromMinutes(10);

    /// <summary>Whether the call may have been carried out: a fault inside the service says nothing about that either.</summary>
    public static bool IsOutcomeUnknown(CloudException cause) =>
        cause.OutcomeUnknown || cause.Code is CloudErrorCodes.InternalError or CloudErrorCodes.ServiceUnavailable;

    /// <summary>Something about one ENI failed: it is left alone for a while.</summary>
    public PoolFailure OnEni(PoolEni eni, Exception cause)
    {
        if (cause is CloudException { Code: var code } && CloudErrorCodes.IsVSwitchExhausted(code))
        {
            return OnShortage(eni.VSwitchId, cause);
        }

        TimeSpan wait;
        lock (pool.Gate)
        {
            var key = Backoffs.Eni(eni.Id);
            switch ((cause as CloudException)?.Code)
            {
                case CloudErrorCodes.Ipv4CountExceeded or CloudErrorCodes.Ipv6CountExceeded:
                    // It carries more than we know: look before asking again.
                    eni.NeedsRefresh = true;
                    wait = backoffs.Block(key, s_quota, cause);
                    break;
                case CloudErrorCodes.EniNotFound or CloudErrorCodes.InvalidEniState:
                    eni.NeedsRefresh = true;
                    wait = backoffs.Fail(key, cause);
                    break;
                default:
                    wait = backoffs.Fail(key, cause);
                    break;
            }
        }

        return Tell(Backoffs.Eni(eni.Id), cause, $"ENI {eni.Id}", wait);
    }

    /// <summary>An ENI could not be made or attached.</summary>
    public PoolFailure OnCreate(string? vSwitchId, Exception cause)
    {
        var code = (cause as CloudException)?.Code;
        if (code is not null && vSwitchId is not null && CloudErrorCodes.IsVSwitchExhausted(code))
        {
            return OnShortage(vSwitchId, cause);
        }

        TimeSpan wait;
        lock (pool.Gate)
        {
            wait = code switch
            {
                CloudErrorCodes.ForbiddenRam => backoffs.Block(Backoffs.Create, s_quota, cause),

                // Each try makes an ENI and deletes it again: seldom, the longer it lasts.
                CloudErrorCodes.EniPerInstanceLimitExceeded or CloudErrorCodes.MaxEniCountExceeded =>
                    backoffs.Block(Backoffs.Create, Min(s_quota * Math.Pow(2, Math.Min(backoffs.Failures(Backoffs.Create), 8)), s_shortage), cause),
                CloudErrorCodes.SecurityGroupInstanceLimitExceed => backoffs.Block(Backoffs.Create, s_shortage, cause),
                _ => backoffs.Fail(Backoffs.Create, cause),
            };
            if (code == CloudErrorCodes.EniPerInstanceLimitExceeded)
            {
                // Somebody else attached one: count again.
                pool.Inventoried = false;
            }
        }

        return Tell(Backoffs.Create, cause, "a new ENI", wait);
    }

    /// <summary>All is well again with what <paramref name="key"/> names. Caller does not hold the lock.</summary>
    public void Recovered(string key)
    {
        lock (pool.Gate)
        {
            backoffs.Clear(key);
        }

        findings.Clear(key);
    }

    private PoolFailure OnShortage(string vSwitchId, Exception cause)
    {
        lock (pool.Gate)
        {
            backoffs.Block(Backoffs.VSwitch(vSwitchId), s_shortage, cause);
        }

        return Tell(Backoffs.VSwitch(vSwitchId), cause, $"vSwitch {vSwitchId}, which has no free address,", s_shortage);
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private PoolFailure Tell(string path, Exception cause, string what, TimeSpan wait)
    {
        var at = clock.UtcNow + wait;
        findings.Set(path, new(FindingSeverity.Warning, $"{what} cannot be used: {cause.Message}", $"{what} is tried again after {wait.TotalSeconds:0} s"));
        return new(cause, $"{what} is tried again at {at:HH:mm:ss}Z and the runtime retries the pod");
    }
}
