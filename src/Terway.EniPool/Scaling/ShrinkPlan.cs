using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;

namespace Terway.EniPool.Scaling;

/// <summary>
/// What to give back when more is idle than the high watermark, or the node has been quiet: whole ENIs first, then addresses or whole prefixes. Only
/// what has cooled down goes, never an ENI's own address, never an ENI that is not ours or is excluded.
/// </summary>
internal sealed record ShrinkPlan(IReadOnlyList<PoolEni> Deletes, IReadOnlyList<ShrinkPlan.Unassign> Unassigns)
{
    /// <summary>Addresses to take from an ENI, by family.</summary>
    public sealed record Unassign(PoolEni Eni, IReadOnlyList<IReadOnlyList<PoolAddress>> Addresses);

    /// <summary>Caller holds the pool's lock and carries the plan out under it, so that nothing can be handed out in between.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="settings">Its settings.</param>
    /// <param name="toMaximum">Give back what is above the high watermark.</param>
    /// <param name="further">Give back so many more, but not below the low watermark.</param>
    /// <param name="now">On the pool's clock.</param>
    public static ShrinkPlan Compute(AddressPool pool, PoolSettings settings, bool toMaximum, int further, TimeSpan now)
    {
        if (pool.Waiters.Count > 0 || pool.WarmUp.Left > 0)
        {
            return new([], []);
        }

        var idle = pool.Usable(now);
        var surplus = toMaximum ? Math.Max(0, idle - pool.MaxIdle) : 0;
        if (pool.Capacity.Fixed is { } @fixed)
        {
            surplus = Math.Clamp(pool.Assigned - @fixed, 0, idle);
        }
        else if (further > 0)
        {
            surplus += Math.Clamp(idle - surplus - pool.MinIdle, 0, pool.Capacity.RoundUp(further));
        }

        var deletes = new List<PoolEni>();
        var unassigns = new List<Unassign>();
        deletes.AddRange(pool.Enis.Where(e => IsLeftOver(e, now, pool.Cooldown)));
        var enis = pool.Enis.Count(e => e.State != EniState.Deleting && e.Hold == EniHold.None);
        foreach (var eni in pool.InPolicyOrder(EniState.Ready).Reverse().Where(e => !e.Busy && !e.NeedsRefresh).ToArray())
        {
            var slots = eni.Usable(now, pool.Cooldown);
            if (eni.Owned && (slots > 0 || pool.Capacity.UsesPrefixes) && slots <= surplus && enis > settings.MinEni && IsWhollyIdle(eni, now, pool.Cooldown))
            {
                deletes.Add(eni);
                surplus -= slots;
                enis--;
            }
        }

        foreach (var eni in pool.InPolicyOrder(EniState.Ready).Reverse())
        {
            if (!eni.Busy && !eni.NeedsRefresh && !deletes.Contains(eni) && Trim(eni, pool, now, ref surplus) is { } unassign)
            {
                unassigns.Add(unassign);
            }
        }

        return new(deletes, unassigns);
    }

    private static Unassign? Trim(PoolEni eni, AddressPool pool, TimeSpan now, ref int surplus)
    {
        if (pool.Capacity.UsesPrefixes)
        {
            var prefixes = eni.RemovablePrefixes(now, pool.Cooldown).Take(surplus / pool.Capacity.Unit).ToArray();
            surplus -= prefixes.Length * pool.Capacity.Unit;
            return prefixes.Length == 0 ? null : new(eni, [[.. prefixes.SelectMany(p => p.Addresses)]]);
        }

        var removable = Enumerable.Range(0, eni.Families).Select(f => eni.Removable(f, now, pool.Cooldown).ToArray()).ToArray();
        var slots = Math.Min(surplus, removable.Min(r => r.Length));
        surplus -= slots;

        // Besides, what one family has more of than the others serves nobody.
        var usable = eni.Usable(now, pool.Cooldown);
        var counts = removable.Select((r, f) => Math.Min(r.Length, slots + eni.UsableOf(f, now, pool.Cooldown) - usable)).ToArray();
        return counts.All(c => c == 0) ? null : new(eni, [.. removable.Select((r, f) => r[..counts[f]])]);
    }

    // Of the kind that is not wanted any more, and its last pod's address has cooled down.
    private static bool IsLeftOver(PoolEni eni, TimeSpan now, TimeSpan cooldown) =>
        eni is { State: EniState.Ready, Hold: EniHold.OtherKind, Owned: true, Busy: false, NeedsRefresh: false, HasInUse: false }
        && (eni.ReleasedAt is not { } released || now - released >= cooldown);

    private static bool IsWhollyIdle(PoolEni eni, TimeSpan now, TimeSpan cooldown) =>
        eni.Addresses.All(a => a.State == AddressState.Idle && (a.ReleasedAt is not { } released || now - released >= cooldown));
}
