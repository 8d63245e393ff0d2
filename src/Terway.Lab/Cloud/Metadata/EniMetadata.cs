using System.Net;

namespace Terway.Lab.Cloud.Metadata;

/// <summary>The keys under <c>network/interfaces/macs/MAC/</c>.</summary>
internal static class EniMetadata
{
    private const string Keys =
        "gateway\nnetmask\nnetwork-interface-id\nprimary-ip-address\nprivate-ipv4s\nvpc-id\nvswitch-cidr-block\nvswitch-id";

    private const string Ipv6Keys = "\nipv6-gateway\nipv6s\nvswitch-ipv6-cidr-block";

    /// <returns>Null for what does not exist, an IPv6 key of an ENI without IPv6 included.</returns>
    public static string? Find(EniSnapshot eni, ReadOnlySpan<string> path) => path switch
    {
        [] => Keys + (HasIpv6(eni) ? Ipv6Keys : ""),
        ["network-interface-id"] => eni.Id,
        ["primary-ip-address"] => eni.PrimaryIp.ToString(),
        ["private-ipv4s"] => $"[{string.Join(',', eni.PrivateIps.Select(static ip => $"\"{ip}\""))}]",
        ["ipv4-prefixes"] when !eni.Ipv4Prefixes.IsEmpty => $"[{string.Join(',', eni.Ipv4Prefixes.Select(static p => $"\"{p}\""))}]",
        ["gateway"] => eni.Gateway.ToString(),
        ["netmask"] => Netmask(eni.VSwitchCidr.PrefixLength),
        ["vpc-id"] => eni.VpcId,
        ["vswitch-id"] => eni.VSwitchId,
        ["vswitch-cidr-block"] => eni.VSwitchCidr.ToString(),
        ["ipv6s"] when !eni.Ipv6Addresses.IsEmpty => $"[{string.Join(',', eni.Ipv6Addresses)}]",
        ["ipv6-prefixes"] when !eni.Ipv6Prefixes.IsEmpty => $"[{string.Join(',', eni.Ipv6Prefixes.Select(static p => $"\"{p}\""))}]",
        ["ipv6-gateway"] when HasIpv6(eni) => eni.Ipv6Gateway?.ToString(),
        ["vswitch-ipv6-cidr-block"] when HasIpv6(eni) => eni.VSwitchIpv6Cidr?.ToString(),
        _ => null,
    };

    private static bool HasIpv6(EniSnapshot eni) => !eni.Ipv6Addresses.IsEmpty || !eni.Ipv6Prefixes.IsEmpty;

    private static string Netmask(int length) =>
        new IPAddress([.. Enumerable.Range(0, 4).Select(i => (byte)(0xff00 >> Math.Clamp(length - (i * 8), 0, 8)))]).ToString();
}
