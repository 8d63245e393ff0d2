using System.Net;

namespace Terway.EniPool.Pool;

/// <summary>An ENI of the node with its addresses. Guarded by the pool's lock.</summary>
internal sealed class PoolEni
{
    // Lists of the cloud lag by seconds; what is not in them after a minute is not there.
    private static readonly TimeSpan s_listed = TimeSpan.FromSeconds(60);

    private readonly Dictionary<IPAddress, PoolAddress> _addresses = [];

    private readonly List<PoolPrefix> _prefixes = [];

    // By family; never used ones first, then by the time they were given back.
    private readonly List<PoolAddress>[] _idle;

    // By family: those that the cloud lists.
    private readonly int[] _counts;

    public PoolEni(string id, string mac, string vSwitchId, bool owned, int families)
    {
        Id = id;
        Mac = mac;
        VSwitchId = vSwitchId;
        Owned = owned;
        _idle = new List<PoolAddress>[families];
        _counts = new int[families];
        Others = new IReadOnlyList<string>[families];
        Array.Fill(Others, []);
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

    public EniHold Hold { get; set; }

    /// <summary>Gives addresses to pods, and gets more.</summary>
    public bool IsOpen => State == EniState.Ready && Hold == EniHold.None && !LinkGone;

    /// <summary>An operation works on it; there is never more than one.</summary>
    public bool Busy { get; set; }

    /// <summary>Goes up with every operation, so that an older view of the cloud is not laid over it.</summary>
    public int Version { get; set; }

    /// <summary>When its addresses were last changed by us, on the pool's clock: the cloud's lists lag behind that.</summary>
    public TimeSpan? ChangedAt { get; set; }

    /// <summary>When it was made by this process, on the pool's clock; null: before.</summary>
    public TimeSpan? MadeAt { get; init; }

    /// <summary>Made so lately that the cloud's lists may not show it yet.</summary>
    public bool IsNew(TimeSpan now) => MadeAt is { } at && now - at < s_listed;

    /// <summary>Pods that addresses asked for and not yet received will serve.</summary>
    public int PendingSlots { get; set; }

    /// <summary>An operation ended without a known outcome: the cloud has to be asked.</summary>
    public bool NeedsRefresh { get; set; }

    /// <summary>Its link went away while it served pods; the bring-up looks closer.</summary>
    public bool LinkGone { get; set; }

    /// <summary>Somebody waits for its link to go away.</summary>
    public bool LinkWatched { get; set; }

    /// <summary>
    /// Routing tables that lead out by it, the present one last: pods that came before its link was plugged again have rules to an earlier one.
    /// </summary>
    public List<int> Tables { get; } = [];

    /// <summary>The record on disk says what memory says.</summary>
    public bool Saved { get; set; }

    /// <summary>Store keys of unfinished intents, dropped with the next record.</summary>
    public List<string> Intents { get; } = [];

    /// <summary>By family; empty until known.</summary>
    public IReadOnlyList<EniSubnet> Subnets { get; set; } = [];

    /// <summary>By family: what the cloud lists of the kind that is not wanted, addresses beside the ENI's own or prefixes. Takes places of the ENI.</summary>
    public IReadOnlyList<string>[] Others { get; }

    /// <summary>When a pod gave one of its addresses back last, on the pool's clock.</summary>
    public TimeSpan? ReleasedAt { get; set; }

    /// <summary>Lowest first.</summary>
    public IReadOnlyList<PoolPrefix> Prefixes => _prefixes;

    public IReadOnlyCollection<PoolAddress> Addresses => _addresses.Values;

    public int Families => _idle.Length;

    public bool HasInUse => _addresses.Values.Any(a => a.State == AddressState.InUse);

    public PoolAddress? Find(IPAddress ip) => _addresses.GetValueOrDefault(ip);

    /// <summary>Addresses of a family that the cloud counts against the ENI's limit.</summary>
    public int Count(int family) => _counts[family];

    /// <summary>Pods that could be on it with the addresses it has.</summary>
    public int Slots
    {
        get
        {
            var least = _counts.Length == 0 ? 0 : _counts[0];
            for (var f = 1; f < _counts.Length; f++)
            {
                least = Math.Min(least, _counts[f]);
            }

            return least;
        }
    }

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

    /// <summary>Takes an idle address of every family: the one given back longest ago, or of prefixes the next of <see cref="NextOfPrefixes"/>.</summary>
    public PoolAddress[] Take(TimeSpan now, TimeSpan cooldown)
    {
        var taken = new PoolAddress[_idle.Length];
        for (var f = 0; f < taken.Length; f++)
        {
            taken[f] = NextOfPrefixes(f, now, cooldown) ?? _idle[f][0];
            MakeBusy(taken[f], AddressState.InUse);
        }

        return taken;
    }

    public PoolPrefix? FindPrefix(IPNetwork network) => _prefixes.Find(p => p.Network == network);

    public void Add(PoolAddress address)
    {
        _addresses.Add(address.Ip, address);
        _counts[address.Family] += address.Missing ? 0 : 1;
        if (address.State == AddressState.Idle)
        {
            MakeIdle(address);
        }
    }

    /// <summary>Adds a prefix whose addresses have been added.</summary>
    public void Add(PoolPrefix prefix)
    {
        _prefixes.Add(prefix);
        _prefixes.Sort(static (a, b) => a.Addresses[0].Ip.GetAddressBytes().AsSpan().SequenceCompareTo(b.Addresses[0].Ip.GetAddressBytes()));
    }

    public void Remove(PoolAddress address)
    {
        if (_addresses.Remove(address.Ip))
        {
            _counts[address.Family] -= address.Missing ? 0 : 1;
        }

        _idle[address.Family].Remove(address);
    }

    /// <summary>Takes a prefix out, but not its addresses.</summary>
    public void Remove(PoolPrefix prefix) => _prefixes.Remove(prefix);

    /// <summary>Takes note whether the cloud lists an address of this ENI.</summary>
    public void SetMissing(PoolAddress address, bool missing)
    {
        if (address.Missing != missing)
        {
            address.Missing = missing;
            _counts[address.Family] += missing ? -1 : 1;
        }
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

    /// <summary>Prefixes that can be given back: wholly free and cooled down, highest first.</summary>
    public IEnumerable<PoolPrefix> RemovablePrefixes(TimeSpan now, TimeSpan cooldown)
    {
        for (var i = _prefixes.Count - 1; i >= 0; i--)
        {
            if (_prefixes[i].Addresses.All(a => a.State == AddressState.Idle && IsCool(a, now, cooldown)))
            {
                yield return _prefixes[i];
            }
        }
    }

    // Fullest prefix first, so that others become free as a whole; in it the lowest address.
    private PoolAddress? NextOfPrefixes(int family, TimeSpan now, TimeSpan cooldown)
    {
        PoolAddress? best = null;
        var most = -1;
        foreach (var prefix in _prefixes)
        {
            var inUse = prefix.InUse;
            if (prefix.Family != family || inUse <= most)
            {
                continue;
            }

            foreach (var address in prefix.Addresses)
            {
                if (address.State == AddressState.Idle && IsCool(address, now, cooldown))
                {
                    (best, most) = (address, inUse);
                    break;
                }
            }
        }

        return best;
    }

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
