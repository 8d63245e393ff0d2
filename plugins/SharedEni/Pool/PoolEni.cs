using System.Net;

namespace Terway.Plugins.SharedEni.Pool;

/// <summary>An ENI of the node with its addresses. Guarded by the pool's lock.</summary>
internal sealed class PoolEni
{
    private readonly Dictionary<IPAddress, PoolAddress> _addresses = [];

    // By family; never used ones first, then by the time they were given back.
    private readonly List<PoolAddress>[] _idle;

    public PoolEni(string id, string mac, string vSwitchId, bool owned, int families)
    {
        Id = id;
        Mac = mac;
        VSwitchId = vSwitchId;
        Owned = owned;
        _idle = new List<PoolAddress>[families];
        for (var i = 0; i < families; i++)
        {
            _idle[i] = [];
        }
    }

    public string Id { get; }

    public string Mac { get; }

    public string VSwitchId { get; }

    /// <summary>Made by us: may be deleted.</summary>
    public bool Owned { get; }

    public EniState State { get; set; }

    /// <summary>An operation works on it; there is never more than one.</summary>
    public bool Busy { get; set; }

    /// <summary>Goes up with every operation, so that an older view of the cloud is not laid over it.</summary>
    public int Version { get; set; }

    /// <summary>When its addresses were last changed by us, on the pool's clock: the cloud's lists lag behind that.</summary>
    public TimeSpan? ChangedAt { get; set; }

    /// <summary>Pods that addresses asked for and not yet received will serve.</summary>
    public int PendingSlots { get; set; }

    /// <summary>An operation ended without a known outcome: the cloud has to be asked.</summary>
    public bool NeedsRefresh { get; set; }

    /// <summary>The record on disk says what memory says.</summary>
    public bool Saved { get; set; }

    /// <summary>Store keys of unfinished intents, dropped with the next record.</summary>
    public List<string> Intents { get; } = [];

    /// <summary>By family; empty until known.</summary>
    public IReadOnlyList<EniSubnet> Subnets { get; set; } = [];

    public IReadOnlyCollection<PoolAddress> Addresses => _addresses.Values;

    public int Families => _idle.Length;

    public bool HasInUse => _addresses.Values.Any(a => a.State == AddressState.InUse);

    public PoolAddress? Find(IPAddress ip) => _addresses.GetValueOrDefault(ip);

    /// <summary>Addresses of a family that the cloud counts against the ENI's limit.</summary>
    public int Count(int family) => _addresses.Values.Count(a => a.Family == family && !a.Missing);

    /// <summary>Pods that could be on it with the addresses it has.</summary>
    public int Slots => Min(Count);

    /// <summary>Pods it can serve at once.</summary>
    public int Usable(TimeSpan now, TimeSpan cooldown) => Min(f => UsableOf(f, now, cooldown));

    /// <summary>Addresses of one family that can be handed out at once.</summary>
    public int UsableOf(int family, TimeSpan now, TimeSpan cooldown) => _idle[family].Count(a => IsCool(a, now, cooldown));

    /// <summary>Pods it could serve if nothing cooled down.</summary>
    public int Idle => Min(f => _idle[f].Count);

    public bool CanServe(TimeSpan now, TimeSpan cooldown)
    {
        foreach (var list in _idle)
        {
            if (list.Count == 0 || !IsCool(list[0], now, cooldown))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>When the pair that has cooled the longest was given back; null when there is none.</summary>
    public TimeSpan? OldestRelease()
    {
        TimeSpan? latest = null;
        foreach (var list in _idle)
        {
            if (list.Count == 0)
            {
                return null;
            }

            var released = list[0].ReleasedAt ?? TimeSpan.MinValue;
            latest = latest is null || released > latest ? released : latest;
        }

        return latest;
    }

    /// <summary>Takes the oldest idle address of every family.</summary>
    public PoolAddress[] Take()
    {
        var taken = new PoolAddress[_idle.Length];
        for (var f = 0; f < taken.Length; f++)
        {
            taken[f] = _idle[f][0];
            _idle[f].RemoveAt(0);
            taken[f].State = AddressState.InUse;
        }

        return taken;
    }

    public void Add(PoolAddress address)
    {
        _addresses.Add(address.Ip, address);
        if (address.State == AddressState.Idle)
        {
            MakeIdle(address);
        }
    }

    public void Remove(PoolAddress address)
    {
        _addresses.Remove(address.Ip);
        _idle[address.Family].Remove(address);
    }

    public void MakeIdle(PoolAddress address)
    {
        address.State = AddressState.Idle;
        var list = _idle[address.Family];
        var at = list.Count;
        var released = address.ReleasedAt ?? TimeSpan.MinValue;
        while (at > 0 && (list[at - 1].ReleasedAt ?? TimeSpan.MinValue) > released)
        {
            at--;
        }

        list.Insert(at, address);
    }

    public void MakeBusy(PoolAddress address, AddressState state)
    {
        _idle[address.Family].Remove(address);
        address.State = state;
    }

    /// <summary>Idle addresses that can be given back to the vSwitch: cooled down, newest first, never the ENI's own.</summary>
    public IEnumerable<PoolAddress> Removable(int family, TimeSpan now, TimeSpan cooldown) =>
        _idle[family].Where(a => !a.Primary && IsCool(a, now, cooldown)).Reverse();

    private static bool IsCool(PoolAddress address, TimeSpan now, TimeSpan cooldown) =>
        address.ReleasedAt is not { } released || now - released >= cooldown;

    private int Min(Func<int, int> count)
    {
        var least = int.MaxValue;
        for (var f = 0; f < _idle.Length; f++)
        {
            least = Math.Min(least, count(f));
        }

        return least == int.MaxValue ? 0 : least;
    }
}
