using System.Collections.Immutable;

namespace Terway.Lab.Config;

public sealed record NodeConfig
{
    public required string Name { get; init; }

    public required string InstanceType { get; init; }

    public required string VSwitchId { get; init; }

    public ImmutableArray<string> SecurityGroupIds { get; init; } = [];

    public ImmutableSortedDictionary<string, string> Tags { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}
