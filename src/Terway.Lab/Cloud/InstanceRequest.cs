using System.Collections.Immutable;
using System.Net;

namespace Terway.Lab.Cloud;

/// <summary>An instance to start.</summary>
public sealed record InstanceRequest
{
    /// <summary>Null: the region makes one. A caller that prepares the node before its first ENI is plugged gives it.</summary>
    public string? InstanceId { get; init; }

    public required string Name { get; init; }

    public required string InstanceType { get; init; }

    public required string VSwitchId { get; init; }

    public required ImmutableArray<string> SecurityGroupIds { get; init; }

    public IPAddress? PrimaryIp { get; init; }

    /// <summary>Of the primary ENI.</summary>
    public int Ipv6AddressCount { get; init; }

    public ImmutableSortedDictionary<string, string> Tags { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}
