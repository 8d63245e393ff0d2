using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Terway.Lab.Vpc.Abi;

namespace Terway.Lab.Vpc;

/// <summary>Addresses as the datapath keeps them: 16 bytes, IPv4 mapped into IPv6, so that one map serves both families.</summary>
internal static class AddressBytes
{
    private const int MappedBits = 96;

    public static Address16 Of(IPAddress address)
    {
        var bytes = default(Address16);
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        return bytes;
    }

    public static Prefix Of(IPNetwork network) => new()
    {
        Bits = (uint)(network.PrefixLength + (network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? MappedBits : 0)),
        Addr = Of(network.BaseAddress),
    };

    public static (Words4 Addr, Words4 Mask) Masked(IPNetwork network)
    {
        var prefix = Of(network);
        var addr = default(Words4);
        var mask = default(Words4);
        ((ReadOnlySpan<byte>)prefix.Addr).CopyTo(MemoryMarshal.AsBytes((Span<uint>)addr));
        var maskBytes = MemoryMarshal.AsBytes((Span<uint>)mask);
        for (var bit = 0; bit < prefix.Bits; bit++)
            maskBytes[bit / 8] |= (byte)(0x80 >> (bit % 8));
        return (addr, mask);
    }

    public static Mac6 Mac(string mac)
    {
        var bytes = PhysicalAddress.Parse(mac.Replace(':', '-').ToUpperInvariant()).GetAddressBytes();
        if (bytes.Length != 6)
            throw new FormatException($"'{mac}' is not an Ethernet address");
        var result = default(Mac6);
        bytes.CopyTo(result);
        return result;
    }

    public static string MacText(Mac6 mac) => string.Join(':', Convert.ToHexStringLower(mac).Chunk(2).Select(static pair => new string(pair)));

    public static IPAddress ToAddress(Address16 bytes)
    {
        var address = new IPAddress((ReadOnlySpan<byte>)bytes);
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }
}
