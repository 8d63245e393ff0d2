using System.Net;
using System.Text.Json;

namespace Terway.AlibabaCloud.Network;

/// <summary>A vSwitch: a range of addresses in one zone.</summary>
public sealed record VSwitch
{
    /// <summary>vSwitch id.</summary>
    public required string VSwitchId { get; init; }

    /// <summary>VPC id.</summary>
    public string VpcId { get; init; } = "";

    /// <summary>Zone id.</summary>
    public string ZoneId { get; init; } = "";

    /// <summary>IPv4 range.</summary>
    public required IPNetwork CidrBlock { get; init; }

    /// <summary>IPv6 range; null without IPv6.</summary>
    public IPNetwork? Ipv6CidrBlock { get; init; }

    /// <summary>Free IPv4 addresses when the API looked.</summary>
    public long AvailableIpAddressCount { get; init; }

    /// <summary><c>Available</c> or <c>Pending</c>.</summary>
    public string Status { get; init; } = "";

    /// <summary>The API's own JSON.</summary>
    public JsonElement Raw { get; init; }
}
