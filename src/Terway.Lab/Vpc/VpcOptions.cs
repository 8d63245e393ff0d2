using System.Net;

namespace Terway.Lab.Vpc;

public sealed record VpcOptions
{
    /// <summary>The VPC's ranges, IPv4 and IPv6, secondary ones too.</summary>
    public required IReadOnlyList<IPNetwork> Cidrs { get; init; }

    /// <summary>Bytes; 1500 as in a VPC without jumbo frames, 8500 with.</summary>
    public int Mtu { get; init; } = 1500;
}
