using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>The maps that hooks look into, as their one writer sees them. Writes are in force when they return, each entry for itself.</summary>
internal interface IServiceMaps
{
    uint MaxFrontends { get; }

    uint MaxSlots { get; }

    uint MaxMembers { get; }

    IReadOnlyList<KeyValuePair<SvcAddress, SvcFrontend>> ReadFrontends();

    IReadOnlyList<SvcMember> ReadMembers();

    void ReadSlots(uint first, Span<SvcSlot> slots);

    void WriteSlots(ReadOnlySpan<uint> indexes, ReadOnlySpan<SvcSlot> slots);

    void PutMembers(ReadOnlySpan<SvcMember> members);

    void DeleteMembers(ReadOnlySpan<SvcMember> members);

    void PutFrontends(ReadOnlySpan<SvcAddress> addresses, ReadOnlySpan<SvcFrontend> frontends);

    void DeleteFrontends(ReadOnlySpan<SvcAddress> addresses);

    /// <summary>Forgets whom clients met in sets that are gone. Walks over all that is remembered.</summary>
    void DeleteChoices(Func<uint, bool> isGone);

    /// <summary>Returns when no hook can still be looking at what was replaced or deleted before the call.</summary>
    void WaitForReaders();
}
