using System.Net;
using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Network;

namespace Terway.Plugins.IPv6DualStack;

/// <summary>
/// The IPv6 calls, through the host's signed and rate-limited transport. Every failure is a <see cref="CloudException"/>: the typed layer
/// underneath has an exception type of its own, which ends here.
/// </summary>
internal sealed class Ipv6Cloud
{
    private readonly ICloud _cloud;
    private readonly CloudNetwork _network;

    public Ipv6Cloud(ICloud cloud)
    {
        _cloud = cloud;
        _network = new CloudNetwork(InvokeAsync);
    }

    public async Task<IReadOnlyList<IPAddress>> AssignAsync(string eniId, int count, string clientToken, CancellationToken cancellationToken) =>
        (await TranslateAsync(_network.AssignIpv6AddressesAsync(
            new() { NetworkInterfaceId = eniId, Ipv6AddressCount = count, ClientToken = clientToken }, cancellationToken))).Ipv6Sets;

    public async Task<IReadOnlyList<IPNetwork>> AssignPrefixesAsync(string eniId, int count, string clientToken, CancellationToken cancellationToken) =>
        (await TranslateAsync(_network.AssignIpv6AddressesAsync(
            new() { NetworkInterfaceId = eniId, Ipv6PrefixCount = count, ClientToken = clientToken }, cancellationToken))).Ipv6PrefixSets;

    // When one of several is not there any more the cloud refuses them all: the typed layer looks, and sends the others again.
    public Task UnassignAsync(string eniId, IReadOnlyList<IPAddress> addresses, CancellationToken cancellationToken) =>
        TranslateAsync(_network.UnassignIpv6AddressesAsync(new() { NetworkInterfaceId = eniId, Ipv6Addresses = addresses }, cancellationToken));

    public Task UnassignPrefixesAsync(string eniId, IReadOnlyList<IPNetwork> prefixes, CancellationToken cancellationToken) =>
        TranslateAsync(_network.UnassignIpv6AddressesAsync(new() { NetworkInterfaceId = eniId, Ipv6Prefixes = prefixes }, cancellationToken));

    /// <summary>A vSwitch; null when there is none of this id.</summary>
    public async Task<VSwitch?> DescribeVSwitchAsync(string id, CancellationToken cancellationToken) =>
        (await TranslateAsync(_network.DescribeVSwitchesAsync(new() { VSwitchId = id }, cancellationToken))).VSwitches.FirstOrDefault(v => v.VSwitchId == id);

    /// <summary>The ENIs of an instance.</summary>
    public async Task<IReadOnlyList<Eni>> DescribeEnisAsync(string instanceId, CancellationToken cancellationToken) =>
        (await TranslateAsync(_network.DescribeNetworkInterfacesAsync(new() { InstanceId = instanceId }, cancellationToken))).NetworkInterfaceSets;

    private static async Task<T> TranslateAsync<T>(Task<T> call)
    {
        try
        {
            return await call;
        }
        catch (CloudApiException e) when (e.InnerException is CloudException cause)
        {
            throw cause;
        }
        catch (CloudApiException e)
        {
            // An answer that cannot be read says nothing about what was done.
            throw new CloudException(e.Action, e.Code, e.Reason, e.RequestId, outcomeUnknown: true, e);
        }
    }

    private async Task<byte[]> InvokeAsync(
        string product, string action, IReadOnlyList<KeyValuePair<string, string>> parameters, CancellationToken cancellationToken)
    {
        try
        {
            return await _cloud.InvokeAsync(product, action, parameters, cancellationToken);
        }
        catch (CloudException e)
        {
            throw new CloudApiException(product, action, e.Code, e.Message, requestId: e.RequestId, inner: e);
        }
    }
}
