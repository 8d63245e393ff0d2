using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Terway.Plugins.DataPathV2.Abi;

// Mirrors of bpf/include/svc_abi.h, same order, same padding; a test compares every size and offset with the C compiler's.

[InlineArray(6)]
internal struct Pad6
{
    private byte _first;
}

internal static class SvcLimits
{
    /// <summary>SVC_ABI: part of the pins' folder.</summary>
    public const int Abi = 1;

    public const int MaxOutcomes = 8;
}

[Flags]
internal enum SvcFrontendFlags : uint
{
    None = 0,

    /// <summary>For sockets of the node's own namespace.</summary>
    NodeOnly = 1,
}

/// <summary>What became of a socket's call, as in svc_abi.h.</summary>
internal enum SvcOutcome : uint
{
    Translated = 0,
    Refused = 1,
    Sticky = 2,
}

/// <summary>An address and port; IPv4 ones are mapped into IPv6. Also what backends are told apart by, then without a protocol.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SvcAddress : IEquatable<SvcAddress>, IComparable<SvcAddress>
{
    public Address16 Addr;

    /// <summary>Network order.</summary>
    public ushort Port;
    public byte Proto;
    public byte Pad;

    public static bool operator ==(SvcAddress a, SvcAddress b) => a.Equals(b);

    public static bool operator !=(SvcAddress a, SvcAddress b) => !a.Equals(b);

    public static SvcAddress Of(IPAddress address, ushort port, byte proto = 0)
    {
        var made = new SvcAddress { Port = BitConverter.IsLittleEndian ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(port) : port, Proto = proto };
        Span<byte> bytes = made.Addr;
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            bytes[10] = bytes[11] = 0xff;
            address.TryWriteBytes(bytes[12..], out _);
        }
        else
        {
            address.TryWriteBytes(bytes, out _);
        }

        return made;
    }

    public readonly bool Equals(SvcAddress other) => Bytes(in this).SequenceEqual(Bytes(in other));

    public override readonly bool Equals(object? obj) => obj is SvcAddress other && Equals(other);

    public override readonly int GetHashCode()
    {
        var bytes = Bytes(in this);
        return HashCode.Combine(MemoryMarshal.Read<ulong>(bytes), MemoryMarshal.Read<ulong>(bytes[8..]), MemoryMarshal.Read<uint>(bytes[16..]));
    }

    public readonly int CompareTo(SvcAddress other) => Bytes(in this).SequenceCompareTo(Bytes(in other));

    public override readonly string ToString()
    {
        var address = new IPAddress(Bytes(in this)[..16]);
        return new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, (ushort)IPAddress.NetworkToHostOrder((short)Port)).ToString();
    }

    private static ReadOnlySpan<byte> Bytes(in SvcAddress address) => MemoryMarshal.AsBytes(new ReadOnlySpan<SvcAddress>(in address));
}

[StructLayout(LayoutKind.Sequential)]
internal record struct SvcFrontend
{
    /// <summary>Of the key, see <see cref="CheckOf"/>.</summary>
    public uint Check;
    public uint Set;
    public uint Base;
    public uint Count;

    /// <summary>Seconds.</summary>
    public uint Affinity;
    public SvcFrontendFlags Flags;

    /// <summary>svc_check() of svc_lookup.h.</summary>
    public static uint CheckOf(in SvcAddress key)
    {
        var words = MemoryMarshal.Cast<byte, uint>(MemoryMarshal.AsBytes(new ReadOnlySpan<SvcAddress>(in key)));
        unchecked
        {
            return words[0] ^ (words[1] * 3) ^ (words[2] * 5) ^ (words[3] * 7) ^ (((uint)key.Port << 16) | key.Proto);
        }
    }
}

[StructLayout(LayoutKind.Sequential)]
internal struct SvcSlot
{
    public Address16 Addr;
    public ushort Port;
    public ushort Pad;
    public uint Set;
}

[StructLayout(LayoutKind.Sequential)]
internal struct SvcMember
{
    public Address16 Addr;
    public uint Set;
    public ushort Port;
    public ushort Pad;
}

[StructLayout(LayoutKind.Sequential)]
internal struct SvcClient
{
    public ulong Cookie;
    public uint Set;
    public uint Kind;
}

[StructLayout(LayoutKind.Sequential)]
internal struct SvcChoice
{
    public ulong Seen;
    public Address16 Addr;
    public ushort Port;
    public Pad6 Pad;
}

[StructLayout(LayoutKind.Sequential)]
internal struct SvcPeer
{
    public ulong Cookie;
    public Address16 Addr;
    public ushort Port;
    public Pad6 Pad;
}
