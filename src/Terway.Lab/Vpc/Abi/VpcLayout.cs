using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Terway.Lab.Vpc.Abi;

// Mirrors of bpf/include/lab_vpc.h, same order, same padding; a test compares every size and offset with the C compiler's.

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

[InlineArray(4)]
internal struct Words4
{
    private uint _first;
}

[InlineArray(VpcLimits.MaxReasons)]
internal struct ReasonCounters
{
    private ulong _first;
}

internal static class VpcLimits
{
    public const int MaxRules = 256;
    public const int MaxReasons = 16;
    public const int MaxCounters = 8;

    /// <summary>Groups are bits of a 64-bit word.</summary>
    public const int MaxSecurityGroups = 64;
    public const byte AnyProtocol = 255;
}

[Flags]
internal enum EniFlags : uint
{
    None = 0,
    Services = 1,
    Nat = 2,
}

internal enum RouteKind : uint
{
    Local = 1,
    Link = 2,
}

internal enum Direction : uint
{
    Egress = 0,
    Ingress = 1,
}

[Flags]
internal enum RuleFlags : byte
{
    None = 0,
    Groups = 1,
    Accept = 2,
}

[StructLayout(LayoutKind.Sequential)]
internal struct PortKey
{
    public uint IfIndex;
    public ushort Vlan;
    public ushort Pad;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Prefix
{
    public uint Bits;
    public Address16 Addr;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Route
{
    public RouteKind Kind;
    public uint Eni;
}

[StructLayout(LayoutKind.Sequential)]
internal struct EniEntry
{
    public uint Id;
    public uint IfIndex;
    public ushort Vlan;
    public Mac6 Mac;
    public uint Vswitch;
    public EniFlags Flags;
    public Address16 Gateway;
    public Address16 Gateway6;
    public ulong Groups;
}

[StructLayout(LayoutKind.Sequential)]
internal struct PolicyKey
{
    public uint Eni;
    public Direction Direction;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Rule
{
    public ulong Groups;
    public Words4 Addr;
    public Words4 Mask;
    public byte Proto;
    public RuleFlags Flags;
    public ushort PortFirst;
    public ushort PortLast;
    public ushort Pad;
}

[InlineArray(VpcLimits.MaxRules)]
internal struct Rules
{
    private Rule _first;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Policy
{
    public uint Count;
    public uint Accept;
    public Rules Rules;
}

[StructLayout(LayoutKind.Sequential)]
internal struct EniCounters
{
    public ulong FromPackets;
    public ulong FromBytes;
    public ulong ToPackets;
    public ulong ToBytes;
    public ReasonCounters Drops;
}

[StructLayout(LayoutKind.Sequential)]
internal struct DropKey
{
    public uint Eni;
    public uint IfIndex;
    public Address16 Src;
    public Address16 Dst;
    public ushort EtherType;
    public ushort Vlan;
    public ushort Sport;
    public ushort Dport;
    public byte Proto;
    public DropReason Reason;
    public Mac6 SrcMac;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Drop
{
    public ulong Count;
    public ulong SeenNs;
}
