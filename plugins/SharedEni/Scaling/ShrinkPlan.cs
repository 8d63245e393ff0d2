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
        var surplus = idle - pool.MaxIdle;
        if (surplus <= 0 || pool.Waiters.Count > 0)
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
            if (surplus <= 0)
            {
                break;
            }

            if (eni.Busy || eni.NeedsRefresh || deletes.Contains(eni))
            {
                continue;
            }

            var removable = Enumerable.Range(0, eni.Families).Select(f => eni.Removable(f, now, pool.Cooldown).ToArray()).ToArray();
            var count = Math.Min(surplus, removable.Min(r => r.Length));
            if (count > 0)
            {
                unassigns.Add(new(eni, [.. removable.Select(r => r[..count])]));
                surplus -= count;
            }
        }

        return new(deletes, unassigns);
    }

    private static bool IsWhollyIdle(PoolEni eni, TimeSpan now, TimeSpan cooldown) =>
        eni.Addresses.All(a => a.State == AddressState.Idle && (a.ReleasedAt is not { } released || now - released >= cooldown));
}
