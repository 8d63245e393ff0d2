using System.Net;

namespace Terway.AlibabaCloud.Metadata;

/// <summary>An attached ENI as the metadata service shows it. Lists lag behind the API by a second or two.</summary>
public sealed record MetadataEni
{
    /// <summary>MAC, as listed.</summary>
    public required string Mac { get; init; }

    /// <summary>ENI id.</summary>
    public required string NetworkInterfaceId { get; init; }

    /// <summary>Primary IPv4 address.</summary>
    public required IPAddress PrimaryIPAddress { get; init; }

    /// <summary>All IPv4 addresses, the primary one among them.</summary>
    public required IReadOnlyList<IPAddress> PrivateIpv4s { get; init; }

    /// <summary>IPv6 addresses; empty without IPv6.</summary>
    public required IReadOnlyList<IPAddress> Ipv6s { get; init; }

    /// <summary>IPv4 gateway.</summary>
    public required IPAddress Gateway { get; init; }

    /// <summary>IPv6 gateway; null without IPv6.</summary>
    public required IPAddress? Ipv6Gateway { get; init; }

    /// <summary>vSwitch id.</summary>
    public required string VSwitchId { get; init; }

    /// <summary>IPv4 range of the vSwitch.</summary>
    public required IPNetwork VSwitchCidrBlock { get; init; }

    /// <summary>IPv6 range of the vSwitch; null without IPv6.</summary>
    public required IPNetwork? VSwitchIpv6CidrBlock { get; init; }
}
