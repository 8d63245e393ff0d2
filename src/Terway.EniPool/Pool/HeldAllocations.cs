using System.Net;

namespace Terway.EniPool.Pool;

/// <summary>What pods hold, by address. Guarded by the pool's lock.</summary>
internal sealed class HeldAllocations
{
    private readonly Dictionary<IPAddress, Allocation> _byIp = [];

    /// <summary>Pods, not addresses.</summary>
    public int Count { get; private set; }

    public bool Contains(IPAddress ip) => _byIp.ContainsKey(ip);

    /// <summary>Addresses that pods hold on an ENI.</summary>
    public IEnumerable<IPAddress> On(string eniId) => _byIp.Where(h => h.Value.EniId == eniId).Select(h => h.Key);

    public void Add(Allocation allocation)
    {
        foreach (var address in allocation.Addresses)
        {
            _byIp[address.Address] = allocation;
        }

        Count++;
    }

    /// <summary>Forgets an allocation; false when it is not held.</summary>
    public bool Remove(Allocation allocation)
    {
        if (allocation.Addresses.Count == 0
            || !_byIp.TryGetValue(allocation.Addresses[0].Address, out var held)
            || held.EniId != allocation.EniId
            || held.Addresses.Count != allocation.Addresses.Count
            || !held.Addresses.Select(a => a.Address).SequenceEqual(allocation.Addresses.Select(a => a.Address)))
        {
            return false;
        }

        foreach (var address in allocation.Addresses)
        {
            _byIp.Remove(address.Address);
        }

        Count--;
        return true;
    }
}
