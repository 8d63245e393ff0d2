using System.Collections.Immutable;

namespace Terway.Lab.Cloud;

/// <summary>
/// A security group at one instant. Without a matching rule ingress is dropped and egress accepted (a basic group); in an
/// enterprise group egress is dropped too. Membership is in <see cref="EniSnapshot.SecurityGroupIds"/>.
/// </summary>
public sealed record SecurityGroupSnapshot
{
    public required string Id { get; init; }

    public required string VpcId { get; init; }

    public string Name { get; init; } = "";

    /// <summary>Basic groups let their own members talk to each other; enterprise groups do not.</summary>
    public bool IntraGroupAccept { get; init; } = true;

    public bool Enterprise { get; init; }

    public ImmutableArray<SecurityGroupRule> Rules { get; init; } = [];
}
