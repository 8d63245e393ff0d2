using System.Collections.Immutable;
using Terway.Lab.Cloud;

namespace Terway.Lab.Config;

public sealed record SecurityGroupConfig
{
    public required string Id { get; init; }

    public string Name { get; init; } = "";

    public bool Enterprise { get; init; }

    /// <summary>Null: as the kind of group has it (basic yes, enterprise no).</summary>
    public bool? IntraGroupAccept { get; init; }

    public ImmutableArray<SecurityGroupRule> Rules { get; init; } = [];
}
