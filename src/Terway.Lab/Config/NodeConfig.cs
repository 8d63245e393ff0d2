using System.Collections.Immutable;

namespace Terway.Lab.Config;

public sealed record NodeConfig
{
    public required string Name { get; init; }

    public required string InstanceType { get; init; }

    public required string VSwitchId { get; init; }

    /// <summary>IPv6 addresses of the primary ENI, at most 10; the vSwitch must have an IPv6 range.</summary>
    public int Ipv6AddressCount { get; init; }

    public ImmutableArray<string> SecurityGroupIds { get; init; } = [];

    /// <summary>The pool whose configuration its daemon gets, one of <see cref="Cluster.PoolConfig.ByName"/>; null: whatever the lab was started with.</summary>
    public string? Pool { get; init; }

    public ImmutableSortedDictionary<string, string> Tags { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}
