using System.Collections.Frozen;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>
/// Keeps the maps as the Services want them, and writes only what differs. It starts from what the maps hold, so that an earlier life's entries serve until
/// somebody says otherwise. A Service that does not fit is left out whole, and tried again when there is room. One caller at a time.
/// </summary>
internal sealed class ServiceTable
{
    private readonly IServiceMaps _maps;
    private readonly RangeAllocator _ranges;
    private readonly Dictionary<SvcAddress, Entry> _entries = [];
    private readonly Dictionary<ServiceName, ServiceState> _services = [];
    private readonly Dictionary<SvcAddress, SortedSet<ServiceName>> _waiting = [];
    private readonly SortedDictionary<ServiceName, (Service Service, string Reason)> _refused = new(ByName);

    // Of an earlier life, until a Service takes them up.
    private readonly Dictionary<uint, BackendSet> _found = [];
    private readonly List<BackendRange> _cooling = [];
    private readonly HashSet<uint> _goneSets = [];
    private NodeView _node;
    private bool _gaveUpFound;
    private int _members;
    private uint _lastSet;

    private ServiceTable(IServiceMaps maps, NodeView node)
    {
        _maps = maps;
        _node = node;
        _ranges = new RangeAllocator(maps.MaxSlots);
    }

    /// <summary>Entries of the map of frontends.</summary>
    public int Frontends => _entries.Count;

    /// <summary>Slots in use, what is kept for growth included.</summary>
    public uint Slots => _ranges.Used;

    /// <summary>Entries of the map of members.</summary>
    public int Members => _members;

    /// <summary>Services that are balanced.</summary>
    public int Services => _services.Count;

    /// <summary>Services that found no room, and why.</summary>
    public IReadOnlyCollection<KeyValuePair<ServiceName, (Service Service, string Reason)>> Refused => _refused;

    /// <summary>Addresses that more than one Service claims: who has each of them, and who waits for it.</summary>
    public IEnumerable<(SvcAddress Address, ServiceName Owner, ServiceName Waiting)> Conflicts =>
        _waiting.Select(w => (w.Key, _entries[w.Key].Owner ?? default, w.Value.Min));

    private static Comparer<ServiceName> ByName { get; } = Comparer<ServiceName>.Create(static (a, b) =>
        string.CompareOrdinal(a.Namespace, b.Namespace) is var order and not 0 ? order : string.CompareOrdinal(a.Name, b.Name));

    /// <summary>The highest number that a set was given.</summary>
    public uint LastSet => _lastSet;

    /// <summary>Takes up what the maps hold.</summary>
    /// <param name="maps">The hooks'.</param>
    /// <param name="node">The node.</param>
    /// <param name="lastSet">Of the table before this one in the same life: numbers of sets that went are not given again.</param>
    public static ServiceTable Open(IServiceMaps maps, NodeView node, uint lastSet = 0)
    {
        var table = new ServiceTable(maps, node) { _lastSet = lastSet };
        table.Recover();
        return table;
    }

    /// <summary>Brings the maps up to date.</summary>
    /// <returns>Backends that clients may still be bound to although their Service has them no more.</returns>
    public IReadOnlySet<SvcAddress> Apply(ServiceChanges changes)
    {
        var writes = new TableWrites();
        var plans = new SortedDictionary<ServiceName, (Service Service, ServicePlan Plan)>(ByName);
        foreach (var service in changes.Changed) plans[service.Name] = (service, ServicePlan.Of(service, _node));
        foreach (var name in changes.Removed) Release(name, null, writes);
        foreach (var (name, (_, plan)) in plans) Release(name, plan, writes);
        foreach (var (name, (service, plan)) in plans) Claim(name, service, plan, writes);
        if (changes.Complete) GiveUpFound(writes);
        Settle(writes);
        writes.WriteTo(_maps);
        _cooling.AddRange(writes.Freed);
        // Who is left out is tried again with each room that is made.
        if (_refused.Count > 0 && writes.MakesRoom) return new HashSet<SvcAddress>(writes.Vanished.Union(Retry()));
        return writes.Vanished;
    }

    /// <summary>The node has other addresses now.</summary>
    /// <inheritdoc cref="Apply(ServiceChanges)"/>
    public IReadOnlySet<SvcAddress> Apply(NodeView node)
    {
        _node = node;
        var concerned = _services.Values.Select(static s => s.OnNodePorts).OfType<Service>().ToList();
        return Apply(new ServiceChanges { Changed = concerned, Removed = [], Complete = false });
    }

    /// <summary>Whether a client of this address may be bound to that backend.</summary>
    public bool Serves(SvcAddress address, SvcAddress backend) =>
        _entries.TryGetValue(address, out var entry) && (
            entry.Owner is { } owner
                ? _services[owner].Sets[_services[owner].Frontends[address].Set].Backends.AsSpan().BinarySearch(backend) >= 0
                : _found.TryGetValue(entry.Value.Set, out var set) && set.Backends.Contains(backend));

    /// <summary>Sets that went since the last call. Their numbers are not used again in this life.</summary>
    public IReadOnlySet<uint> TakeGoneSets()
    {
        if (_goneSets.Count == 0) return FrozenSet<uint>.Empty;
        var gone = _goneSets.ToFrozenSet();
        _goneSets.Clear();
        return gone;
    }

    private IReadOnlySet<SvcAddress> Retry()
    {
        var again = _refused.Values.Select(static r => r.Service).ToList();
        var writes = new TableWrites();
        foreach (var service in again) Claim(service.Name, service, ServicePlan.Of(service, _node), writes);
        Settle(writes);
        writes.WriteTo(_maps);
        _cooling.AddRange(writes.Freed);
        return writes.Vanished;
    }

    // What the Service has and the plan does not.
    private void Release(ServiceName name, ServicePlan? plan, TableWrites writes)
    {
        if (plan is null) _refused.Remove(name);
        if (!_services.TryGetValue(name, out var state)) return;
        foreach (var address in state.Frontends.Keys)
        {
            if (plan?.Frontends.ContainsKey(address) != true) Release(name, address, writes);
        }

        foreach (var (key, set) in state.Sets)
        {
            if (plan?.Sets.ContainsKey(key) == true) continue;
            Free(set, writes);
            state.Sets.Remove(key);
        }

        if (plan is null) _services.Remove(name);
    }

    private void Release(ServiceName name, SvcAddress address, TableWrites writes)
    {
        if (_entries.TryGetValue(address, out var entry) && entry.Owner == name)
        {
            _entries.Remove(address);
            writes.Remove(address);
        }
        else if (_waiting.TryGetValue(address, out var claimants) && claimants.Remove(name) && claimants.Count == 0)
        {
            _waiting.Remove(address);
        }
    }

    // Who waits for an address gets it when nobody has it any more.
    private void Settle(TableWrites writes)
    {
        foreach (var address in _waiting.Keys.Where(a => !_entries.ContainsKey(a)).ToList())
        {
            var claimants = _waiting[address];
            var heir = claimants.Min;
            claimants.Remove(heir);
            if (claimants.Count == 0) _waiting.Remove(address);
            Put(heir, _services[heir], _services[heir].Frontends[address], writes);
        }
    }

    private void Claim(ServiceName name, Service service, ServicePlan plan, TableWrites writes)
    {
        if (!_services.TryGetValue(name, out var state)) state = new ServiceState();
        foreach (var key in plan.Sets.Keys)
        {
            if (!state.Sets.ContainsKey(key)) state.Sets.Add(key, TakeUp(plan, key) ?? new BackendSet(++_lastSet));
        }

        if (Reserve(state, plan) is not { } ranges)
        {
            // Rather nothing than what is not so any more.
            foreach (var address in state.Frontends.Keys) Release(name, address, writes);
            foreach (var set in state.Sets.Values) Free(set, writes);
            _services.Remove(name);
            _refused[name] = (service, Shortage(state, plan));
            return;
        }

        _refused.Remove(name);
        foreach (var (key, planned) in plan.Sets) Update(state.Sets[key], planned, ranges, writes);
        state.Frontends = plan.Frontends;
        state.OnNodePorts = service.Ports.Any(static p => p.NodePort != 0) ? service : null;
        _services[name] = state;
        foreach (var frontend in plan.Frontends.Values) Put(name, state, frontend, writes);
    }

    /// <summary>Ranges for the sets whose backends change; null when something does not fit, and then nothing is taken.</summary>
    private Dictionary<SetKey, BackendRange>? Reserve(ServiceState state, ServicePlan plan)
    {
        if (MissingFrontends(plan) > 0 || MissingMembers(state, plan) > 0) return null;
        var ranges = new Dictionary<SetKey, BackendRange>();
        foreach (var (key, planned) in plan.Sets)
        {
            if (planned.Backends.Length == 0 || planned.Backends.AsSpan().SequenceEqual(state.Sets[key].Backends)) continue;
            if (TryTake(BackendRange.OrderFor(planned.Backends.Length), out var range))
            {
                ranges.Add(key, range);
                continue;
            }

            foreach (var taken in ranges.Values) _ranges.Return(taken);
            return null;
        }

        return ranges;
    }

    private string Shortage(ServiceState state, ServicePlan plan) =>
        MissingFrontends(plan) > 0 ? $"the eBPF map {ServicePins.Frontends} is full ({_maps.MaxFrontends} entries): raise max_service_addresses"
        : MissingMembers(state, plan) > 0 ? $"the eBPF map {ServicePins.Members} is full ({_maps.MaxMembers} entries): raise max_service_backends"
        : $"the eBPF map {ServicePins.Slots} has no room for its backends ({_maps.MaxSlots} slots, {_ranges.Used} in use): raise max_service_backends";

    private long MissingFrontends(ServicePlan plan) =>
        _entries.Count + plan.Frontends.Keys.LongCount(a => !_entries.ContainsKey(a)) - _maps.MaxFrontends;

    private long MissingMembers(ServiceState state, ServicePlan plan) =>
        _members + plan.Sets.Values.Where(static s => s.HasMembers).Sum(s => s.Backends.LongCount(b => !state.Sets[s.Key].Members.Contains(b))) - _maps.MaxMembers;

    private bool TryTake(int order, out BackendRange range)
    {
        if (_ranges.TryTake(order, out range)) return true;
        if (_cooling.Count == 0) return false;
        _maps.WaitForReaders();
        foreach (var cooled in _cooling) _ranges.Return(cooled);
        _cooling.Clear();
        return _ranges.TryTake(order, out range);
    }

    private void Update(BackendSet set, PlannedSet planned, Dictionary<SetKey, BackendRange> ranges, TableWrites writes)
    {
        if (!planned.Backends.AsSpan().SequenceEqual(set.Backends))
        {
            Free(set.Range, set, writes);
            set.Range = null;
            if (ranges.TryGetValue(planned.Key, out var range))
            {
                writes.Fill(range, set.Id, planned.Backends);
                set.Range = range;
            }

            set.Backends = planned.Backends;
        }

        HashSet<SvcAddress> members = planned.HasMembers ? [.. planned.Backends] : [];
        foreach (var member in members.Where(m => !set.Members.Contains(m))) writes.AddMember(set.Id, member);
        foreach (var member in set.Members.Where(m => !members.Contains(m))) writes.RemoveMember(set.Id, member);
        _members += members.Count - set.Members.Count;
        set.Members = members;
    }

    private void Free(BackendSet set, TableWrites writes)
    {
        Free(set.Range, set, writes);
        _goneSets.Add(set.Id);
        foreach (var member in set.Members) writes.RemoveMember(set.Id, member);
        _members -= set.Members.Count;
    }

    private static void Free(BackendRange? range, BackendSet set, TableWrites writes)
    {
        if (range is { } own) writes.Free(own);
        foreach (var other in set.Others) writes.Free(other);
        set.Others.Clear();
    }

    private void Put(ServiceName name, ServiceState state, PlannedFrontend frontend, TableWrites writes)
    {
        var address = frontend.Address;
        var there = _entries.TryGetValue(address, out var entry);
        if (there && entry.Owner is { } owner && owner != name)
        {
            if (!_waiting.TryGetValue(address, out var claimants)) _waiting.Add(address, claimants = new(ByName));
            claimants.Add(name);
            return;
        }

        var set = state.Sets[frontend.Set];
        var value = new SvcFrontend
        {
            Check = SvcFrontend.CheckOf(in address),
            Set = set.Id,
            Base = set.Range?.Base ?? 0,
            Count = (uint)set.Backends.Length,
            Affinity = frontend.Affinity,
            Flags = frontend.Flags,
        };
        if (!there || !value.Equals(entry.Value)) writes.Put(address, value);
        else writes.Keep(address);
        _entries[address] = new Entry(value, name);
    }

    // A set that an earlier life made for one of these addresses.
    private BackendSet? TakeUp(ServicePlan plan, SetKey key)
    {
        foreach (var frontend in plan.Frontends.Values)
        {
            if (frontend.Set == key && _entries.TryGetValue(frontend.Address, out var entry) && entry.Owner is null && _found.Remove(entry.Value.Set, out var set)) return set;
        }

        return null;
    }

    private void GiveUpFound(TableWrites writes)
    {
        // Nobody finds more after the start: later changes need not look at all there is.
        if (_gaveUpFound) return;
        _gaveUpFound = true;
        foreach (var address in _entries.Where(static e => e.Value.Owner is null).Select(static e => e.Key).ToList())
        {
            _entries.Remove(address);
            writes.Remove(address);
        }

        foreach (var set in _found.Values) Free(set, writes);
        _found.Clear();
    }

    private void Recover()
    {
        foreach (var (address, frontend) in _maps.ReadFrontends())
        {
            _entries.Add(address, new Entry(frontend, null));
            _lastSet = Math.Max(_lastSet, frontend.Set);
            if (!_found.TryGetValue(frontend.Set, out var set)) _found.Add(frontend.Set, set = new BackendSet(frontend.Set));
            if (frontend.Count > 0) ReadBackends(set, frontend);
        }

        var orphans = new List<SvcMember>();
        foreach (var member in _maps.ReadMembers())
        {
            if (!_found.TryGetValue(member.Set, out var set))
            {
                orphans.Add(member);
                continue;
            }

            set.Members.Add(new SvcAddress { Addr = member.Addr, Port = member.Port });
            _members++;
        }

        if (orphans.Count > 0) _maps.DeleteMembers([.. orphans]);
        // An earlier life's numbers are given again in this one: nobody may find what was left of a set with that number.
        _maps.DeleteChoices(set => !_found.ContainsKey(set));
        // Ranges that were free before are free: nobody of the earlier life is still looking.
        _maps.WaitForReaders();
    }

    // What does not look like a set of this writer is not taken up: it serves until it is replaced.
    private void ReadBackends(BackendSet set, SvcFrontend frontend)
    {
        if (frontend.Count > _maps.MaxSlots) return;
        var range = new BackendRange(frontend.Base, BackendRange.OrderFor((int)frontend.Count));
        if (set.Range == range || !_ranges.TryTake(range)) return;
        if (set.Range is not null)
        {
            // An earlier life ended while it turned the set's addresses from one range to another.
            set.Others.Add(range);
            return;
        }

        var slots = new SvcSlot[frontend.Count];
        _maps.ReadSlots(range.Base, slots);
        set.Range = range;
        if (Array.TrueForAll(slots, s => s.Set == frontend.Set)) set.Backends = [.. slots.Select(static s => new SvcAddress { Addr = s.Addr, Port = s.Port })];
    }

    private readonly record struct Entry(SvcFrontend Value, ServiceName? Owner);

    private sealed class ServiceState
    {
        public Dictionary<SetKey, BackendSet> Sets { get; } = [];

        public IReadOnlyDictionary<SvcAddress, PlannedFrontend> Frontends { get; set; } = new Dictionary<SvcAddress, PlannedFrontend>();

        /// <summary>Kept for when the node's addresses change; null for a Service that does not mind.</summary>
        public Service? OnNodePorts { get; set; }
    }
}
