using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Services;

namespace Terway.Plugins.DataPathV2.Tests.Services;

/// <summary>The maps in memory, with the kernel's limits, and a look at every single entry that is written.</summary>
internal sealed class MemoryMaps(uint maxFrontends = 4096, uint maxSlots = 4096, uint maxMembers = 4096) : IServiceMaps
{
    private readonly Dictionary<SvcAddress, SvcFrontend> _frontends = [];
    private readonly SvcSlot[] _slots = new SvcSlot[maxSlots];
    private readonly Dictionary<(uint Set, SvcAddress Backend), SvcMember> _members = [];

    public uint MaxFrontends => maxFrontends;

    public uint MaxSlots => maxSlots;

    public uint MaxMembers => maxMembers;

    /// <summary>Runs after each entry's write.</summary>
    public Action? Written { get; set; }

    /// <summary>The daemon dies after so many writes.</summary>
    public int Left { get; set; } = int.MaxValue;

    public int Writes { get; private set; }

    public int Waits { get; private set; }

    public IReadOnlyDictionary<SvcAddress, SvcFrontend> Frontends => _frontends;

    public int MemberCount => _members.Count;

    /// <summary>What a hook finds for an address: null when it is no Service's; backends in order.</summary>
    public SvcAddress[]? Lookup(SvcAddress address)
    {
        if (!_frontends.TryGetValue(address, out var frontend)) return null;
        Assert.Equal(SvcFrontend.CheckOf(in address), frontend.Check);
        var slots = _slots.AsSpan((int)frontend.Base, (int)frontend.Count).ToArray();
        Assert.All(slots, s => Assert.Equal(frontend.Set, s.Set));
        return [.. slots.Select(static s => new SvcAddress { Addr = s.Addr, Port = s.Port })];
    }

    /// <summary>All that hooks can see, free of numbers that only this writer knows.</summary>
    public IReadOnlyList<string> View() => [.. _frontends.OrderBy(static f => f.Key).Select(f =>
        $"{f.Key} {f.Key.Proto} affinity {f.Value.Affinity} {f.Value.Flags} -> {string.Join(", ", Lookup(f.Key)!)}; known: {string.Join(", ", MembersOf(f.Value.Set).Order())}")];

    public IEnumerable<SvcAddress> MembersOf(uint set) => _members.Keys.Where(m => m.Set == set).Select(static m => m.Backend);

    public IReadOnlyList<KeyValuePair<SvcAddress, SvcFrontend>> ReadFrontends() => [.. _frontends];

    public IReadOnlyList<SvcMember> ReadMembers() => [.. _members.Values];

    public void ReadSlots(uint first, Span<SvcSlot> slots) => _slots.AsSpan((int)first, slots.Length).CopyTo(slots);

    public void WriteSlots(ReadOnlySpan<uint> indexes, ReadOnlySpan<SvcSlot> slots)
    {
        for (var i = 0; i < indexes.Length; i++)
        {
            _slots[indexes[i]] = slots[i];
            Count();
        }
    }

    public void PutMembers(ReadOnlySpan<SvcMember> members)
    {
        foreach (var member in members)
        {
            _members[(member.Set, new SvcAddress { Addr = member.Addr, Port = member.Port })] = member;
            Assert.True(_members.Count <= maxMembers);
            Count();
        }
    }

    public void DeleteMembers(ReadOnlySpan<SvcMember> members)
    {
        foreach (var member in members)
        {
            Assert.True(_members.Remove((member.Set, new SvcAddress { Addr = member.Addr, Port = member.Port })));
            Count();
        }
    }

    public void PutFrontends(ReadOnlySpan<SvcAddress> addresses, ReadOnlySpan<SvcFrontend> frontends)
    {
        for (var i = 0; i < addresses.Length; i++)
        {
            _frontends[addresses[i]] = frontends[i];
            Assert.True(_frontends.Count <= maxFrontends);
            Count();
        }
    }

    public void DeleteFrontends(ReadOnlySpan<SvcAddress> addresses)
    {
        foreach (var address in addresses)
        {
            Assert.True(_frontends.Remove(address));
            Count();
        }
    }

    /// <summary>Numbers of sets that clients remember.</summary>
    public HashSet<uint> Choices { get; } = [];

    public void DeleteChoices(Func<uint, bool> isGone) => Choices.RemoveWhere(set => isGone(set));

    public void WaitForReaders() => Waits++;

    private void Count()
    {
        Writes++;
        Written?.Invoke();
        if (--Left == 0) throw new DaemonDiedException();
    }
}

internal sealed class DaemonDiedException : Exception;
