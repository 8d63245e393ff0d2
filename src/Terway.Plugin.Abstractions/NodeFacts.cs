using System.Net;

namespace Terway.Plugin;

/// <summary>The node a plugin runs on. Counts are those of DescribeInstanceTypes (ECS API 2014-05-26).</summary>
public sealed record NodeFacts
{
    /// <summary>Name of the Kubernetes node, or the host name when there is no cluster.</summary>
    public required string NodeName { get; init; }

    /// <summary>ECS instance id.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Such as <c>ecs.g7.4xlarge</c>.</summary>
    public required string InstanceType { get; init; }

    /// <summary>Region id.</summary>
    public required string RegionId { get; init; }

    /// <summary>Zone id.</summary>
    public required string ZoneId { get; init; }

    /// <summary>VPC id.</summary>
    public required string VpcId { get; init; }

    /// <summary>vSwitch of the primary ENI.</summary>
    public required string VSwitchId { get; init; }

    /// <summary>MAC address of the primary ENI, which belongs to the operating system and is never touched.</summary>
    public required string PrimaryMac { get; init; }

    /// <summary>The node's own addresses, IPv4 first.</summary>
    public required IReadOnlyList<IPAddress> Addresses { get; init; }

    /// <summary>EniQuantity: ENIs the instance can carry, the primary one included.</summary>
    public required int EniQuantity { get; init; }

    /// <summary>EniTotalQuantity: ENIs and member ENIs together.</summary>
    public required int EniTotalQuantity { get; init; }

    /// <summary>EniPrivateIpAddressQuantity: IPv4 addresses of one ENI, its primary one included.</summary>
    public required int EniPrivateIpAddressQuantity { get; init; }

    /// <summary>EniIpv6AddressQuantity: IPv6 addresses of one ENI.</summary>
    public required int EniIpv6AddressQuantity { get; init; }

    /// <summary>EniTrunkSupported.</summary>
    public required bool EniTrunkSupported { get; init; }
}
