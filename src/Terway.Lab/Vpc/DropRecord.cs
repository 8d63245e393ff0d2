using System.Net;
using Terway.Lab.Vpc.Abi;

namespace Terway.Lab.Vpc;

/// <summary>Equal packets that the VPC dropped for one reason.</summary>
/// <param name="Reason">as in <see cref="VpcFabric.Drops"/></param>
/// <param name="EniId">who sent it; null when the port has no ENI with that VLAN</param>
/// <param name="Protocol">tcp, udp, icmp, arp, or a number</param>
public sealed record DropRecord(
    string Reason,
    string? EniId,
    int Vlan,
    string SourceMac,
    IPAddress Source,
    int SourcePort,
    IPAddress Destination,
    int DestinationPort,
    string Protocol,
    long Count)
{
    public override string ToString() =>
        $"{Reason}: {Count} x {Protocol} {Source}:{SourcePort} -> {Destination}:{DestinationPort} from {EniId ?? "no ENI"}"
        + $"{(Vlan == 0 ? "" : $" vlan {Vlan}")} ({SourceMac})";

    internal static DropRecord From(in DropKey key, in Drop drop, string? eniId) => new(
        WireNames.Of(key.Reason),
        eniId,
        key.Vlan,
        AddressBytes.MacText(key.SrcMac),
        AddressBytes.ToAddress(key.Src),
        Swap(key.Sport),
        AddressBytes.ToAddress(key.Dst),
        Swap(key.Dport),
        ProtocolOf(key),
        (long)drop.Count);

    private static int Swap(ushort networkOrder) => System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(networkOrder);

    private static string ProtocolOf(in DropKey key) => (key.EtherType, key.Proto) switch
    {
        (0x0806, _) => "arp",
        (0x0800, 1) => "icmp",
        (0x0800 or 0x86dd, 6) => "tcp",
        (0x0800 or 0x86dd, 17) => "udp",
        (0x86dd, 58) => "icmpv6",
        (0x0800 or 0x86dd, var proto) => $"ip-{proto}",
        var (etherType, _) => $"0x{etherType:x4}",
    };
}
