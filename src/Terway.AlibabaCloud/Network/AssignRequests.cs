using System.Net;

namespace Terway.AlibabaCloud.Network;

/// <summary>More IPv4 addresses or prefixes for an ENI; exactly one of the four ways to say which.</summary>
public sealed record AssignPrivateIpAddressesRequest : CloudRequest
{
    /// <summary>ENI.</summary>
    public required string NetworkInterfaceId { get; init; }

    /// <summary>As in <see cref="CreateNetworkInterfaceRequest.ClientToken"/>.</summary>
    public string? ClientToken { get; init; }

    /// <summary>How many addresses.</summary>
    public int? SecondaryPrivateIpAddressCount { get; init; }

    /// <summary>Which addresses.</summary>
    public IReadOnlyList<IPAddress> PrivateIpAddresses { get; init; } = [];

    /// <summary>How many prefixes, at most 10.</summary>
    public int? Ipv4PrefixCount { get; init; }

    /// <summary>Which prefixes, at most 10.</summary>
    public IReadOnlyList<IPNetwork> Ipv4Prefixes { get; init; } = [];

    internal override void Write(RequestParameters parameters)
    {
        AddressChoice.ExactlyOne(SecondaryPrivateIpAddressCount, PrivateIpAddresses.Count, Ipv4PrefixCount, Ipv4Prefixes.Count);
        PrefixLimit.Check(Ipv4PrefixCount, nameof(Ipv4PrefixCount));
        PrefixLimit.Check(Ipv4Prefixes.Count, nameof(Ipv4Prefixes));
        parameters.Required("NetworkInterfaceId", NetworkInterfaceId);
        parameters.Add("ClientToken", ClientToken ?? Guid.NewGuid().ToString());
        parameters.Add("SecondaryPrivateIpAddressCount", PrefixLimit.Positive(SecondaryPrivateIpAddressCount));
        parameters.AddList("PrivateIpAddress", PrivateIpAddresses);
        parameters.Add("Ipv4PrefixCount", PrefixLimit.Positive(Ipv4PrefixCount));
        parameters.AddList("Ipv4Prefix", Ipv4Prefixes);
    }
}

/// <summary>More IPv6 addresses or prefixes for an ENI; exactly one of the four ways to say which.</summary>
public sealed record AssignIpv6AddressesRequest : CloudRequest
{
    /// <summary>ENI.</summary>
    public required string NetworkInterfaceId { get; init; }

    /// <summary>As in <see cref="CreateNetworkInterfaceRequest.ClientToken"/>.</summary>
    public string? ClientToken { get; init; }

    /// <summary>How many addresses.</summary>
    public int? Ipv6AddressCount { get; init; }

    /// <summary>Which addresses.</summary>
    public IReadOnlyList<IPAddress> Ipv6Addresses { get; init; } = [];

    /// <summary>How many prefixes, at most 10.</summary>
    public int? Ipv6PrefixCount { get; init; }

    /// <summary>Which prefixes, at most 10.</summary>
    public IReadOnlyList<IPNetwork> Ipv6Prefixes { get; init; } = [];

    internal override void Write(RequestParameters parameters)
    {
        AddressChoice.ExactlyOne(Ipv6AddressCount, Ipv6Addresses.Count, Ipv6PrefixCount, Ipv6Prefixes.Count);
        PrefixLimit.Check(Ipv6PrefixCount, nameof(Ipv6PrefixCount));
        PrefixLimit.Check(Ipv6Prefixes.Count, nameof(Ipv6Prefixes));
        parameters.Required("NetworkInterfaceId", NetworkInterfaceId);
        parameters.Add("ClientToken", ClientToken ?? Guid.NewGuid().ToString());
        parameters.Add("Ipv6AddressCount", PrefixLimit.Positive(Ipv6AddressCount));
        parameters.AddList("Ipv6Address", Ipv6Addresses);
        parameters.Add("Ipv6PrefixCount", PrefixLimit.Positive(Ipv6PrefixCount));
        parameters.AddList("Ipv6Prefix", Ipv6Prefixes);
    }
}

/// <summary>Take IPv4 addresses, or prefixes, from an ENI; the API refuses a mix.</summary>
public sealed record UnassignPrivateIpAddressesRequest : CloudRequest
{
    /// <summary>ENI.</summary>
    public required string NetworkInterfaceId { get; init; }

    /// <summary>Addresses.</summary>
    public IReadOnlyList<IPAddress> PrivateIpAddresses { get; init; } = [];

    /// <summary>Prefixes, at most 10.</summary>
    public IReadOnlyList<IPNetwork> Ipv4Prefixes { get; init; } = [];

    internal override void Write(RequestParameters parameters)
    {
        AddressChoice.ExactlyOne(null, PrivateIpAddresses.Count, null, Ipv4Prefixes.Count);
        PrefixLimit.Check(Ipv4Prefixes.Count, nameof(Ipv4Prefixes));
        parameters.Required("NetworkInterfaceId", NetworkInterfaceId);
        parameters.AddList("PrivateIpAddress", PrivateIpAddresses);
        parameters.AddList("Ipv4Prefix", Ipv4Prefixes);
    }
}

/// <summary>Take IPv6 addresses, or prefixes, from an ENI; the API refuses a mix.</summary>
public sealed record UnassignIpv6AddressesRequest : CloudRequest
{
    /// <summary>ENI.</summary>
    public required string NetworkInterfaceId { get; init; }

    /// <summary>Addresses.</summary>
    public IReadOnlyList<IPAddress> Ipv6Addresses { get; init; } = [];

    /// <summary>Prefixes, at most 10.</summary>
    public IReadOnlyList<IPNetwork> Ipv6Prefixes { get; init; } = [];

    internal override void Write(RequestParameters parameters)
    {
        AddressChoice.ExactlyOne(null, Ipv6Addresses.Count, null, Ipv6Prefixes.Count);
        PrefixLimit.Check(Ipv6Prefixes.Count, nameof(Ipv6Prefixes));
        parameters.Required("NetworkInterfaceId", NetworkInterfaceId);
        parameters.AddList("Ipv6Address", Ipv6Addresses);
        parameters.AddList("Ipv6Prefix", Ipv6Prefixes);
    }
}
