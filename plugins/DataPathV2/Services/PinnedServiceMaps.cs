using System.Globalization;
using System.Runtime.InteropServices;
using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Pins;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>The hooks' maps in the kernel.</summary>
internal sealed class PinnedServiceMaps(PinnedMaps maps) : IServiceMaps
{
    private readonly BpfMap _frontends = maps[ServicePins.Frontends];
    private readonly BpfMap _slots = maps[ServicePins.Slots];
    private readonly BpfMap _members = maps[ServicePins.Members];
    private readonly BpfMap _choices = maps[ServicePins.Choices];

    public uint MaxFrontends => _frontends.MaxEntries;

    public uint MaxSlots => _slots.MaxEntries;

    public uint MaxMembers => _members.MaxEntries;

    public IReadOnlyList<KeyValuePair<SvcAddress, SvcFrontend>> ReadFrontends() => _frontends.Entries<SvcAddress, SvcFrontend>();

    public IReadOnlyList<SvcMember> ReadMembers() => _members.Keys<SvcMember>();

    public void ReadSlots(uint first, Span<SvcSlot> slots)
    {
        for (var i = 0; i < slots.Length; i++)
        {
            if (!_slots.TryLookup(first + (uint)i, out slots[i]))
                throw new BpfException(Errno.ENOENT, string.Create(CultureInfo.InvariantCulture, $"read slot {first + (uint)i} of {_slots.Name}"));
        }
    }

    public void WriteSlots(ReadOnlySpan<uint> indexes, ReadOnlySpan<SvcSlot> slots) => _slots.UpdateBatch(indexes, slots);

    public void PutMembers(ReadOnlySpan<SvcMember> members)
    {
        var values = new uint[members.Length];
        Array.Fill(values, 1u);
        _members.UpdateBatch<SvcMember, uint>(members, values);
    }

    public void DeleteMembers(ReadOnlySpan<SvcMember> members) => _members.DeleteBatch(members);

    public void PutFrontends(ReadOnlySpan<SvcAddress> addresses, ReadOnlySpan<SvcFrontend> frontends) => _frontends.UpdateBatch(addresses, frontends);

    public void DeleteFrontends(ReadOnlySpan<SvcAddress> addresses) => _frontends.DeleteBatch(addresses);

    public void DeleteChoices(Func<uint, bool> isGone)
    {
        var gone = new List<SvcClient>();
        _choices.Walk(key =>
        {
            var client = MemoryMarshal.Read<SvcClient>(key);
            if (isGone(client.Set)) gone.Add(client);
        });
        if (gone.Count > 0) _choices.DeleteBatch<SvcClient>([.. gone]);
    }

    public void WaitForReaders() => BpfReaders.Wait();
}
