using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Terway.Lab.Cloud.Api;

/// <summary>Addresses and prefixes of ENIs.</summary>
internal static class AddressActions
{
    private const string Product = "ecs";
    private const int MaxAddressesPerCall = 50;
    private const int MaxPrefixesPerCall = 10;
    private const int Ipv4PrefixLength = 28;
    private const int Ipv6PrefixLength = 80;

    public static IEnumerable<ApiAction> All { get; } =
    [
        new(Product, "AssignPrivateIpAddresses", AssignIpv4Async, TakesClientToken: true),
        new(Product, "UnassignPrivateIpAddresses", UnassignIpv4Async, TakesClientToken: true),
        new(Product, "AssignIpv6Addresses", AssignIpv6Async, TakesClientToken: true),
        new(Product, "UnassignIpv6Addresses", UnassignIpv6Async, TakesClientToken: true),
    ];

    private static async Task<Action<Utf8JsonWriter>> AssignIpv4Async(Region region, ApiParameters p)
    {
        var request = ReadRequest(p, "SecondaryPrivateIpAddressCount", "PrivateIpAddress", "Ipv4PrefixCount", AddressFamily.InterNetwork);
        var assigned = await region.AssignIpv4Async(p.Required("NetworkInterfaceId"), request);
        return json =>
        {
            json.WriteStartObject("AssignedPrivateIpAddressesSet");
            json.WriteString("NetworkInterfaceId", assigned.EniId);
            json.WriteStrings("PrivateIpSet", "PrivateIpAddress", assigned.Addresses.Select(static ip => ip.ToString()));
            json.WriteStrings("Ipv4PrefixSet", "Ipv4Prefixes", assigned.Prefixes.Select(static prefix => prefix.ToString()));
            json.WriteEndObject();
        };
    }

    private static async Task<Action<Utf8JsonWriter>> UnassignIpv4Async(Region region, ApiParameters p)
    {
        var (addresses, prefixes) = ReadRemoval(p, "PrivateIpAddress", "Ipv4Prefix", AddressFamily.InterNetwork, Ipv4PrefixLength);
        await region.UnassignIpv4Async(p.Required("NetworkInterfaceId"), addresses, prefixes);
        return static _ => { };
    }

    private static async Task<Action<Utf8JsonWriter>> AssignIpv6Async(Region region, ApiParameters p)
    {
        var request = ReadRequest(p, "Ipv6AddressCount", "Ipv6Address", "Ipv6PrefixCount", AddressFamily.InterNetworkV6);
        var assigned = await region.AssignIpv6Async(p.Required("NetworkInterfaceId"), request);
        return json =>
        {
            json.WriteString("NetworkInterfaceId", assigned.EniId);
            json.WriteStrings("Ipv6Sets", "Ipv6Address", assigned.Addresses.Select(static ip => ip.ToString()));
            json.WriteStrings("Ipv6PrefixSets", "Ipv6Prefix", assigned.Prefixes.Select(static prefix => prefix.ToString()));
        };
    }

    private static async Task<Action<Utf8JsonWriter>> UnassignIpv6Async(Region region, ApiParameters p)
    {
        var (addresses, prefixes) = ReadRemoval(p, "Ipv6Address", "Ipv6Prefix", AddressFamily.InterNetworkV6, Ipv6PrefixLength);
        await region.UnassignIpv6Async(p.Required("NetworkInterfaceId"), addresses, prefixes);
        return static _ => { };
    }

    private static AddressRequest ReadRequest(ApiParameters p, string count, string list, string prefixCount, AddressFamily family)
    {
        var (singles, prefixes) = (p.Amount(count, MaxAddressesPerCall), p.Amount(prefixCount, MaxPrefixesPerCall));
        var named = p.Ips(list, MaxAddressesPerCall, family);
        if (singles.Asked > 0 && !named.IsEmpty)
            throw CloudErrors.ParameterConflict(count, list);
        if (prefixes.Asked > 0 && (singles.Asked > 0 || !named.IsEmpty))
            throw CloudErrors.ParameterConflict(prefixCount, singles.Asked > 0 ? count : list);
        return singles.Asked + prefixes.Asked + named.Length == 0
            ? throw CloudErrors.MissingParameter(count)
            : new AddressRequest { Count = singles.Given, Addresses = named, PrefixCount = prefixes.Given };
    }

    private static (ImmutableArray<IPAddress> Addresses, ImmutableArray<IPNetwork> Prefixes) ReadRemoval(
        ApiParameters p, string list, string prefixList, AddressFamily family, int prefixLength)
    {
        var addresses = p.Ips(list, MaxAddressesPerCall, family);
        var prefixes = p.Prefixes(prefixList, MaxPrefixesPerCall, prefixLength);
        if (!addresses.IsEmpty && !prefixes.IsEmpty)
            throw CloudErrors.ParameterConflict(list, prefixList);
        if (addresses.IsEmpty && prefixes.IsEmpty)
            throw CloudErrors.MissingParameter(list);
        return (addresses, prefixes);
    }
}
