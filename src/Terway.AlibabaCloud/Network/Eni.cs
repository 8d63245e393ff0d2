using System.Net;
using System.Text.Json;

namespace Terway.AlibabaCloud.Network;

/// <summary>An elastic network interface as the API shows it; property names are those of the API.</summary>
public sealed record Eni
{
    /// <summary>ENI id.</summary>
    public required string NetworkInterfaceId { get; init; }

    /// <summary>Name; may be empty.</summary>
    public string NetworkInterfaceName { get; init; } = "";

    /// <summary>Free text given at creation.</summary>
    public string Description { get; init; } = "";

    /// <summary>One of <see cref="EniStatus"/>; empty where the answer has none.</summary>
    public string Status { get; init; } = "";

    /// <summary>One of <see cref="EniType"/>; empty where the answer has none.</summary>
    public string Type { get; init; } = "";

    /// <summary><c>Standard</c> or <c>HighPerformance</c> (eRDMA).</summary>
    public string NetworkInterfaceTrafficMode { get; init; } = "";

    /// <summary>MAC, lower case with colons.</summary>
    public string MacAddress { get; init; } = "";

    /// <summary>vSwitch id.</summary>
    public string VSwitchId { get; init; } = "";

    /// <summary>VPC id.</summary>
    public string VpcId { get; init; } = "";

    /// <summary>Zone id.</summary>
    public string ZoneId { get; init; } = "";

    /// <summary>Instance it is attached to; empty when none.</summary>
    public string InstanceId { get; init; } = "";

    /// <summary>Resource group; empty for the default one.</summary>
    public string ResourceGroupId { get; init; } = "";

    /// <summary>Primary IPv4 address; null while the ENI is being made.</summary>
    public IPAddress? PrivateIpAddress { get; init; }

    /// <summary>All IPv4 addresses but those of prefixes.</summary>
    public IReadOnlyList<PrivateIpSet> PrivateIpSets { get; init; } = [];

    /// <summary>IPv6 addresses.</summary>
    public IReadOnlyList<IPAddress> Ipv6Sets { get; init; } = [];

    /// <summary>IPv4 prefixes, /28 each.</summary>
    public IReadOnlyList<IPNetwork> Ipv4PrefixSets { get; init; } = [];

    /// <summary>IPv6 prefixes, /80 each.</summary>
    public IReadOnlyList<IPNetwork> Ipv6PrefixSets { get; init; } = [];

    /// <summary>Security groups.</summary>
    public IReadOnlyList<string> SecurityGroupIds { get; init; } = [];

    /// <summary>Tags.</summary>
    public IReadOnlyList<Tag> Tags { get; init; } = [];

    /// <summary>What it is attached to; null when the answer has nothing.</summary>
    public EniAttachment? Attachment { get; init; }

    /// <summary>Made by another cloud service, which alone may change it.</summary>
    public bool ServiceManaged { get; init; }

    /// <summary>Ends with its instance.</summary>
    public bool DeleteOnRelease { get; init; }

    /// <summary>The API's own JSON of this ENI, for what this record has no property for.</summary>
    public JsonElement Raw { get; init; }
}
