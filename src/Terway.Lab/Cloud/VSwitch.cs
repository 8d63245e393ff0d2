using System.Net;
using Terway.Lab.Config;

namespace Terway.Lab.Cloud;

/// <summary>A vSwitch and its address pools.</summary>
internal sealed class VSwitch(VSwitchConfig config, string vpcId, AddressReuse reuse)
{
    public string Id { get; } = config.Id;

    public string ZoneId { get; } = config.ZoneId;

    public string VpcId { get; } = vpcId;

    public IPNetwork Cidr { get; } = config.Cidr;

    public IPAddress Gateway { get; } = Ipv4Pool.GatewayOf(config.Cidr);

    public IPNetwork? Ipv6Cidr { get; } = config.Ipv6Cidr;

    public IPAddress? Ipv6Gateway { get; } = config.Ipv6Cidr is { } v6 ? Ipv6Pool.GatewayOf(v6) : null;

    public Ipv4Pool Ipv4 { get; } = new(config.Cidr, reuse);

    public Ipv6Pool? Ipv6 { get; } = config.Ipv6Cidr is { } v6 ? new Ipv6Pool(v6) : null;
}
