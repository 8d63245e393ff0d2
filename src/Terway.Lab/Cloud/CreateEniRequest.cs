using System.Collections.Immutable;
using System.Net;

namespace Terway.Lab.Cloud;

/// <summary>Parameters of CreateNetworkInterface that the region acts on.</summary>
public sealed record CreateEniRequest
{
    public required string VSwitchId { get; init; }

    public required ImmutableArray<string> SecurityGroupIds { get; init; }

    public EniType Type { get; init; } = EniType.Secondary;

    /// <summary>Null: the region picks one.</summary>
    public IPAddress? PrimaryIp { get; init; }

    public int SecondaryIpCount { get; init; }

    public ImmutableArray<IPAddress> SecondaryIps { get; init; } = [];

    public int Ipv4PrefixCount { get; init; }

    public int Ipv6AddressCount { get; init; }

    public int Ipv6PrefixCount { get; init; }

    public ImmutableSortedDictionary<string, string> Tags { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    public string Name { get; init; } = "";

    public string Description { get; init; } = "";

    public string ResourceGroupId { get; init; } = "";

    public string TrafficMode { get; init; } = "Standard";

    public bool DeleteOnRelease { get; init; } = true;

    public bool SourceDestCheck { get; init; }
}
