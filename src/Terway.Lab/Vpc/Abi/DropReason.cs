namespace Terway.Lab.Vpc.Abi;

/// <summary>Why the VPC did not forward a packet; <c>enum lab_drop_reason</c> in bpf/include/lab_vpc.h.</summary>
public enum DropReason : byte
{
    None = 0,
    Malformed = 1,

    /// <summary>The source MAC, or the sender in an ARP packet, is not the ENI's.</summary>
    SpoofedMac = 2,

    /// <summary>The source address does not belong to the ENI, or to the member ENI of that VLAN, that sent the packet.</summary>
    SpoofedSource = 3,
    SecurityGroup = 4,

    /// <summary>Outside the VPC, and there is no NAT gateway.</summary>
    NoRoute = 5,

    /// <summary>Inside the VPC, but no attached ENI has the address.</summary>
    UnknownDestination = 6,
    TtlExceeded = 7,
    TooBig = 8,

    /// <summary>The trunk has no member ENI with that VLAN.</summary>
    UnknownVlan = 9,

    /// <summary>Sent to another MAC than the gateway's, which is the only one that the VPC gives in answer to ARP.</summary>
    UnknownMac = 10,
    UnsupportedProtocol = 11,
    Internal = 12,
}
