using System.Buffers.Binary;
using System.Net;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>Packets made byte by byte.</summary>
internal static class Packet
{
    public const byte Tcp = 6;
    public const byte Udp = 17;
    public const byte Icmp = 1;
    public const byte Icmpv6 = 58;
    public const byte Sctp = 132;

    public static byte[] Ethernet(string to, string from, ushort type, params byte[][] payload)
    {
        var header = new byte[14];
        Mac(to).CopyTo(header, 0);
        Mac(from).CopyTo(header, 6);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(12), type);
        return [.. header, .. payload.SelectMany(static p => p)];
    }

    /// <summary>What pod 1 sends to its gateway.</summary>
    public static byte[] OfPod1(byte[] ip, string mac = DatapathBox.PodMac1) =>
        Ethernet(DatapathBox.HostMac1, mac, ip[0] >> 4 == 6 ? (ushort)0x86dd : (ushort)0x0800, ip);

    /// <summary>What the VPC's gateway sends to the ENI.</summary>
    public static byte[] OfVpc(byte[] ip) =>
        Ethernet(DatapathBox.EniMac, "ee:ff:ff:ff:ff:ff", ip[0] >> 4 == 6 ? (ushort)0x86dd : (ushort)0x0800, ip);

    public static byte[] IPv4(string from, string to, byte protocol, byte[] payload, byte ttl = 64, ushort fragment = 0, byte[]? options = null)
    {
        options ??= [];
        var header = new byte[20 + options.Length];
        header[0] = (byte)(0x40 | (header.Length / 4));
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)(header.Length + payload.Length));
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(6), fragment);
        header[8] = ttl;
        header[9] = protocol;
        IPAddress.Parse(from).GetAddressBytes().CopyTo(header, 12);
        IPAddress.Parse(to).GetAddressBytes().CopyTo(header, 16);
        options.CopyTo(header, 20);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(10), Checksum(header));
        return [.. header, .. payload];
    }

    public static byte[] IPv6(string from, string to, byte next, byte[] payload, byte hops = 64)
    {
        var header = new byte[40];
        header[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), (ushort)payload.Length);
        header[6] = next;
        header[7] = hops;
        IPAddress.Parse(from).GetAddressBytes().CopyTo(header, 8);
        IPAddress.Parse(to).GetAddressBytes().CopyTo(header, 24);
        return [.. header, .. payload];
    }

    public static byte[] Ports(ushort from, ushort to, int length = 20)
    {
        var segment = new byte[length];
        BinaryPrimitives.WriteUInt16BigEndian(segment, from);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(2), to);
        if (length > 12) segment[12] = 5 << 4;
        return segment;
    }

    /// <summary>Of a TCP segment that opens a connection; of other protocols the flag is a byte like any other.</summary>
    public static byte[] Opening(ushort from, ushort to)
    {
        var segment = Ports(from, to);
        segment[13] = 0x02;
        return segment;
    }

    /// <summary>ICMP or ICMPv6, with a quoted packet behind it when it is an error.</summary>
    public static byte[] IcmpMessage(byte type, byte code = 0, byte[]? quoted = null) => [type, code, 0, 0, 0, 0, 0, 0, .. quoted ?? new byte[8]];

    public static byte[] Arp(string senderMac, string senderIp, string targetIp) =>
    [
        0, 1, 8, 0, 6, 4, 0, 1,
        .. Mac(senderMac), .. IPAddress.Parse(senderIp).GetAddressBytes(),
        .. new byte[6], .. IPAddress.Parse(targetIp).GetAddressBytes(),
    ];

    /// <summary>0 over a header whose checksum is right.</summary>
    public static ushort Checksum(ReadOnlySpan<byte> data)
    {
        uint sum = 0;
        for (var i = 0; i < data.Length; i += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(data[i..]);
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }

    public static byte[] Mac(string text) => [.. text.Split(':').Select(static p => Convert.ToByte(p, 16))];
}
