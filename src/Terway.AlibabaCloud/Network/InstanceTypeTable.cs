using System.Collections.Frozen;

namespace Terway.AlibabaCloud.Network;

/// <summary>Size and network limits of an instance type, as the public instance-family pages of ECS give them.</summary>
/// <param name="CpuCoreCount">vCPUs.</param>
/// <param name="MemorySize">GiB.</param>
/// <param name="Limits">The network's part; its bandwidths are kbit/s.</param>
public sealed record InstanceTypeEntry(int CpuCoreCount, double MemorySize, InstanceTypeLimits Limits);

/// <summary>
/// Instance types that are known without asking the API. A selection: DescribeInstanceTypes has all of them, and the last word. Member ENIs
/// (EniTotalQuantity beyond EniQuantity) exist only where trunking does.
/// </summary>
public static class InstanceTypeTable
{
    // id, vCPU, GiB, ENIs, ENIs with members, IPv4 per ENI, IPv6 per ENI, trunk, kbit/s, eRDMA
    private static readonly InstanceTypeEntry[] s_all =
    [
        Type("ecs.t5-lc1m1.small", 1, 1, 1, 1, 2, 1, false, 200_000),
        Type("ecs.t6-c1m1.large", 2, 2, 2, 2, 2, 1, false, 80_000),
        Type("ecs.t6-c1m2.large", 2, 4, 2, 2, 2, 1, false, 80_000),
        Type("ecs.t6-c2m1.large", 2, 1, 2, 2, 2, 1, false, 80_000),
        Type("ecs.t6-c1m4.2xlarge", 8, 32, 3, 3, 6, 1, false, 600_000),
        Type("ecs.s6-c1m2.small", 1, 2, 2, 2, 4, 1, false, 500_000),
        Type("ecs.g6.large", 2, 8, 2, 12, 6, 1, true, 1_000_000),
        Type("ecs.g6.xlarge", 4, 16, 3, 13, 10, 1, true, 1_500_000),
        Type("ecs.g6.2xlarge", 8, 32, 4, 24, 10, 1, true, 2_500_000),
        Type("ecs.g6.4xlarge", 16, 64, 8, 48, 20, 1, true, 5_000_000),
        Type("ecs.g6.8xlarge", 32, 128, 8, 68, 20, 1, true, 10_000_000),
        Type("ecs.g7.large", 2, 8, 3, 13, 6, 6, true, 2_000_000),
        Type("ecs.g7.xlarge", 4, 16, 4, 24, 15, 15, true, 3_000_000),
        Type("ecs.g7.2xlarge", 8, 32, 4, 34, 15, 15, true, 5_000_000),
        Type("ecs.g7.4xlarge", 16, 64, 8, 68, 30, 30, true, 10_000_000),
        Type("ecs.g7.8xlarge", 32, 128, 8, 108, 30, 30, true, 16_000_000),
        Type("ecs.g7.16xlarge", 64, 256, 8, 158, 30, 30, true, 32_000_000),
        Type("ecs.c7.large", 2, 4, 3, 13, 6, 6, true, 2_000_000),
        Type("ecs.c7.xlarge", 4, 8, 4, 24, 15, 15, true, 3_000_000),
        Type("ecs.c7.2xlarge", 8, 16, 4, 34, 15, 15, true, 5_000_000),
        Type("ecs.c7.4xlarge", 16, 32, 8, 68, 30, 30, true, 10_000_000),
        Type("ecs.c7.8xlarge", 32, 64, 8, 108, 30, 30, true, 16_000_000),
        Type("ecs.r7.large", 2, 16, 3, 13, 6, 6, true, 2_000_000),
        Type("ecs.r7.xlarge", 4, 32, 4, 24, 15, 15, true, 3_000_000),
        Type("ecs.r7.2xlarge", 8, 64, 4, 34, 15, 15, true, 5_000_000),
        Type("ecs.r7.4xlarge", 16, 128, 8, 68, 30, 30, true, 10_000_000),
        Type("ecs.g8i.2xlarge", 8, 32, 4, 34, 15, 15, true, 6_000_000, 1),
        Type("ecs.g8i.4xlarge", 16, 64, 8, 68, 30, 30, true, 12_000_000, 1),
    ];

    private static readonly FrozenDictionary<string, InstanceTypeEntry> s_byId = s_all.ToFrozenDictionary(static e => e.Limits.InstanceTypeId, StringComparer.Ordinal);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<InstanceTypeEntry> All => s_all;

    /// <summary>The limits of a type such as <c>ecs.g7.4xlarge</c>; null when it is not in the table.</summary>
    public static InstanceTypeLimits? Find(string instanceType) => s_byId.TryGetValue(instanceType, out var entry) ? entry.Limits : null;

    private static InstanceTypeEntry Type(string id, int cpus, double memory, int enis, int total, int ipv4, int ipv6, bool trunk, long bandwidth, int erdma = 0) =>
        new(cpus, memory, new InstanceTypeLimits
        {
            InstanceTypeId = id,
            EniQuantity = enis,
            EniTotalQuantity = total,
            EniPrivateIpAddressQuantity = ipv4,
            EniIpv6AddressQuantity = ipv6,
            EniTrunkSupported = trunk,
            EriQuantity = erdma,
            InstanceBandwidthRx = bandwidth,
            InstanceBandwidthTx = bandwidth,
        });
}
