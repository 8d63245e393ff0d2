using System.Net;

namespace Terway.Lab.Config;

public sealed record VpcConfig
{
    public string Id { get; init; } = "vpc-lab";

    public IPNetwork Cidr { get; init; } = IPNetwork.Parse("10.0.0.0/16");

    /// <summary>A /56; vSwitches take /64 ranges out of it.</summary>
    public IPNetwork? Ipv6Cidr { get; init; }
}
