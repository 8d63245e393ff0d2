using System.Net;

namespace Terway.Lab.Cloud;

/// <summary>One vSwitch at one instant.</summary>
public sealed record VSwitchSnapshot(
    string Id,
    string ZoneId,
    string VpcId,
    IPNetwork Cidr,
    IPNetwork? Ipv6Cidr,
    IPAddress Gateway,
    int AvailableIpAddressCount,
    int TotalIpAddressCount);
