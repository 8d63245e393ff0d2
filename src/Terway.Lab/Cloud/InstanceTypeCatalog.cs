using System.Collections.Frozen;
using Terway.AlibabaCloud.Network;

namespace Terway.Lab.Cloud;

/// <summary>The region's instance types: those that the client side knows too, and what the lab's configuration adds or changes.</summary>
internal sealed class InstanceTypeCatalog
{
    private readonly FrozenDictionary<string, InstanceType> _types;

    public InstanceTypeCatalog(IEnumerable<InstanceType> overrides)
    {
        var types = InstanceTypeTable.All.Select(Of).ToDictionary(static t => t.Id, StringComparer.Ordinal);
        foreach (var type in overrides)
            types[type.Id] = type;
        _types = types.ToFrozenDictionary(StringComparer.Ordinal);
        All = [.. _types.Values.OrderBy(static t => t.Id, StringComparer.Ordinal)];
    }

    public IReadOnlyList<InstanceType> All { get; }

    public InstanceType? Find(string id) => _types.GetValueOrDefault(id);

    private static InstanceType Of(InstanceTypeEntry entry) => new(
        entry.Limits.InstanceTypeId, entry.CpuCoreCount, entry.MemorySize, entry.Limits.EniQuantity, entry.Limits.EniTotalQuantity,
        entry.Limits.EniPrivateIpAddressQuantity, entry.Limits.EniIpv6AddressQuantity, entry.Limits.EniTrunkSupported, entry.Limits.EriQuantity,
        (int)entry.Limits.InstanceBandwidthRx);
}
