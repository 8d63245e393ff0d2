using Terway.EniPool.Operations;
using Terway.EniPool.Pool;

namespace Terway.EniPool.Scaling;

/// <summary>Carries growth and shrinking out: growth at once, shrinking at each sync period and when the node has been quiet.</summary>
internal sealed class Scaler(PoolContext context, CreateEni create, UnassignAddresses unassign, DeleteEni delete)
{
    private readonly AssignAddresses _assign = new(context);
    private readonly IdleReclaim _reclaim = new(context.Settings.IdleReclaim);
    private TimeSpan _syncAt = context.Clock.Now + context.Settings.SyncPeriod;
    private TimeSpan? _activityKept;

    /// <summary>When to decide again at the latest.</summary>
    public TimeSpan NextAt => _reclaim.NextAt(context.Pool.LastAllocation) is { } at && at < _syncAt ? at : _syncAt;

    public bool IsSyncDue(TimeSpan now) => now >= _syncAt;

    /// <summary>Caller holds the pool's lock.</summary>
    public void PlanGrowth(WorkList work, TimeSpan now)
    {
        if (context.Pool.Inventoried && context.Pool.Assigned >= Math.Min(context.Pool.Capacity.Total, context.Pool.EniQuota * context.Pool.Capacity.PerEni))
        {
            context.Pool.WarmUp.Complete();
        }

        var plan = GrowthPlan.Compute(context.Pool, context.Backoffs, context.Settings.VSwitches, now);
        foreach (var assign in plan.Assigns)
        {
            assign.Eni.PendingSlots = assign.Slots;
            work.Occupy(assign.Eni, t => _assign.RunAsync(assign.Eni, assign.Counts, t));
        }

        foreach (var slots in plan.Creates)
        {
            context.Pool.CreatingEnis++;
            context.Pool.CreatingSlots += slots;
            work.Add(() => create.RunAsync(slots, work.Stopping));
        }
    }

    /// <summary>Caller holds the pool's lock.</summary>
    public void PlanShrink(WorkList work, TimeSpan now)
    {
        var sync = IsSyncDue(now);
        var further = _reclaim.Due(now, context.Pool.LastAllocation);
        if (!sync && further == 0)
        {
            return;
        }

        if (sync)
        {
            _syncAt = now + context.Settings.SyncPeriod;
            KeepActivity(work);
        }

        if (!context.Pool.Inventoried)
        {
            return;
        }

        var plan = ShrinkPlan.Compute(context.Pool, context.Settings, toMaximum: sync, further, now);
        foreach (var eni in plan.Deletes)
        {
            eni.State = EniState.Deleting;
            eni.Saved = false;
            work.Occupy(eni, t => delete.RunAsync(eni, t));
        }

        foreach (var unassigned in plan.Unassigns)
        {
            foreach (var address in unassigned.Addresses.SelectMany(a => a))
            {
                unassigned.Eni.MakeBusy(address, AddressState.Leaving);
            }

            unassigned.Eni.Saved = false;
            work.Occupy(unassigned.Eni, t => unassign.RunAsync(unassigned.Eni, t));
        }
    }

    // A restart does not begin the quiet anew: at most a sync period of it is forgotten.
    private void KeepActivity(WorkList work)
    {
        var last = context.Pool.LastAllocation;
        if (context.Settings.IdleReclaim is null || last == _activityKept)
        {
            return;
        }

        _activityKept = last;
        var at = context.Clock.UtcNow - (context.Clock.Now - last);
        work.Add(async () =>
        {
            try
            {
                await context.Journal.WriteActivityAsync(at, work.Stopping);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // Only the quiet period would be counted from an earlier time: tried again with the next pod.
                Log.ActivityNotKept(context.Log, e);
            }
        });
    }
}
