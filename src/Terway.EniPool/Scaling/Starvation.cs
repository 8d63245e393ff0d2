using Terway.EniPool.Cloud;
using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;

namespace Terway.EniPool.Scaling;

/// <summary>
/// What to do for pods that wait while the pool cannot grow: an address that still cools down is given early, else the pods are told why at once
/// rather than after their whole wait.
/// </summary>
internal sealed class Starvation(AddressPool pool, Backoffs backoffs, PoolSettings settings, PoolClock clock, CallsUnderWay calls)
{
    // Passing trouble is waited out before an address is given early.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    // A call that takes longer is worth telling a pod of.
    private static readonly TimeSpan s_slow = TimeSpan.FromSeconds(1);

    /// <summary>Why nobody can be served now nor will be by itself; null when somebody can.</summary>
    public string? Exhausted { get; private set; }

    /// <summary>Caller holds the pool's lock and has launched what the plan asks for.</summary>
    /// <returns>A finding about addresses given early; null when there was none.</returns>
    public Finding? Relieve(TimeSpan now)
    {
        if (pool.Waiters.First?.Value.Deadline <= now)
        {
            var blocked = GrowthPlan.Probe(pool, backoffs, settings.VSwitches, now);
            var (until, cause) = blocked.BlockedBy is null
                ? (backoffs.Until(Backoffs.Inventory), backoffs.Cause(Backoffs.Inventory))
                : (blocked.BlockedUntil, blocked.BlockedBy);
            pool.FailWaiters(w => w.Deadline <= now, w => Explain(w, $"no address within {settings.WaitLimit.TotalSeconds:0} s", until, cause));
        }

        Exhausted = null;
        if (GrowthPlan.Inflight(pool, backoffs) > 0 || pool.CreatingEnis > 0 || pool.Usable(now) > 0)
        {
            return null;
        }

        var probe = GrowthPlan.Probe(pool, backoffs, settings.VSwitches, now);
        if (probe.Unmet == 0 || (probe.BlockedUntil is { } soon && soon - now <= s_patience))
        {
            return null;
        }

        Finding? finding = null;
        while (pool.Waiters.Count > 0 && pool.YieldCooldown(now) is var (allocation, cooled))
        {
            finding = new(
                FindingSeverity.Warning,
                $"the pool is exhausted: {allocation.Addresses[0].Address} was given to a pod after {cooled.TotalSeconds:0} s of its cool-down of {settings.Cooldown.TotalSeconds:0} s",
                probe.BlockedUntil is null ? "run fewer pods here or use a larger instance type" : "add a vSwitch with free addresses");
        }

        if (pool.Enis.Any(e => e.State == EniState.Ready && e.Idle > 0))
        {
            return finding;
        }

        var reason = Reason(probe);
        Exhausted = reason;
        pool.FailWaiters(w => probe.BlockedUntil is not { } until || until > w.Deadline, w => Explain(w, reason, probe.BlockedUntil, probe.BlockedBy));
        return finding;
    }

    private string Reason(GrowthPlan probe)
    {
        var capacity = pool.GetCapacity(null);
        return probe.BlockedUntil is { } until
            ? $"no free address, and the cloud gives none before {clock.UtcNow + (until - clock.Now):HH:mm:ss}Z"
            : $"the node is full: {capacity.InUse} of {capacity.Total} pod addresses are in use";
    }

    private PodNetworkException Explain(Waiter waiter, string reason, TimeSpan? blockedUntil, Exception? blockedBy)
    {
        if (waiter.FirstFailure is { } failure)
        {
            return new(
                failure.Cause is CloudException ? "cloud" : "pool", $"{reason}; first failure: {failure.Cause.Message}", failure.Next, canRetry: true, failure.Cause);
        }

        if (blockedBy is null)
        {
            return calls.Oldest is var (what, since) && clock.Now - since >= s_slow
                ? new(
                    "cloud", $"{reason}: {what} has been under way for {(clock.Now - since).TotalSeconds:0} s without success",
                    "its outcome is awaited and the runtime retries the pod", canRetry: true)
                : new("pool", reason, "the runtime retries the pod", canRetry: true);
        }

        var when = blockedUntil is { } until ? $"at {clock.UtcNow + (until - clock.Now):HH:mm:ss}Z" : "at this moment";
        return new(
            blockedBy is CloudException ? "cloud" : "pool", $"{reason}: {blockedBy.Message}", $"it is tried again {when} and the runtime retries the pod", canRetry: true,
            blockedBy);
    }
}
