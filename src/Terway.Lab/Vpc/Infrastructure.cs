using System.Net;
using Terway.Linux.Netlink;

namespace Terway.Lab.Vpc;

/// <summary>Fixed facts of the lab's VPC.</summary>
public static class Infrastructure
{
    /// <summary>What the VPC answers to every ARP request and neighbour solicitation.</summary>
    public static MacAddress GatewayMac { get; } = MacAddress.Parse("ee:ff:ff:ff:ff:ff");

    /// <summary>The cloud's own services, outside every VPC and reachable from each.</summary>
    public static IPNetwork ServicesCidr { get; } = IPNetwork.Parse("100.100.0.0/16");

    public static IPAddress MetadataAddress { get; } = IPAddress.Parse("100.100.100.200");

    /// <summary>ECS and VPC OpenAPI.</summary>
    public static IPAddress OpenApiAddress { get; } = IPAddress.Parse("100.100.100.201");

    /// <summary>A host beyond the NAT gateway.</summary>
    public static IPAddress OutsideHost { get; } = IPAddress.Parse("203.0.113.10");

    internal static IPAddress NatOutsideAddress { get; } = IPAddress.Parse("203.0.113.1");

    internal const int OutsidePrefixLength = 24;

    /// <summary>Next hop of the services' and the NAT's namespace; any address does, the VPC answers for all on those links.</summary>
    internal static IPAddress InfrastructureNextHop { get; } = IPAddress.Parse("169.254.0.1");

    internal static IPAddress NatInsideAddress { get; } = IPAddress.Parse("169.254.0.2");

    /// <summary>Of the VPC's ends of all links; nobody sees it, packets carry the gateway's.</summary>
    internal static MacAddress PortMac { get; } = MacAddress.Parse("02:00:00:00:00:fe");

    internal static MacAddress ServicesMac { get; } = MacAddress.Parse("02:00:00:00:00:01");

    internal static MacAddress NatMac { get; } = MacAddress.Parse("02:00:00:00:00:02");

    internal const uint ServicesEni = 1;

    internal const uint NatEni = 2;

    internal const uint FirstEni = 16;

    internal const int FirstPortIndex = 100;
}
