using System.Collections.Immutable;

namespace Terway.Lab.Cloud;

/// <summary>The region as it was: what a Describe call shows that lags behind.</summary>
public sealed partial class Region
{
    /// <summary>vSwitches with the addresses that were free at an instant; null: that are free now.</summary>
    internal ImmutableArray<VSwitchSnapshot> VSwitchesAsOf(DateTimeOffset? asOf)
    {
        lock (_lock)
        {
            // Addresses that ENIs have taken since were free then, and the other way round.
            var freed = new Dictionary<string, int>(StringComparer.Ordinal);
            if (asOf is { } at)
            {
                foreach (var eni in _enis.Values)
                    freed[eni.VSwitch.Id] = freed.GetValueOrDefault(eni.VSwitch.Id) + eni.Ipv4Count;
                foreach (var (_, eni) in _history.At(at))
                    freed[eni.VSwitchId] = freed.GetValueOrDefault(eni.VSwitchId) - eni.PrivateIps.Length - (eni.Ipv4Prefixes.Length * Ipv4Pool.PrefixSize);
            }
            return
            [
                .. _vSwitches.Values.OrderBy(static v => v.Id, StringComparer.Ordinal).Select(v => new VSwitchSnapshot(
                    v.Id, v.ZoneId, v.VpcId, v.Cidr, v.Ipv6Cidr, v.Gateway,
                    Faults.ShowsExhausted(v.Id) ? 0 : Math.Max(0, v.Ipv4.Available + freed.GetValueOrDefault(v.Id)),
                    (1 << (32 - v.Cidr.PrefixLength)) - 4)),
            ];
        }
    }

    /// <summary>Instances with the ENIs they had at an instant; null: that they have now.</summary>
    internal ImmutableArray<InstanceSnapshot> InstancesAsOf(DateTimeOffset? asOf)
    {
        lock (_lock)
        {
            var now = _instances.Values.OrderBy(static i => i.Name, StringComparer.Ordinal).Select(static i => i.Snapshot());
            if (asOf is not { } at)
                return [.. now];
            var enis = _history.At(at).Select(static e => e.Eni).ToLookup(static e => e.InstanceId);
            return
            [
                .. now.Where(i => i.CreationTime <= at).Select(i => i with
                {
                    Enis = [.. enis[i.Id].OrderBy(static e => e.Type == EniType.Member).ThenBy(static e => e.DeviceIndex)],
                }).Where(static i => !i.Enis.IsEmpty),
            ];
        }
    }

    private (ImmutableArray<EniSnapshot> Enis, long Next, int Total) DescribePast(EniFilter filter, DateTimeOffset asOf, long after, int limit)
    {
        var matches = _history.At(asOf).Where(e => filter.Matches(e.Eni)).ToList();
        var rest = matches.Where(e => e.Sequence > after).ToList();
        var page = rest.Count > limit ? rest[..limit] : rest;
        return ([.. page.Select(static e => e.Eni)], rest.Count > limit ? page[^1].Sequence : 0, matches.Count);
    }
}
