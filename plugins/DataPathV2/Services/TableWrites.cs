using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>
/// What brings the maps from one state to the next. Slots are written where nobody looks, then each frontend is turned to them with one write: whoever
/// connects meanwhile finds the backends of before or those of after. What is not needed any more goes last.
/// </summary>
internal sealed class TableWrites
{
    private readonly List<uint> _indexes = [];
    private readonly List<SvcSlot> _slots = [];
    private readonly List<SvcMember> _newMembers = [];
    private readonly List<SvcMember> _oldMembers = [];
    private readonly Dictionary<SvcAddress, SvcFrontend> _frontends = [];
    private readonly HashSet<SvcAddress> _gone = [];
    private readonly List<BackendRange> _freed = [];
    private readonly HashSet<SvcAddress> _vanished = [];

    /// <summary>Ranges that nobody uses once this is written and all readers are done.</summary>
    public IReadOnlyList<BackendRange> Freed => _freed;

    /// <summary>Backends, without a protocol, that clients may still be bound to although a set has them no more.</summary>
    public IReadOnlySet<SvcAddress> Vanished => _vanished;

    /// <summary>Whether this makes room for others.</summary>
    public bool MakesRoom => _freed.Count + _gone.Count + _oldMembers.Count > 0;

    public bool IsEmpty => _indexes.Count + _newMembers.Count + _oldMembers.Count + _frontends.Count + _gone.Count == 0;

    public void Fill(BackendRange range, uint set, ReadOnlySpan<SvcAddress> backends)
    {
        for (var i = 0; i < backends.Length; i++)
        {
            _indexes.Add(range.Base + (uint)i);
            _slots.Add(new SvcSlot { Addr = backends[i].Addr, Port = backends[i].Port, Set = set });
        }
    }

    public void Free(BackendRange range) => _freed.Add(range);

    public void AddMember(uint set, SvcAddress backend) => _newMembers.Add(MemberOf(set, backend));

    public void RemoveMember(uint set, SvcAddress backend)
    {
        _oldMembers.Add(MemberOf(set, backend));
        _vanished.Add(backend);
    }

    public void Put(SvcAddress address, SvcFrontend frontend)
    {
        _frontends[address] = frontend;
        _gone.Remove(address);
    }

    public void Remove(SvcAddress address)
    {
        _frontends.Remove(address);
        _gone.Add(address);
    }

    /// <summary>Takes <see cref="Remove"/> back for an address whose entry stays as it is.</summary>
    public void Keep(SvcAddress address) => _gone.Remove(address);

    public void WriteTo(IServiceMaps maps)
    {
        if (_indexes.Count > 0) maps.WriteSlots([.. _indexes], [.. _slots]);
        if (_newMembers.Count > 0) maps.PutMembers([.. _newMembers]);
        if (_frontends.Count > 0) maps.PutFrontends([.. _frontends.Keys], [.. _frontends.Values]);
        if (_gone.Count > 0) maps.DeleteFrontends([.. _gone]);
        if (_oldMembers.Count > 0) maps.DeleteMembers([.. _oldMembers]);
    }

    private static SvcMember MemberOf(uint set, SvcAddress backend) => new() { Addr = backend.Addr, Port = backend.Port, Set = set };
}
