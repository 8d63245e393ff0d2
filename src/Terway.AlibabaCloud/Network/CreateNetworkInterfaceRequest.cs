using System.Net;

namespace Terway.AlibabaCloud.Network;

/// <summary>A new ENI.</summary>
public sealed record CreateNetworkInterfaceRequest : CloudRequest
{
    /// <summary>vSwitch that gives the addresses.</summary>
    public required string VSwitchId { get; init; }

    /// <summary>Security groups, 1 to 10.</summary>
    public required IReadOnlyList<string> SecurityGroupIds { get; init; }

    /// <summary>
    /// Makes repeats of this request one creation. Null: a new one for each call, which covers the repeats within that
    /// call; a caller that wants to repeat after a restart keeps its own.
    /// </summary>
    public string? ClientToken { get; init; }

    /// <summary>Secondary, Trunk or Member; see <see cref="EniType"/>. (The API's name for it is InstanceType.)</summary>
    public string InstanceType { get; init; } = EniType.Secondary;

    /// <summary><c>HighPerformance</c> for eRDMA; null for Standard.</summary>
    public string? NetworkInterfaceTrafficMode { get; init; }

    /// <summary>Primary address; null: any of the vSwitch.</summary>
    public IPAddress? PrimaryIpAddress { get; init; }

    /// <summary>IPv4 addresses beside the primary one.</summary>
    public int? SecondaryPrivateIpAddressCount { get; init; }

    /// <summary>IPv4 prefixes (/28), at most 10 in a call; not together with a count of addresses.</summary>
    public int? Ipv4PrefixCount { get; init; }

    /// <summary>IPv6 addresses.</summary>
    public int? Ipv6AddressCount { get; init; }

    /// <summary>IPv6 prefixes (/80).</summary>
    public int? Ipv6PrefixCount { get; init; }

    /// <summary>Name.</summary>
    public string? NetworkInterfaceName { get; init; }

    /// <summary>Free text.</summary>
    public string? Description { get; init; }

    /// <summary>Tags.</summary>
    public IReadOnlyList<Tag> Tags { get; init; } = [];

    /// <summary>Resource group; null for the default one.</summary>
    public string? ResourceGroupId { get; init; }

    /// <summary>Let the ENI end with its instance; null for the service's default (true).</summary>
    public bool? DeleteOnRelease { get; init; }

    /// <summary>Let the VPC drop packets whose source is not the ENI's; null for the service's default.</summary>
    public bool? SourceDestCheck { get; init; }

    internal override void Write(RequestParameters parameters)
    {
        if (SecurityGroupIds.Count is < 1 or > 10)
            throw new ArgumentException($"An ENI has 1 to 10 security groups, not {SecurityGroupIds.Count}.");
        if (SecondaryPrivateIpAddressCount > 0 && Ipv4PrefixCount > 0)
            throw new ArgumentException("One request asks for IPv4 addresses or for IPv4 prefixes, not both.");
        PrefixLimit.Check(Ipv4PrefixCount, nameof(Ipv4PrefixCount));
        PrefixLimit.Check(Ipv6PrefixCount, nameof(Ipv6PrefixCount));
        parameters.Add("ClientToken", ClientToken ?? Guid.NewGuid().ToString());
        parameters.Required("VSwitchId", VSwitchId);
        parameters.AddList("SecurityGroupIds", SecurityGroupIds);
        parameters.Add("InstanceType", InstanceType);
        parameters.Add("NetworkInterfaceTrafficMode", NetworkInterfaceTrafficMode);
        parameters.Add("PrimaryIpAddress", PrimaryIpAddress?.ToString());
        parameters.Add("SecondaryPrivateIpAddressCount", PrefixLimit.Positive(SecondaryPrivateIpAddressCount));
        parameters.Add("Ipv4PrefixCount", PrefixLimit.Positive(Ipv4PrefixCount));
        parameters.Add("Ipv6AddressCount", PrefixLimit.Positive(Ipv6AddressCount));
        parameters.Add("Ipv6PrefixCount", PrefixLimit.Positive(Ipv6PrefixCount));
        parameters.Add("NetworkInterfaceName", NetworkInterfaceName);
        parameters.Add("Description", Description);
        parameters.AddTags(Tags);
        parameters.Add("ResourceGroupId", ResourceGroupId);
        parameters.Add("DeleteOnRelease", DeleteOnRelease);
        parameters.Add("SourceDestCheck", SourceDestCheck);
    }
}
