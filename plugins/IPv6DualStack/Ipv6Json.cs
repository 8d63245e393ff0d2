using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Terway.Plugins.IPv6DualStack;

/// <summary>
/// IPv6 in the cloud's descriptions of ENIs and vSwitches. What is missing or cannot be read is as if it were not there: such an address is not
/// handed out, and the rest is.
/// </summary>
internal static class Ipv6Json
{
    /// <summary>Length of the prefixes that ENIs are given (ECS API, AssignIpv6Addresses).</summary>
    public const int PrefixLength = 80;

    public static IReadOnlyList<IPAddress> Addresses(JsonElement networkInterface)
    {
        var addresses = new List<IPAddress>();
        foreach (var element in List(networkInterface, "Ipv6Sets", "Ipv6Set"))
        {
            if (Text(element, "Ipv6Address") is { } text && IPAddress.TryParse(text, out var address)
                && address is { AddressFamily: AddressFamily.InterNetworkV6, ScopeId: 0, IsIPv4MappedToIPv6: false } && !addresses.Contains(address))
            {
                addresses.Add(address);
            }
        }

        return addresses;
    }

    public static IReadOnlyList<IPNetwork> Prefixes(JsonElement networkInterface)
    {
        var prefixes = new List<IPNetwork>();
        foreach (var element in List(networkInterface, "Ipv6PrefixSets", "Ipv6PrefixSet"))
        {
            if (Text(element, "Ipv6Prefix") is { } text && Network(text) is { PrefixLength: PrefixLength } prefix && !prefixes.Contains(prefix)) prefixes.Add(prefix);
        }

        return prefixes;
    }

    /// <summary>The vSwitch's IPv6 CIDR; empty text, as the API writes it, is none.</summary>
    public static IPNetwork? Subnet(JsonElement vSwitch) => Text(vSwitch, "Ipv6CidrBlock") is { } text ? Network(text) : null;

    private static IPNetwork? Network(string text) =>
        IPNetwork.TryParse(text, out var network) && network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6 ? network : null;

    private static JsonElement[] List(JsonElement parent, string outer, string inner) =>
        Member(parent, outer) is { } sets && Member(sets, inner) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : [];

    private static string? Text(JsonElement parent, string name) =>
        Member(parent, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    private static JsonElement? Member(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) ? value : null;
}
