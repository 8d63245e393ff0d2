namespace Terway.Linux.Netlink;

/// <summary>Handles and parents of traffic control (major in the upper 16 bits).</summary>
public static class TcHandle
{
    public const uint Root = 0xFFFFFFFF;

    /// <summary>Parent of the clsact qdisc, ffff:fff1.</summary>
    public const uint Clsact = 0xFFFFFFF1;

    /// <summary>Parent of filters for packets that the link receives, ffff:fff2.</summary>
    public const uint Ingress = 0xFFFFFFF2;

    /// <summary>Parent of filters for packets that the link sends, ffff:fff3.</summary>
    public const uint Egress = 0xFFFFFFF3;

    /// <summary>major:minor, e.g. 1:0.</summary>
    public static uint Of(ushort major, ushort minor) => ((uint)major << 16) | minor;
}

/// <summary>A qdisc of a kind that needs no options, e.g. clsact, fq, mq, noqueue.</summary>
public readonly record struct QdiscSpec
{
    public required int LinkIndex { get; init; }

    public required string Kind { get; init; }

    public uint Parent { get; init; }

    public uint Handle { get; init; }

    /// <summary>The qdisc that carries bpf filters of both directions.</summary>
    public static QdiscSpec ForClsact(int linkIndex) =>
        new() { LinkIndex = linkIndex, Kind = "clsact", Parent = TcHandle.Clsact, Handle = 0xFFFF0000 };
}

/// <summary>A token-bucket filter: packets sent by the link are delayed to a rate.</summary>
public readonly record struct TbfSpec
{
    public required int LinkIndex { get; init; }

    /// <summary>Bytes per second.</summary>
    public required ulong RateBytesPerSecond { get; init; }

    /// <summary>
    /// Bytes that may leave at line rate after a pause. At least the link's MTU and header, else such packets are dropped; also
    /// at least rate / HZ to reach the rate.
    /// </summary>
    public required uint BurstBytes { get; init; }

    /// <summary>Bytes that may wait; more are dropped.</summary>
    public required uint LimitBytes { get; init; }

    /// <summary>0 means the root.</summary>
    public uint Parent { get; init; }

    /// <summary>0 lets the kernel choose.</summary>
    public uint Handle { get; init; }

    /// <summary>The limit that holds a packet at most <paramref name="latency"/>: rate x latency + burst.</summary>
    /// <exception cref="OverflowException">The limit does not fit 32 bits.</exception>
    public static TbfSpec FromLatency(int linkIndex, ulong rateBytesPerSecond, uint burstBytes, TimeSpan latency)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(latency, TimeSpan.Zero);
        var waiting = (UInt128)rateBytesPerSecond * (ulong)latency.Ticks / TimeSpan.TicksPerSecond;
        return new()
        {
            LinkIndex = linkIndex,
            RateBytesPerSecond = rateBytesPerSecond,
            BurstBytes = burstBytes,
            LimitBytes = checked((uint)(waiting + burstBytes)),
        };
    }
}

/// <summary>A fair queue (sch_fq): flows take turns, and each packet waits for its departure time.</summary>
public readonly record struct FqSpec
{
    public required int LinkIndex { get; init; }

    /// <summary>Packets that may wait; more are dropped.</summary>
    public required uint LimitPackets { get; init; }

    /// <summary>Packets of one flow that may wait.</summary>
    public required uint FlowLimitPackets { get; init; }

    /// <summary>0 means the root.</summary>
    public uint Parent { get; init; }

    /// <summary>0 lets the kernel choose.</summary>
    public uint Handle { get; init; }
}

/// <summary>A qdisc as the kernel reports it.</summary>
public sealed record QdiscInfo
{
    public required int LinkIndex { get; init; }

    public required string Kind { get; init; }

    public uint Handle { get; init; }

    public uint Parent { get; init; }

    /// <summary>Bytes per second of a tbf, else 0.</summary>
    public ulong RateBytesPerSecond { get; init; }

    /// <summary>Bytes of a tbf, as the kernel's clock rounds them (64 ns ticks), else 0.</summary>
    public uint BurstBytes { get; init; }

    /// <summary>Bytes of a tbf, else 0.</summary>
    public uint LimitBytes { get; init; }
}

/// <summary>A direct-action bpf filter below clsact: the program's return value is the verdict.</summary>
public readonly record struct BpfFilterSpec
{
    public required int LinkIndex { get; init; }

    /// <summary><see cref="TcHandle.Ingress"/> or <see cref="TcHandle.Egress"/>.</summary>
    public required uint Parent { get; init; }

    /// <summary>Lower runs first; 1 to 65535.</summary>
    public required ushort Priority { get; init; }

    /// <summary>Distinguishes filters of one priority; 0 lets the kernel choose, and a replace then adds. Use 1.</summary>
    public uint Handle { get; init; }

    /// <summary>Descriptor of a loaded program of type sched_cls. Not needed to delete.</summary>
    public int ProgramFd { get; init; }

    /// <summary>Shown by tc. Not needed to delete.</summary>
    public string? Name { get; init; }
}

/// <summary>A filter as the kernel reports it.</summary>
public sealed record FilterInfo
{
    public required int LinkIndex { get; init; }

    public required string Kind { get; init; }

    public uint Parent { get; init; }

    public ushort Priority { get; init; }

    public uint Handle { get; init; }

    /// <summary>Name given to a bpf filter.</summary>
    public string? Name { get; init; }

    /// <summary>Kernel-wide id of the bpf program, 0 for other kinds.</summary>
    public uint ProgramId { get; init; }

    public bool DirectAction { get; init; }
}
