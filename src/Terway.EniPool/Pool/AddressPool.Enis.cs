using System.Net;

namespace Terway.EniPool.Pool;

/// <summary>ENIs and their addresses as the cloud has them.</summary>
internal sealed partial class AddressPool
{
    private static readonly TimeSpan s_listedAfterReturn = TimeSpan.FromMinutes(5);

    // Addresses we gave back: the cloud may list them for a while.
    private readonly Dictionary<IPAddress, TimeSpan> _returned = [];

    public PoolEni? Find(string eniId) => _enis.Find(e => e.Id == eniId);

    /// <summary>Takes an ENI in, with what pods hold on it. Caller holds the lock.</summary>
    public void AddEni(PoolEni eni)
    {
        _enis.Add(eni);
        _enis.Sort(static (a, b) => string.CompareOrdinal(a.Id, b.Id));
        foreach (var ip in _held.On(eni.Id))
        {
            if (eni.Find(ip) is null && FamilyOf(ip) is { } family)
            {
                eni.Add(new PoolAddress(ip, family, primary: false) { State = AddressState.InUse, Missing = true });
            }
        }
    }

    /// <summary>Caller holds the lock.</summary>
    public void RemoveEni(PoolEni eni) => _enis.Remove(eni);

    /// <summary>Adds an address that the cloud reports on an ENI, or takes note that it is there after all. Caller holds the lock.</summary>
    public PoolAddress AddAddress(PoolEni eni, IPAddress ip, int family, bool primary, AddressState state)
    {
        if (state == AddressState.Arriving)
        {
            _returned.Remove(ip);
        }

        if (eni.Find(ip) is { } known)
        {
            eni.SetMissing(known, false);
            if (known.State == AddressState.Arriving && state == AddressState.Idle)
            {
                Settle(eni, known);
            }

            return known;
        }

        var address = new PoolAddress(ip, family, primary) { State = state };
        if (_history.TryGetValue(ip, out var released))
        {
            address.ReleasedAt = released;
        }

        if (_held.Contains(ip))
        {
            address.State = AddressState.InUse;
        }

        eni.Add(address);
        return address;
    }

    /// <summary>Lays a view of the cloud over an ENI that no other operation works on. Caller holds the lock.</summary>
    /// <param name="eni">The ENI.</param>
    /// <param name="family">Family of <paramref name="listed"/>.</param>
    /// <param name="listed">Addresses that the cloud lists.</param>
    /// <param name="primary">The ENI's own address.</param>
    /// <returns>Whether anything changed.</returns>
    public bool Merge(PoolEni eni, int family, IReadOnlyList<IPAddress> listed, IPAddress? primary)
    {
        var changed = false;
        var now = _clock.Now;
        foreach (var ip in listed)
        {
            var known = eni.Find(ip);
            if (known is null && _returned.TryGetValue(ip, out var at) && now - at < s_listedAfterReturn)
            {
                continue;
            }

            changed |= known is null or { Missing: true } or { State: AddressState.Arriving };
            AddAddress(eni, ip, family, ip.Equals(primary), AddressState.Idle);
        }

        foreach (var address in eni.Addresses.Where(a => a.Family == family && !listed.Contains(a.Ip)).ToArray())
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

    /// <summary>Takes addresses that went back to the vSwitch out of the ENI. Caller holds the lock.</summary>
    public void RemoveReturned(PoolEni eni, IReadOnlyList<PoolAddress> addresses)
    {
        var now = _clock.Now;
        foreach (var old in _returned.Where(r => now - r.Value >= s_listedAfterReturn).Select(r => r.Key).ToArray())
        {
            _returned.Remove(old);
        }

        foreach (var address in addresses)
        {
            eni.Remove(address);
            _returned[address.Ip] = now;
        }
    }

    /// <summary>Makes an arriving or leaving address idle, unless a pod holds it. Caller holds the lock.</summary>
    public void Settle(PoolEni eni, PoolAddress address)
    {
        if (address.State == AddressState.InUse)
        {
            return;
        }

        if (_held.Contains(address.Ip))
        {
            address.State = AddressState.InUse;
        }
        else
        {
            eni.MakeIdle(address);
        }
    }

    private int? FamilyOf(IPAddress ip)
    {
        for (var f = 0; f < _families.Count; f++)
        {
            if (_families[f] == ip.AddressFamily)
            {
                return f;
            }
        }

        return null;
    }
}
