using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Terway.Plugin;

namespace Terway.Host.Cloud;

/// <summary>IPv4, the family every pod has.</summary>
internal sealed class IPv4Family(ICloud cloud) : IAddressFamily
{
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

    public Task UnassignAsync(string eniId, IReadOnlyList<IPAddress> addresses, CancellationToken cancellationToken)
    {
        var parameters = new List<KeyValuePair<string, string>> { new("NetworkInterfaceId", eniId) };
        for (var i = 0; i < addresses.Count; i++)
        {
            parameters.Add(new($"PrivateIpAddress.{(i + 1).ToString(CultureInfo.InvariantCulture)}", addresses[i].ToString()));
        }

        return UnassignTolerantAsync(parameters, cancellationToken);
    }

    public IReadOnlyList<KernelObject> NodeObjects(string? eniLink) => eniLink is null
        ? [new KernelObject.Sysctl("net/ipv4/ip_forward", "1")]
        // Loose reverse-path filter on our own link only: traffic that came in by another ENI may leave by this one. The kernel uses the stricter
        // of "all" and the link, and counts loose as the stricter (Documentation/networking/ip-sysctl.rst, rp_filter).
        : [new KernelObject.Sysctl($"net/ipv4/conf/{eniLink}/rp_filter", "2")];

    public IReadOnlyList<KernelObject> PodObjects(string podLink, string? hostLink) => [];

    private async Task UnassignTolerantAsync(List<KeyValuePair<string, string>> parameters, CancellationToken cancellationToken)
    {
        try
        {
            await cloud.InvokeAsync("ecs", "UnassignPrivateIpAddresses", parameters, cancellationToken).ConfigureAwait(false);
        }
        catch (CloudException e) when (e.Code is "InvalidIp.IpUnassigned" or "InvalidEniId.NotFound")
        {
            // Already gone: what was asked for is so.
        }
    }
}
