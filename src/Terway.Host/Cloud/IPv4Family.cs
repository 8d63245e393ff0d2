using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Network;
using Terway.Plugin;

namespace Terway.Host.Cloud;

/// <summary>IPv4, the family every pod has.</summary>
internal sealed class IPv4Family(ICloud cloud, ICloudNetwork network) : IAddressFamily
{
    // ECS API, CreateNetworkInterface and AssignPrivateIpAddresses, Ipv4PrefixCount.
    private const int PrefixesPerCall = 10;

    private static readonly IPAddress s_podGateway = IPAddress.Parse("169.254.1.1");

    public AddressFamily Family => AddressFamily.InterNetwork;

    public IPAddress PodGateway => s_podGateway;

    public int LimitPerEni(NodeFacts node) => node.EniPrivateIpAddressQuantity;

    // The primary address comes with the ENI; the parameter counts those beside it (ECS API CreateNetworkInterface).
    public IReadOnlyList<KeyValuePair<string, string>> CreateParameters(int count) =>
        count > 1 ? [new("SecondaryPrivateIpAddressCount", (count - 1).ToString(CultureInfo.InvariantCulture))] : [];

    public IReadOnlyList<IPAddress> ReadAddresses(JsonElement networkInterface)
    {
        var addresses = new List<IPAddress>();
        if (networkInterface.TryGetProperty("PrivateIpSets", out var sets) && sets.TryGetProperty("PrivateIpSet", out var list))
        {
            foreach (var element in list.EnumerateArray())
            {
                if (element.TryGetProperty("PrivateIpAddress", out var text) && IPAddress.TryParse(text.GetString(), out var address))
                {
                    addresses.Add(address);
                }
            }
        }

        // CreateNetworkInterface may name only the primary address here.
        if (networkInterface.TryGetProperty("PrivateIpAddress", out var primaryText)
            && IPAddress.TryParse(primaryText.GetString(), out var primary) && !addresses.Contains(primary))
        {
            addresses.Insert(0, primary);
        }

        return addresses;
    }

    public IPNetwork? ReadSubnet(JsonElement vSwitch) =>
        vSwitch.TryGetProperty("CidrBlock", out var text) && IPNetwork.TryParse(text.GetString(), out var network) ? network : null;

    public async Task<IReadOnlyList<IPAddress>> AssignAsync(string eniId, int count, string clientToken, CancellationToken cancellationToken)
    {
        var body = await cloud.InvokeAsync(
            "ecs", "AssignPrivateIpAddresses",
            [
                new("NetworkInterfaceId", eniId),
                new("SecondaryPrivateIpAddressCount", count.ToString(CultureInfo.InvariantCulture)),
                new("ClientToken", clientToken),
            ],
            cancellationToken).ConfigureAwait(false);
        using var document = JsonDocument.Parse(body);
        var addresses = new List<IPAddress>(count);
        if (document.RootElement.TryGetProperty("AssignedPrivateIpAddressesSet", out var assigned)
            && assigned.TryGetProperty("PrivateIpSet", out var set)
            && set.TryGetProperty("PrivateIpAddress", out var list))
        {
            foreach (var element in list.EnumerateArray())
            {
                if (IPAddress.TryParse(element.GetString(), out var address)) addresses.Add(address);
            }
        }

        return addresses;
    }

    // The typed call: when one address of several is not there any more the cloud refuses them all, and it sends the others again.
    public async Task UnassignAsync(string eniId, IReadOnlyList<IPAddress> addresses, CancellationToken cancellationToken)
    {
        try
        {
            await network.UnassignPrivateIpAddressesAsync(
                new UnassignPrivateIpAddressesRequest { NetworkInterfaceId = eniId, PrivateIpAddresses = [.. addresses] }, cancellationToken).ConfigureAwait(false);
        }
        catch (CloudApiException e)
        {
            throw HostCloud.Translate(e);
        }
    }

    public int PrefixLength => 28;

    public IReadOnlyList<KeyValuePair<string, string>> CreatePrefixParameters(int count) =>
        count > 0 ? [new("Ipv4PrefixCount", Math.Min(count, PrefixesPerCall).ToString(CultureInfo.InvariantCulture))] : [];

    public IReadOnlyList<IPNetwork> ReadPrefixes(JsonElement networkInterface)
    {
        var prefixes = new List<IPNetwork>();
        if (networkInterface.TryGetProperty("Ipv4PrefixSets", out var sets) && sets.TryGetProperty("Ipv4PrefixSet", out var list))
        {
            foreach (var element in list.EnumerateArray())
            {
                if (element.TryGetProperty("Ipv4Prefix", out var text) && IPNetwork.TryParse(text.GetString(), out var prefix)) prefixes.Add(prefix);
            }
        }

        return prefixes;
    }

    public async Task<IReadOnlyList<IPNetwork>> AssignPrefixesAsync(string eniId, int count, string clientToken, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await network.AssignPrivateIpAddressesAsync(
                new AssignPrivateIpAddressesRequest
                {
                    NetworkInterfaceId = eniId,
                    Ipv4PrefixCount = Math.Min(count, PrefixesPerCall),
                    ClientToken = clientToken,
                },
                cancellationToken).ConfigureAwait(false);
            return answer.Ipv4PrefixSet;
        }
        catch (CloudApiException e)
        {
            throw HostCloud.Translate(e);
        }
    }

    public async Task UnassignPrefixesAsync(string eniId, IReadOnlyList<IPNetwork> prefixes, CancellationToken cancellationToken)
    {
        try
        {
            await network.UnassignPrivateIpAddressesAsync(
                new UnassignPrivateIpAddressesRequest { NetworkInterfaceId = eniId, Ipv4Prefixes = [.. prefixes] }, cancellationToken).ConfigureAwait(false);
        }
        catch (CloudApiException e)
        {
            throw HostCloud.Translate(e);
        }
    }

    public IReadOnlyList<KernelObject> NodeObjects(string? eniLink) => eniLink is null
        ? [new KernelObject.Sysctl("net/ipv4/ip_forward", "1")]
        // Loose reverse-path filter on our own link only: traffic that came in by another ENI may leave by this one. The kernel uses the stricter
        // of "all" and the link, and counts loose as the stricter (Documentation/networking/ip-sysctl.rst, rp_filter).
        : [new KernelObject.Sysctl($"net/ipv4/conf/{eniLink}/rp_filter", "2")];

    public IReadOnlyList<KernelObject> PodObjects(string podLink, string? hostLink) => [];
}
