using Terway.Linux.Namespaces;

namespace Terway.Linux.Netlink;

/// <summary>A link to be made: one end of a veth pair, or a link of another kind.</summary>
public readonly record struct LinkSpec
{
    /// <summary>At most 15 bytes.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// The index to have; 0 lets the kernel choose. A chosen index lets one batch make a link and use it. Taken: EBUSY.
    /// A veth peer's index is respected only when the first end has one too.
    /// </summary>
    public int Index { get; init; }

    /// <summary>Where it is made; null for the namespace of the socket. Must stay open until the batch has run.</summary>
    public NetNs? NetNs { get; init; }

    /// <summary>Null lets the kernel choose at random.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>Bytes; 0 for the kind's default (1500).</summary>
    public int Mtu { get; init; }

    /// <summary>Sets it up in the same message. Not for a veth peer, see <see cref="RtnlBatch.VethAdd"/>.</summary>
    public bool Up { get; init; }

    /// <summary>Group number, see <see cref="RtnlBatch.LinkDeleteGroup"/>; 0 is the kernel's default group.</summary>
    public uint Group { get; init; }

    /// <summary>Packets; null for the kind's default (1000).</summary>
    public int? TxQueueLength { get; init; }

    /// <summary>Transmit queues; 0 for the kind's default (one, or one per CPU for veth on recent kernels).</summary>
    public int TxQueues { get; init; }

    /// <summary>Receive queues; 0 for the kind's default.</summary>
    public int RxQueues { get; init; }

    /// <summary>Index of the bridge to join; 0 for none. Not for a veth peer.</summary>
    public int Master { get; init; }
}
