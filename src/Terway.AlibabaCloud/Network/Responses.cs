using System.Net;

namespace Terway.AlibabaCloud.Network;

/// <summary>What every answer has.</summary>
public abstract record CloudResponse
{
    /// <summary>Id under which the provider's support finds the request; of the last page where there are several.</summary>
    public string RequestId { get; init; } = "";
}

/// <summary>The request was accepted.</summary>
public sealed record AcknowledgedResponse : CloudResponse
{
    /// <summary>The API did not know the object any more, which is what was wanted: nothing was left to do.</summary>
    public bool WasGone { get; init; }
}

/// <summary>A new ENI.</summary>
public sealed record CreateNetworkInterfaceResponse : CloudResponse
{
    /// <summary>The ENI; attached to nothing yet.</summary>
    public required Eni NetworkInterface { get; init; }
}

/// <summary>ENIs found.</summary>
public sealed record DescribeNetworkInterfacesResponse : CloudResponse
{
    /// <summary>All pages.</summary>
    public required IReadOnlyList<Eni> NetworkInterfaceSets { get; init; }
}

/// <summary>IPv4 addresses or prefixes that an ENI got.</summary>
public sealed record AssignPrivateIpAddressesResponse : CloudResponse
{
    /// <summary>ENI.</summary>
    public required string NetworkInterfaceId { get; init; }

    /// <summary>New addresses.</summary>
    public IReadOnlyList<IPAddress> PrivateIpSet { get; init; } = [];

    /// <summary>New prefixes.</summary>
    public IReadOnlyList<IPNetwork> Ipv4PrefixSet { get; init; } = [];
}

/// <summary>IPv6 addresses or prefixes that an ENI got.</summary>
public sealed record AssignIpv6AddressesResponse : CloudResponse
{
    /// <summary>ENI.</summary>
    public required string NetworkInterfaceId { get; init; }

    /// <summary>New addresses.</summary>
    public IReadOnlyList<IPAddress> Ipv6Sets { get; init; } = [];

    /// <summary>New prefixes.</summary>
    public IReadOnlyList<IPNetwork> Ipv6PrefixSets { get; init; } = [];
}

/// <summary>Instance types found.</summary>
public sealed record DescribeInstanceTypesResponse : CloudResponse
{
    /// <summary>All pages.</summary>
    public required IReadOnlyList<InstanceTypeLimits> InstanceTypes { get; init; }
}

/// <summary>vSwitches found.</summary>
public sealed record DescribeVSwitchesResponse : CloudResponse
{
    /// <summary>All pages.</summary>
    public required IReadOnlyList<VSwitch> VSwitches { get; init; }
}
