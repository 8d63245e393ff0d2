using System.Net;

namespace Terway.EniPool.Pool;

/// <summary>Prefixes as the cloud has them.</summary>
internal sealed partial class AddressPool
{
    /// <summary>Adds a prefix that the cloud reports on an ENI, or takes note that it is there after all. Caller holds the lock.</summary>
    public void AddPrefix(PoolEni eni, IPNetwork network, int family, AddressState state)
    {
        var addresses = PoolPrefix.AddressesOf(network).Select(ip => AddAddress(eni, ip, family, primary: false, state)).ToArray();
        if (eni.FindPrefix(network) is null)
        {
            eni.Add(new PoolPrefix(network, family, addresses));
        }
    }

    /// <summary>Lays the cloud's prefixes over an ENI that no other operation works on; addresses outside of them only stay for their pods.</summary>
    /// <returns>Whether anything changed.</returns>
    public bool MergePrefixes(PoolEni eni, int family, IReadOnlyList<IPNetwork> listed)
    {
        var changed = false;
        var now = _clock.Now;
        foreach (var network in listed)
        {
            var known = eni.FindPrefix(network);
            if (known is null && _returned.TryGetValue(network.BaseAddress, out var at) && now - at < s_listedAfterReturn)
            {
                continue;
            }

            changed |= known is null || known.Addresses.Any(a => a is { Missing: true } or { State: AddressState.Arriving });
            AddPrefix(eni, network, family, AddressState.Idle);
        }

        foreach (var gone in eni.Prefixes.Where(p => p.Family == family && !listed.Contains(p.Network)).ToArray())
        {
            eni.Remove(gone);
            changed = true;
        }

        var covered = eni.Prefixes.SelectMany(p => p.Addresses).ToHashSet();
        foreach (var address in eni.Addresses.Where(a => a.Family == family && !covered.Contains(a)).ToArray())
        {
            if (address.State == AddressState.InUse)
            {
                changed |= !address.Missing;
                eni.SetMissing(address, true);
            }
            else
            {
                changed = true;
                eni.Remove(address);
            }
        }

        return changed;
    }

    /// <summary>Takes prefixes that went back to the vSwitch out of the ENI. Caller holds the lock.</summary>
    public void RemoveReturned(PoolEni eni, IReadOnlyList<PoolPrefix> prefixes)
    {
        RemoveReturned(eni, [.. prefixes.SelectMany(p => p.Addresses)]);
        foreach (var prefix in prefixes)
        {
            eni.Remove(prefix);
        }
    }
}
