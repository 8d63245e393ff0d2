using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;

namespace Terway.EniPool.Scaling;

/// <summary>
/// What to ask the cloud for, in one step: the demand is worked out once from waiting pods and the low watermark, less what is on its way, and
/// spread over ENIs with room, then over new ENIs. What is asked for anyway is rounded up to the high watermark, as far as it costs no further
/// call: otherwise a pool at its low watermark would make one call for each pod.
/// </summary>
internal sealed record GrowthPlan(
    IReadOnlyList<GrowthPlan.Assign> Assigns, IReadOnlyList<int> Creates, int Unmet, TimeSpan? BlockedUntil, Exception? BlockedBy)
{
    // An attachment that takes longer is not waited for any more, but another ENI made.
    private static readonly TimeSpan s_attach = TimeSpan.FromSeconds(10);

    /// <summary>Addresses to add to an ENI.</summary>
    /// <param name="Eni">The ENI.</param>
    /// <param name="Counts">By family; prefixes where prefixes are used.</param>
    /// <param name="Slots">Pods they will serve.</param>
    public sealed record Assign(PoolEni Eni, IReadOnlyList<int> Counts, int Slots);

    /// <summary>Caller holds the pool's lock.</summary>
    public static GrowthPlan Compute(AddressPool pool, Backoffs backoffs, IReadOnlyList<string> vSwitches, TimeSpan now)
    {
        var (demand, exact) = Demand(pool, backoffs, now);
        var slack = exact ? 0 : pool.MaxIdle - pool.MinIdle;
        return demand <= 0 ? new([], [], 0, null, null) : Spread(pool, backoffs, vSwitches, demand, slack, now);
    }

    /// <summary>What would be asked for one pod more: tells whether the pool can grow at all. Caller holds the pool's lock.</summary>
    public static GrowthPlan Probe(AddressPool pool, Backoffs backoffs, IReadOnlyList<string> vSwitches, TimeSpan now) =>
        pool.Capacity.Fixed is { } @fixed && pool.Assigned + pool.Pending >= @fixed
            ? new([], [], 1, null, null)
            : Spread(pool, backoffs, vSwitches, 1, 0, now);

    // A fixed count and the warm-up are to be met exactly.
    private static (int Demand, bool Exact) Demand(AddressPool pool, Backoffs backoffs, TimeSpan now)
    {
        if (pool.Capacity.Fixed is { } @fixed)
        {
            return (@fixed - pool.Assigned - pool.Pending, true);
        }

        var pods = pool.Waiters.Count + Math.Max(0, pool.MinIdle - pool.Usable(now)) - Inflight(pool, backoffs);
        var warmUp = pool.WarmUp.Left - pool.Pending;
        return warmUp > pods ? (warmUp, true) : (pods, false);
    }

    /// <summary>Pods that addresses on their way will serve. Caller holds the pool's lock.</summary>
    public static int Inflight(AddressPool pool, Backoffs backoffs)
    {
        var slots = pool.CreatingSlots;
        foreach (var eni in pool.Enis)
        {
            slots += eni.PendingSlots;
            if (eni.State is EniState.Starting or EniState.Attaching && eni.Hold == EniHold.None && !backoffs.IsBlocked(Backoffs.Eni(eni.Id)))
            {
                slots += eni.Idle;
            }
        }

        return slots;
    }

    private static GrowthPlan Spread(
        AddressPool pool, Backoffs backoffs, IReadOnlyList<string> vSwitches, int demand, int slack, TimeSpan now)
    {
        var left = demand;
        var blocked = new Blocked(backoffs);
        var assigns = new List<(PoolEni Eni, int Slots, int Room)>();
        foreach (var eni in pool.InPolicyOrder(EniState.Ready))
        {
            var room = Math.Min(Room(eni, pool.Capacity), pool.Capacity.PerCall);
            if (room > 0 && !eni.Busy && !eni.NeedsRefresh
                && !blocked.Has(Backoffs.Eni(eni.Id)) && !blocked.Has(Backoffs.VSwitch(eni.VSwitchId)) && left > 0)
            {
                var take = Math.Min(room, pool.Capacity.RoundUp(left));
                assigns.Add((eni, take, room));
                left -= take;
            }
        }

        left = Math.Max(left - RoomSoon(pool, blocked, now), Math.Min(left, 0));
        var creates = left > 0 ? PlanCreates(pool, backoffs, vSwitches, blocked, now, ref left) : [];
        // What whole prefixes bring beyond the demand is slack already.
        slack += Math.Min(0, left);
        var result = new List<Assign>();
        foreach (var (eni, slots, room) in assigns)
        {
            var extra = pool.Capacity.RoundDown(Math.Clamp(slack, 0, room - slots));
            slack -= extra;
            result.Add(new(eni, CountsFor(eni, slots + extra, pool.Capacity), slots + extra));
        }

        if (creates.Count > 0)
        {
            creates[^1] += pool.Capacity.RoundDown(Math.Clamp(slack, 0, pool.Capacity.PerNewEni - creates[^1]));
        }

        return new(result, creates, Math.Max(0, left), left > 0 ? blocked.Until : null, blocked.Cause);
    }

    /// <summary>
    /// Pods for which ENIs that cannot be asked at this moment will have room, because something is under way on them: another ENI would take longer
    /// than to wait for that.
    /// </summary>
    private static int RoomSoon(AddressPool pool, Blocked blocked, TimeSpan now)
    {
        var soon = (pool.CreatingEnis * pool.Capacity.PerEni) - pool.CreatingSlots;
        foreach (var eni in pool.Enis.Where(e => e.Hold == EniHold.None))
        {
            var room = Room(eni, pool.Capacity) - eni.PendingSlots;
            var comes = eni.State is EniState.Starting or EniState.Attaching;
            if (!comes && (eni.State != EniState.Ready || room <= 0 || !(eni.Busy || eni.NeedsRefresh)))
            {
                continue;
            }

            if (!blocked.Has(Backoffs.Eni(eni.Id)))
            {
                blocked.Shortly(now);
                var late = comes && eni.ChangedAt is { } since && now - since > s_attach;
                soon += late || blocked.Has(Backoffs.VSwitch(eni.VSwitchId)) ? 0 : Math.Max(0, room);
            }
        }

        return soon;
    }

    private static List<int> PlanCreates(
        AddressPool pool, Backoffs backoffs, IReadOnlyList<string> vSwitches, Blocked blocked, TimeSpan now, ref int left)
    {
        var creates = new List<int>();
        var free = pool.EniQuota - pool.Enis.Count(e => e.State != EniState.Lost && e.Hold != EniHold.Excluded) - pool.CreatingEnis - pool.UnresolvedCreates.Count;
        if (!pool.Inventoried || pool.UnresolvedCreates.Count > 0 || pool.Enis.Any(e => e.State == EniState.Deleting))
        {
            blocked.Shortly(now);
        }

        // One that may exist is looked for at least once before another is made in its place.
        var unasked = pool.UnresolvedCreates.Keys.Any(token => backoffs.Failures(Backoffs.Intent(token)) == 0);
        if (free <= 0 || unasked || !pool.Inventoried || blocked.Has(Backoffs.Create) || blocked.HasAll(vSwitches.Select(Backoffs.VSwitch)))
        {
            return creates;
        }

        for (; free > 0 && left > 0; free--)
        {
            var take = Math.Min(pool.Capacity.PerNewEni, pool.Capacity.RoundUp(left));
            creates.Add(take);
            left -= take;
        }

        return creates;
    }

    private static int Room(PoolEni eni, NodeCapacity capacity) => capacity.PerEni - eni.Slots;

    // Families can be unequal after a call that failed half way: each is brought to the same level.
    private static int[] CountsFor(PoolEni eni, int slots, NodeCapacity capacity)
    {
        var level = eni.Slots + slots;
        var counts = new int[eni.Families];
        for (var f = 0; f < counts.Length; f++)
        {
            counts[f] = Math.Max(0, level - eni.Count(f)) / capacity.Unit;
        }

        return counts;
    }

    /// <summary>Collects why growth is not possible now, and until when.</summary>
    private sealed class Blocked(Backoffs backoffs)
    {
        public TimeSpan? Until { get; private set; }

        public Exception? Cause { get; private set; }

        public void Shortly(TimeSpan now) => Until = now;

        public bool Has(string key)
        {
            if (backoffs.Until(key) is not { } until)
            {
                return false;
            }

            if (Until is null || until < Until)
            {
                Until = until;
            }

            Cause ??= backoffs.Cause(key);
            return true;
        }

        public bool HasAll(IEnumerable<string> keys)
        {
            var all = true;
            foreach (var key in keys)
            {
                all &= backoffs.IsBlocked(key);
            }

            if (all)
            {
                foreach (var key in keys)
                {
                    Has(key);
                }
            }

            return all;
        }
    }
}
