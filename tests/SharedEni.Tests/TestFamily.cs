using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>IPv4 or IPv6 as the host and IPv6DualStack have it.</summary>
internal sealed class TestFamily(AddressFamily family, ICloud cloud) : IAddressFamily
{
    private bool V4 => family == AddressFamily.InterNetwork;

    public AddressFamily Family => family;

    public IPAddress PodGateway => IPAddress.Parse(V4 ? "169.254.1.1" : "fe80::1");

    public int LimitPerEni(NodeFacts node) => V4 ? node.EniPrivateIpAddressQuantity : node.EniIpv6AddressQuantity;

    public IReadOnlyList<KeyValuePair<string, string>> CreateParameters(int count)
    {
        // CreateNetworkInterface takes up to 49 secondary addresses, but only 10 of IPv6.
        var asked = V4 ? Math.Min(count - 1, 49) : Math.Min(count, 10);
        return asked > 0
            ? [new(V4 ? "SecondaryPrivateIpAddressCount" : "Ipv6AddressCount", asked.ToString(CultureInfo.InvariantCulture))]
            : [];
    }

    public IReadOnlyList<IPAddress> ReadAddresses(JsonElement networkInterface) => V4
        ? Read(networkInterface, "PrivateIpSets", "PrivateIpSet", "PrivateIpAddress")
        : Read(networkInterface, "Ipv6Sets", "Ipv6Set", "Ipv6Address");

    public IPNetwork? ReadSubnet(JsonElement vSwitch)
    {
        var text = vSwitch.TryGetProperty(V4 ? "CidrBlock" : "Ipv6CidrBlock", out var cidr) ? cidr.GetString() : null;
        return string.IsNullOrEmpty(text) ? null : IPNetwork.Parse(text);
    }

    public async Task<IReadOnlyList<IPAddress>> AssignAsync(string eniId, int count, string clientToken, CancellationToken cancellationToken)
    {
        var body = await cloud.InvokeAsync(
            "ecs", V4 ? "AssignPrivateIpAddresses" : "AssignIpv6Addresses",
            [
                new("NetworkInterfaceId", eniId), new("ClientToken", clientToken),
                new(V4 ? "SecondaryPrivateIpAddressCount" : "Ipv6AddressCount", count.ToString(CultureInfo.InvariantCulture)),
            ],
            cancellationToken);
        using var document = JsonDocument.Parse(body);
        return V4
            ? [.. document.RootElement.GetProperty("AssignedPrivateIpAddressesSet").GetProperty("PrivateIpSet").GetProperty("PrivateIpAddress")
                .EnumerateArray().Select(e => IPAddress.Parse(e.GetString()!))]
            : [.. document.RootElement.GetProperty("Ipv6Sets").GetProperty("Ipv6Address").EnumerateArray().Select(e => IPAddress.Parse(e.GetString()!))];
    }

    public async Task UnassignAsync(string eniId, IReadOnlyList<IPAddress> addresses, CancellationToken cancellationToken)
    {
        var name = V4 ? "PrivateIpAddress" : "Ipv6Address";
        try
        {
            await cloud.InvokeAsync(
                "ecs", V4 ? "UnassignPrivateIpAddresses" : "UnassignIpv6Addresses",
                [new("NetworkInterfaceId", eniId), .. addresses.Select((a, i) => new KeyValuePair<string, string>($"{name}.{i + 1}", a.ToString()))],
                cancellationToken);
        }
        catch (CloudException e) when (e.Code is "InvalidIp.IpUnassigned" && addresses.Count > 1)
        {
            foreach (var address in addresses)
            {
                await UnassignAsync(eniId, [address], cancellationToken);
            }
        }
        catch (CloudException e) when (e.Code is "InvalidIp.IpUnassigned" or "InvalidEniId.NotFound")
        {
        }
    }

    public int PrefixLength => V4 ? 28 : 80;

    public IReadOnlyList<KeyValuePair<string, string>> CreatePrefixParameters(int count) =>
        [new(V4 ? "Ipv4PrefixCount" : "Ipv6PrefixCount", Math.Min(count, 10).ToString(CultureInfo.InvariantCulture))];

    public IReadOnlyList<IPNetwork> ReadPrefixes(JsonElement networkInterface)
    {
        var name = V4 ? "Ipv4Prefix" : "Ipv6Prefix";
        return networkInterface.TryGetProperty(name + "Sets", out var sets) && sets.TryGetProperty(name + "Set", out var list)
            ? [.. list.EnumerateArray().Select(e => IPNetwork.Parse(e.GetProperty(name).GetString()!))]
            : [];
    }

    public async Task<IReadOnlyList<IPNetwork>> AssignPrefixesAsync(string eniId, int count, string clientToken, CancellationToken cancellationToken)
    {
        var body = await cloud.InvokeAsync(
            "ecs", V4 ? "AssignPrivateIpAddresses" : "AssignIpv6Addresses",
            [
                new("NetworkInterfaceId", eniId), new("ClientToken", clientToken),
                new(V4 ? "Ipv4PrefixCount" : "Ipv6PrefixCount", Math.Min(count, 10).ToString(CultureInfo.InvariantCulture)),
            ],
            cancellationToken);
        using var document = JsonDocument.Parse(body);
        var list = V4
            ? document.RootElement.GetProperty("AssignedPrivateIpAddressesSet").GetProperty("Ipv4PrefixSet").GetProperty("Ipv4Prefixes")
            : document.RootElement.GetProperty("Ipv6PrefixSets").GetProperty("Ipv6Prefix");
        return [.. list.EnumerateArray().Select(e => IPNetwork.Parse(e.GetString()!))];
    }

    public async Task UnassignPrefixesAsync(string eniId, IReadOnlyList<IPNetwork> prefixes, CancellationToken cancellationToken)
    {
        try
        {
            await cloud.InvokeAsync(
                "ecs", V4 ? "UnassignPrivateIpAddresses" : "UnassignIpv6Addresses",
                [
                    new("NetworkInterfaceId", eniId),
                    .. prefixes.Select((p, i) => new KeyValuePair<string, string>($"{(V4 ? "Ipv4Prefix" : "Ipv6Prefix")}.{i + 1}", p.ToString())),
                ],
                cancellationToken);
        }
        catch (CloudException e) when (e.Code is "InvalidIp.IpUnassigned" && prefixes.Count > 1)
        {
            foreach (var prefix in prefixes)
            {
                await UnassignPrefixesAsync(eniId, [prefix], cancellationToken);
            }
        }
        catch (CloudException e) when (e.Code is "InvalidIp.IpUnassigned" or "InvalidEniId.NotFound")
        {
        }
    }

    public IReadOnlyList<KernelObject> NodeObjects(string? eniLink) =>
        [new KernelObject.Sysctl($"net/{(V4 ? "ipv4" : "ipv6")}/conf/{eniLink ?? "all"}/forwarding", "1")];

    public IReadOnlyList<KernelObject> PodObjects(string podLink, string? hostLink) =>
        hostLink is null ? [] : [new KernelObject.Sysctl($"net/{(V4 ? "ipv4" : "ipv6")}/conf/{hostLink}/forwarding", "1")];

    private static List<IPAddress> Read(JsonElement eni, string outer, string inner, string name) =>
        eni.TryGetProperty(outer, out var sets) && sets.TryGetProperty(inner, out var list)
            ? [.. list.EnumerateArray().Select(e => IPAddress.Parse(e.GetProperty(name).GetString()!))]
            : [];
}
