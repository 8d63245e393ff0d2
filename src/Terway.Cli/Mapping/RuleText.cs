using Terway.Linux.Netlink;

namespace Terway.Cli.Mapping;

/// <summary>Kernel objects as ip(8) writes them.</summary>
internal static class RuleText
{
    public static string Of(IpRule rule)
    {
        var parts = new List<string> { $"{rule.Priority}:", rule.Invert ? "not from" : "from", Show(rule.From) };
        if (rule.To is { } to) parts.AddRange(["to", Show(to)]);
        if (rule.Mark != 0 || rule.Mask != 0) parts.AddRange(["fwmark", $"0x{rule.Mark:x}{(rule.Mask is not (0 or uint.MaxValue) ? $"/0x{rule.Mask:x}" : "")}"]);
        if (rule.InputInterface is { } iif) parts.AddRange(["iif", iif]);
        if (rule.OutputInterface is { } oif) parts.AddRange(["oif", oif]);
        parts.Add(rule.Action is RuleAction.Lookup or RuleAction.Unspecified ? $"lookup {Table(rule.Table)}" : $"{rule.Action}".ToLowerInvariant());
        if (rule.Protocol != 0) parts.Add($"proto {rule.Protocol}");
        return string.Join(' ', parts);
    }

    public static string Of(IpRoute route, Func<int, string> link)
    {
        var parts = new List<string>();
        if (route.Type is not (RouteType.Unicast or RouteType.Unspecified)) parts.Add($"{route.Type}".ToLowerInvariant());
        parts.Add(route.Destination.Length == 0 ? "default" : Show(route.Destination));
        if (route.Gateway is { } gateway) parts.Add($"via {gateway}");
        if (route.LinkIndex != 0) parts.Add($"dev {link(route.LinkIndex)}");
        parts.Add($"table {Table(route.Table)}");
        if (route.PreferredSource is { } source) parts.Add($"src {source}");
        if (route.Priority != 0) parts.Add($"metric {route.Priority}");
        if (route.Protocol != 0) parts.Add($"proto {route.Protocol}");
        return string.Join(' ', parts);
    }

    public static string Of(LinkInfo link) =>
        $"{link.Index}: {link.Name} {(link.IsUp ? "UP" : "DOWN")}{(link.HasCarrier ? ",LOWER_UP" : "")} mtu {link.Mtu} {link.Kind ?? "hardware"} {link.Mac?.ToString() ?? "-"}"
        + (link.Master != 0 ? $" master #{link.Master}" : "");

    private static string Show(IpPrefix? prefix) => prefix is not { } p ? "all" : p.IsHost ? p.Address.ToString() : p.ToString();

    private static string Table(uint table) => table switch { 255 => "local", 254 => "main", 253 => "default", _ => $"{table}" };
}
