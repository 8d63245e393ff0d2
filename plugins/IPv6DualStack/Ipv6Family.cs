using System.Composition;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Terway.Plugins.IPv6DualStack;

/// <summary>IPv6, the family that this plugin adds to whatever gives pods addresses. Thread-safe.</summary>
[Export(typeof(IAddressFamily))]
[Shared]
public sealed class Ipv6Family : IAddressFamily
{
    // ECS API: CreateNetworkInterface takes 1 to 10 IPv6 addresses, and an ENI that is attached to nothing holds 10 (AssignIpv6Addresses).
    private const int AddressesAtCreation = 10;

    // ECS API, CreateNetworkInterface and AssignIpv6Addresses: Ipv6PrefixCount.
    private const int PrefixesPerCall = 10;

    private static readonly IPAddress s_podGateway = IPAddress.Parse("fe80::1");

    private readonly IPluginHost _host;
    private readonly Ipv6Cloud _cloud;
    private readonly Func<string, string?> _sysctl;

    /// <summary>Made by the composition.</summary>
    [ImportingConstructor]
    public Ipv6Family(IPluginHost host)
        : this(host, NodeSysctl.Read)
    {
    }

    internal Ipv6Family(IPluginHost host, Func<string, string?> sysctl)
    {
        ArgumentNullException.ThrowIfNull(host);
        _host = host;
        _cloud = new Ipv6Cloud(host.Cloud);
        _sysctl = sysctl;
    }

    /// <inheritdoc/>
    public AddressFamily Family => AddressFamily.InterNetworkV6;

    /// <inheritdoc/>
    public IPAddress PodGateway => s_podGateway;

    /// <inheritdoc/>
    public int PrefixLength => Ipv6Json.PrefixLength;

    /// <inheritdoc/>
    public int LimitPerEni(NodeFacts node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.EniIpv6AddressQuantity;
    }

    /// <inheritdoc/>
    public IReadOnlyList<KeyValuePair<string, string>> CreateParameters(int count) => Count("Ipv6AddressCount", Math.Min(count, AddressesAtCreation));

    /// <inheritdoc/>
    public IReadOnlyList<KeyValuePair<string, string>> CreatePrefixParameters(int count) => Count("Ipv6PrefixCount", Math.Min(count, PrefixesPerCall));

    /// <inheritdoc/>
    public IReadOnlyList<IPAddress> ReadAddresses(JsonElement networkInterface) => Ipv6Json.Addresses(networkInterface);

    /// <inheritdoc/>
    public IReadOnlyList<IPNetwork> ReadPrefixes(JsonElement networkInterface) => Ipv6Json.Prefixes(networkInterface);

    /// <inheritdoc/>
    public IPNetwork? ReadSubnet(JsonElement vSwitch) => Ipv6Json.Subnet(vSwitch);

    /// <inheritdoc/>
    public Task<IReadOnlyList<IPAddress>> AssignAsync(string eniId, int count, string clientToken, CancellationToken cancellationToken) =>
        _cloud.AssignAsync(eniId, count, clientToken, cancellationToken);

    /// <inheritdoc/>
    public Task UnassignAsync(string eniId, IReadOnlyList<IPAddress> addresses, CancellationToken cancellationToken) =>
        _cloud.UnassignAsync(eniId, addresses, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<IPNetwork>> AssignPrefixesAsync(string eniId, int count, string clientToken, CancellationToken cancellationToken) =>
        _cloud.AssignPrefixesAsync(eniId, Math.Min(count, PrefixesPerCall), clientToken, cancellationToken);

    /// <inheritdoc/>
    public Task UnassignPrefixesAsync(string eniId, IReadOnlyList<IPNetwork> prefixes, CancellationToken cancellationToken) =>
        _cloud.UnassignPrefixesAsync(eniId, prefixes, cancellationToken);

    /// <inheritdoc/>
    public IReadOnlyList<KernelObject> NodeObjects(string? eniLink) => eniLink is null ? Ipv6Objects.Node(AdvertisedLink()) : Ipv6Objects.Eni(eniLink);

    /// <inheritdoc/>
    public IReadOnlyList<KernelObject> PodObjects(string podLink, string? hostLink) => Ipv6Objects.Pod(podLink, hostLink);

    // The primary ENI's link when it follows advertisements: "1", or "2" since an earlier life of this plugin.
    private string? AdvertisedLink()
    {
        var link = _host.WaitForLinkAsync(_host.Node.PrimaryMac, TimeSpan.Zero, CancellationToken.None);
        if (!link.IsCompletedSuccessfully)
        {
            // It is there or it is not: nobody waits. The exception, if any, is known about.
            _ = link.ContinueWith(static t => t.Exception, TaskScheduler.Default);
            return null;
        }

        var name = link.Result.Name;
        return _sysctl($"net/ipv6/conf/{name}/accept_ra") is "1" or "2" ? name : null;
    }

    private static KeyValuePair<string, string>[] Count(string name, int count) =>
        count > 0 ? [new(name, count.ToString(CultureInfo.InvariantCulture))] : [];
}
