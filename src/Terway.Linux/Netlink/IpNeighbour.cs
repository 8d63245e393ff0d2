using System.Net;

namespace Terway.Linux.Netlink;

/// <summary>NUD_* states.</summary>
[Flags]
public enum NeighbourStates : ushort
{
    None = 0,
    Incomplete = 0x01,
    Reachable = 0x02,
    Stale = 0x04,
    Delay = 0x08,
    Probe = 0x10,
    Failed = 0x20,
    NoArp = 0x40,
    Permanent = 0x80,
}

/// <summary>A neighbour (ARP or ND entry), or an address answered for by proxy.</summary>
public readonly record struct IpNeighbour
{
    public required int LinkIndex { get; init; }

    public required IPAddress Address { get; init; }

    /// <summary>Null for a proxy entry and for one that is not resolved.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary><see cref="NeighbourStates.None"/> means permanent when adding (not for a proxy entry).</summary>
    public NeighbourStates State { get; init; }

    /// <summary>The node answers for this address on the link.</summary>
    public bool Proxy { get; init; }
}
