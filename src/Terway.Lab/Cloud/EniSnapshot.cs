using System.Collections.Immutable;
using System.Net;

namespace Terway.Lab.Cloud;

/// <summary>One ENI at one instant; never changes after it is handed out.</summary>
public sealed record EniSnapshot
{
    public required string Id { get; init; }

    /// <summary>Lower-case, colon separated.</summary>
    public required string Mac { get; init; }

    public required EniType Type { get; init; }

    public required EniStatus Status { get; init; }

    public required string ZoneId { get; init; }

    public required string VpcId { get; init; }

    public required string VSwitchId { get; init; }

    public required IPNetwork VSwitchCidr { get; init; }

    /// <summary>Third-last address of the vSwitch.</summary>
    public required IPAddress Gateway { get; init; }

    /// <summary>Null when the vSwitch has no IPv6 range.</summary>
    public IPNetwork? VSwitchIpv6Cidr { get; init; }

    public IPAddress? Ipv6Gateway { get; init; }

    public required IPAddress PrimaryIp { get; init; }

    /// <summary>All single IPv4 addresses, the primary one first.</summary>
    public required ImmutableArray<IPAddress> PrivateIps { get; init; }

    public ImmutableArray<IPAddress> Ipv6Addresses { get; init; } = [];

    /// <summary>/28 blocks; every address in them belongs to the ENI.</summary>
    public ImmutableArray<IPNetwork> Ipv4Prefixes { get; init; } = [];

    /// <summary>/80 blocks.</summary>
    public ImmutableArray<IPNetwork> Ipv6Prefixes { get; init; } = [];

    public required ImmutableArray<string> SecurityGroupIds { get; init; }

    public ImmutableSortedDictionary<string, string> Tags { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Set from Attaching to Detaching.</summary>
    public string? InstanceId { get; init; }

    /// <summary>Position among the instance's ENIs; for a member ENI its VLAN id.</summary>
    public int? DeviceIndex { get; init; }

    public int NetworkCardIndex { get; init; }

    /// <summary>The trunk ENI that carries this member ENI.</summary>
    public string? TrunkEniId { get; init; }

    /// <summary>802.1Q id on the trunk ENI, 1 to 4094; member ENIs only.</summary>
    public int? Vlan { get; init; }

    public string Name { get; init; } = "";

    public string Description { get; init; } = "";

    public string ResourceGroupId { get; init; } = "";

    public string TrafficMode { get; init; } = "Standard";

    public bool DeleteOnRelease { get; init; }

    public bool SourceDestCheck { get; init; }

    public required DateTimeOffset CreationTime { get; init; }

    /// <summary>Every source range the VPC accepts from this ENI, single addresses as /32 and /128.</summary>
    public IEnumerable<IPNetwork> Sources =>
        PrivateIps.Select(static ip => new IPNetwork(ip, 32))
            .Concat(Ipv4Prefixes)
            .Concat(Ipv6Addresses.Select(static ip => new IPNetwork(ip, 128)))
            .Concat(Ipv6Prefixes);
}
