using System.Collections.Immutable;

namespace Terway.Lab.Config;

public sealed record NodeConfig
{
    public required string Name { get; init; }

    public required string InstanceType { get; init; }

    public required string VSwitchId { get; init; }

    public ImmutableArray<string> SecurityGroupIds { get; init; } = [];

    /// <summary>The pool whose configuration its daemon gets, one of <see cref="Cluster.PoolConfig.ByName"/>; null: whatever the lab was started with.</summary>
    public string? Pool { get; init; }

    public ImmutableSortedDictionary<string, string> Tags { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}
