namespace Terway.Lab.Vpc.Abi;

/// <summary>What the VPC did besides dropping; <c>enum lab_counter</c> in bpf/include/lab_vpc.h.</summary>
public enum VpcCounter
{
    Forwarded = 0,
    ArpReply = 1,
    NdReply = 2,
    IcmpError = 3,

    /// <summary>IPv4 multicast and broadcast: a VPC has none; not an error.</summary>
    Multicast = 4,

    /// <summary>What any Linux host says unasked: router solicitations, MLD, ARP announcements.</summary>
    Noise = 5,
}
