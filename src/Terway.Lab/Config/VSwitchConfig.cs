using System.Net;

namespace Terway.Lab.Config;

public sealed record VSwitchConfig
{
    public required string Id { get; init; }

    public required string ZoneId { get; init; }

    public required IPNetwork Cidr { get; init; }

    public IPNetwork? Ipv6Cidr { get; init; }
}
