using Terway.Plugins.SharedEni.Configuration;
using Terway.Plugins.SharedEni.Pool;

namespace Terway.Plugins.SharedEni.Scaling;

/// <summary>
/// What to give back when more is idle than the high watermark: whole ENIs first, then addresses. Only what has cooled down goes, never an ENI's own
/// address, never an ENI that is not ours.
/// </summary>
internal sealed record ShrinkPlan(IReadOnlyList<PoolEni> Deletes, IReadOnlyList<ShrinkPlan.Unassign> Unassigns)
{
    /// <summary>Addresses to take from an ENI, by family.</summary>
    public sealed record Unassign(PoolEni Eni, IReadOnlyList<IReadOnlyList<PoolAddress>> Addresses);

    /// <summary>Caller holds the pool's lock and carries the plan out under it, so that nothing can be handed out in between.</summary>
    public static ShrinkPlan Compute(AddressPool pool, PoolSettings settings, TimeSpan now)
    {
        var idle = pool.Usable(now);
        var surplus = Math.Max(0, idle - pool.MaxIdle);
        if (pool.Waiters.Count > 0)
        {
            return new([], []);
        }

        var deletes = new List<PoolEni>();
        var unassigns = new List<Unassign>();
        var enis = pool.Enis.Count(e => e.State != EniState.Deleting);
        foreach (var eni in pool.InPolicyOrder(EniState.Ready).Reverse().Where(e => !e.Busy && !e.NeedsRefresh).ToArray())
        {
            var slots = eni.Usable(now, pool.Cooldown);
            if (eni.Owned && slots > 0 && slots <= surplus && enis > settings.MinEni && IsWhollyIdle(eni, now, pool.Cooldown))
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
        var removable = Enumerable.Range(0, eni.Families).Select(f => eni.Removable(f, now, pool.Cooldown).ToArray()).ToArray();
        var slots = Math.Min(surplus, removable.Min(r => r.Length));
        surplus -= slots;

        // Besides, what one family has more of than the others serves nobody.
        var usable = eni.Usable(now, pool.Cooldown);
        var counts = removable.Select((r, f) => Math.Min(r.Length, slots + eni.UsableOf(f, now, pool.Cooldown) - usable)).ToArray();
        return counts.All(c => c == 0) ? null : new(eni, [.. removable.Select((r, f) => r[..counts[f]])]);
    }

    private static bool IsWhollyIdle(PoolEni eni, TimeSpan now, TimeSpan cooldown) =>
        eni.Addresses.All(a => a.State == AddressState.Idle && (a.ReleasedAt is not { } released || now - released >= cooldown));
}
