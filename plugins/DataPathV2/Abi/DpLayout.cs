using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Terway.Plugins.DataPathV2.Abi;

// Mirrors of bpf/include/dp_abi.h, same order, same padding; a test compares every size and offset with the C compiler's.

[InlineArray(16)]
internal struct Address16
{
    private byte _first;
}

[InlineArray(6)]
internal struct Mac6
{
    private byte _first;
}

[InlineArray(DpLimits.HintRow)]
internal struct HintFlags
{
    private byte _first;
}

[InlineArray(3)]
internal struct Pad3
{
    private byte _first;
}

internal static class DpLimits
{
    public const int MaxDropReasons = 16;
    public const int MaxPaths = 32;

    /// <summary>DP_HINTS: a power of two.</summary>
    public const int Hints = 4096;

    /// <summary>DP_HINT_ROW: likewise.</summary>
    public const int HintRow = 64;

    /// <summary>DP_SENDERS: a power of two.</summary>
    public const int Senders = 512;

    /// <summary>DP_EGRESS_HORIZON_NS: how long a packet may wait for its departure by the limit of the pod that sends it.</summary>
    public const ulong EgressHorizonNanoseconds = 2_000_000_000;

    /// <summary>DP_INGRESS_HORIZON_NS: the same by the limit of the pod that gets it, and as long as <see cref="IngressHorizonBytes"/> take on top.</summary>
    public const ulong IngressHorizonNanoseconds = 50_000_000;

    /// <summary>DP_INGRESS_HORIZON_LEN.</summary>
    public const ulong IngressHorizonBytes = 16384;
}

[Flags]
internal enum PodFlags : ushort
{
    None = 0,

    /// <summary>A queueing discipline on the host's end limits what the pod gets.</summary>
    Shaped = 1,

    /// <summary>What the pod sends has departure times: to another pod of the node it goes through the queueing discipline of that one's link.</summary>
    Paced = 2,
}

[StructLayout(LayoutKind.Sequential)]
internal struct Pod
{
    /// <summary>The host's end of the veth; the host writes it, at <see cref="LinkOffset"/>.</summary>
    public uint IfIndex;
    public uint Mtu;
    public Mac6 Mac;
    public Mac6 HostMac;
    public Mac6 EniMac;
    public PodFlags Flags;

    public const int LinkOffset = 0;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Sender4
{
    /// <summary>The link's index, and below it the address in network order.</summary>
    public ulong Who;

    /// <summary>The MAC address, and below it bits of the link's index.</summary>
    public ulong Mac;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Sender6
{
    public uint IfIndex;
    public Mac6 Mac;
    public ushort Pad;
    public Address16 Addr;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Hints
{
    public HintFlags Flag;
}

[StructLayout(LayoutKind.Sequential)]
internal struct EniKey
{
    public Mac6 Mac;
    public ushort Pad;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Eni
{
    /// <summary>The host writes it, at <see cref="LinkOffset"/>.</summary>
    public uint IfIndex;
    public uint Mtu;
    public Address16 Gateway6;

    /// <summary>Network order.</summary>
    public uint Gateway4;

    public const int LinkOffset = 0;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Net4
{
    public uint Bits;
    public uint Addr;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Net6
{
    public uint Bits;
    public Address16 Addr;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Flow4
{
    public uint Pod;
    public uint Peer;
    public ushort PodPort;
    public ushort PeerPort;
    public byte Proto;
    public Pad3 Pad;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Flow6
{
    public Address16 Pod;
    public Address16 Peer;
    public ushort PodPort;
    public ushort PeerPort;
    public byte Proto;
    public Pad3 Pad;
}

/// <summary>A pod's address; IPv4 ones as ::ffff:a.b.c.d.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LimitKey
{
    public Address16 Addr;
}

/// <summary>Limits by departure times.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Limit
{
    /// <summary>Bytes per second that the pod sends; 0 is any.</summary>
    public ulong Egress;

    /// <summary>Bytes per second that the pod gets; 0 is any.</summary>
    public ulong Ingress;

    /// <summary>The host's end of the veth; the host writes it, at <see cref="LinkOffset"/>.</summary>
    public uint IfIndex;
    public uint Pad;

    public const int LinkOffset = 16;
}

/// <summary>When a pod's next packet may leave, by CLOCK_MONOTONIC in nanoseconds. The programs keep it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Pace
{
    public ulong Egress;
    public ulong Ingress;
}
