namespace Terway.Linux.Netlink;

/// <summary>A network interface as the kernel reports it.</summary>
public sealed record LinkInfo
{
    public required int Index { get; init; }

    public required string Name { get; init; }

    /// <summary>Null for links without an Ethernet address.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>Bytes.</summary>
    public int Mtu { get; init; }

    /// <summary>IFF_* bits.</summary>
    public uint Flags { get; init; }

    /// <summary>IFF_UP: set up by the administrator. Says nothing of the carrier, see <see cref="HasCarrier"/>.</summary>
    public bool IsUp => (Flags & 1) != 0;

    /// <summary>IFF_LOWER_UP.</summary>
    public bool HasCarrier => (Flags & 0x10000) != 0;

    /// <summary>veth, bridge, macvlan ...; null for hardware and the loopback.</summary>
    public string? Kind { get; init; }

    /// <summary>IFLA_LINK: the peer's index of a veth, the lower device of a stacked link; 0 when there is none.</summary>
    public int PeerIndex { get; init; }

    /// <summary>The id, in this namespace, of the namespace <see cref="PeerIndex"/> is in; null when it is this one.</summary>
    public int? LinkNetNsId { get; init; }

    public uint Group { get; init; }

    /// <summary>Index of the bridge or other master, 0 when there is none.</summary>
    public int Master { get; init; }

    public int TxQueueLength { get; init; }

    /// <summary>Kind of the root queueing discipline, the kernel's default too: noqueue, mq, tbf ...; null for a link that never was up.</summary>
    public string? RootQdisc { get; init; }

    public string? Alias { get; init; }
}
