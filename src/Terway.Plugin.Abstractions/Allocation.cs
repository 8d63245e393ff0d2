using System.Net;

namespace Terway.Plugin;

/// <summary>What a provider gave to one pod interface. Journaled as it is.</summary>
public sealed record Allocation
{
    /// <summary>The ENI that owns the addresses.</summary>
    public required string EniId { get; init; }

    /// <summary>MAC address of the link on the node that carries the ENI's traffic (the trunk's for a member ENI), lower case with colons.</summary>
    public required string EniMac { get; init; }

    /// <summary>VLAN of a member ENI on its trunk; null for an ENI of its own.</summary>
    public int? Vlan { get; init; }

    /// <summary>One address of each active family, IPv4 first.</summary>
    public required IReadOnlyList<PodAddress> Addresses { get; init; }
}

/// <summary>An address of a pod.</summary>
/// <param name="Address">The address.</param>
/// <param name="Subnet">CIDR of the vSwitch it comes from.</param>
/// <param name="Gateway">The vSwitch's gateway.</param>
public sealed record PodAddress(IPAddress Address, IPNetwork Subnet, IPAddress Gateway);
