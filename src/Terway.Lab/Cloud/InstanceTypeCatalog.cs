using System.Collections.Frozen;

namespace Terway.Lab.Cloud;

/// <summary>
/// Network limits of instance types, after the public instance-family pages of ECS. Member ENIs (EniTotalQuantity beyond
/// EniQuantity) exist only where trunking does.
/// </summary>
internal sealed class InstanceTypeCatalog
{
    // id, vCPU, GiB, ENIs, ENIs with members, IPv4 per ENI, IPv6 per ENI, trunk, eRDMA, Gbit/s
    private static readonly InstanceType[] s_builtIn =
    [
        new("ecs.t5-lc1m1.small", 1, 1, 1, 1, 2, 1, false, BandwidthKbps: 200_000),
        new("ecs.t6-c1m1.large", 2, 2, 2, 2, 2, 1, false, BandwidthKbps: 80_000),
        new("ecs.t6-c1m2.large", 2, 4, 2, 2, 2, 1, false, BandwidthKbps: 80_000),
        new("ecs.t6-c2m1.large", 2, 1, 2, 2, 2, 1, false, BandwidthKbps: 80_000),
        new("ecs.t6-c1m4.2xlarge", 8, 32, 3, 3, 6, 1, false, BandwidthKbps: 600_000),
        new("ecs.s6-c1m2.small", 1, 2, 2, 2, 4, 1, false, BandwidthKbps: 500_000),
        new("ecs.g6.large", 2, 8, 2, 12, 6, 1, true, BandwidthKbps: 1_000_000),
        new("ecs.g6.xlarge", 4, 16, 3, 13, 10, 1, true, BandwidthKbps: 1_500_000),
        new("ecs.g6.2xlarge", 8, 32, 4, 24, 10, 1, true, BandwidthKbps: 2_500_000),
        new("ecs.g6.4xlarge", 16, 64, 8, 48, 20, 1, true, BandwidthKbps: 5_000_000),
        new("ecs.g6.8xlarge", 32, 128, 8, 68, 20, 1, true, BandwidthKbps: 10_000_000),
        new("ecs.g7.large", 2, 8, 3, 13, 6, 6, true, BandwidthKbps: 2_000_000),
        new("ecs.g7.xlarge", 4, 16, 4, 24, 15, 15, true, BandwidthKbps: 3_000_000),
        new("ecs.g7.2xlarge", 8, 32, 4, 34, 15, 15, true, BandwidthKbps: 5_000_000),
        new("ecs.g7.4xlarge", 16, 64, 8, 68, 30, 30, true, BandwidthKbps: 10_000_000),
        new("ecs.g7.8xlarge", 32, 128, 8, 108, 30, 30, true, BandwidthKbps: 16_000_000),
        new("ecs.g7.16xlarge", 64, 256, 8, 158, 30, 30, true, BandwidthKbps: 32_000_000),
        new("ecs.c7.large", 2, 4, 3, 13, 6, 6, true, BandwidthKbps: 2_000_000),
        new("ecs.c7.xlarge", 4, 8, 4, 24, 15, 15, true, BandwidthKbps: 3_000_000),
        new("ecs.c7.2xlarge", 8, 16, 4, 34, 15, 15, true, BandwidthKbps: 5_000_000),
        new("ecs.c7.4xlarge", 16, 32, 8, 68, 30, 30, true, BandwidthKbps: 10_000_000),
        new("ecs.c7.8xlarge", 32, 64, 8, 108, 30, 30, true, BandwidthKbps: 16_000_000),
        new("ecs.r7.large", 2, 16, 3, 13, 6, 6, true, BandwidthKbps: 2_000_000),
        new("ecs.r7.xlarge", 4, 32, 4, 24, 15, 15, true, BandwidthKbps: 3_000_000),
        new("ecs.r7.2xlarge", 8, 64, 4, 34, 15, 15, true, BandwidthKbps: 5_000_000),
        new("ecs.r7.4xlarge", 16, 128, 8, 68, 30, 30, true, BandwidthKbps: 10_000_000),
        new("ecs.g8i.2xlarge", 8, 32, 4, 34, 15, 15, true, 1, 6_000_000),
        new("ecs.g8i.4xlarge", 16, 64, 8, 68, 30, 30, true, 1, 12_000_000),
    ];

    private readonly FrozenDictionary<string, InstanceType> _types;

    public InstanceTypeCatalog(IEnumerable<InstanceType> overrides)
    {
        var types = s_builtIn.ToDictionary(static t => t.Id, StringComparer.Ordinal);
        foreach (var type in overrides)
            types[type.Id] = type;
        _types = types.ToFrozenDictionary(StringComparer.Ordinal);
        All = [.. _types.Values.OrderBy(static t => t.Id, StringComparer.Ordinal)];
    }

    public IReadOnlyList<InstanceType> All { get; }

    public InstanceType? Find(string id) => _types.GetValueOrDefault(id);
}
