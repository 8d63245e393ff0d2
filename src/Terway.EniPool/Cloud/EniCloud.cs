using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Network;

namespace Terway.EniPool.Cloud;

/// <summary>
/// The calls the pool makes, through the host's signed and rate-limited transport. Every failure is a <see cref="CloudException"/>: the typed layer
/// underneath has an exception type of its own, which ends here.
/// </summary>
internal sealed class EniCloud
{
    private readonly ICloud _cloud;
    private readonly CallsUnderWay _calls;
    private readonly CloudNetwork _network;
    private readonly string _instanceId;

    public EniCloud(ICloud cloud, string instanceId, CallsUnderWay calls)
    {
        _cloud = cloud;
        _calls = calls;
        _network = new CloudNetwork(InvokeAsync);
        _instanceId = instanceId;
    }

    public async Task<Eni> CreateAsync(CreateNetworkInterfaceRequest request, CancellationToken cancellationToken) =>
        (await TranslateAsync(_network.CreateNetworkInterfaceAsync(request, cancellationToken))).NetworkInterface;

    public Task AttachAsync(string eniId, CancellationToken cancellationToken) =>
        TranslateAsync(_network.AttachNetworkInterfaceAsync(new() { NetworkInterfaceId = eniId, InstanceId = _instanceId }, cancellationToken));

    public Task DetachAsync(string eniId, CancellationToken cancellationToken) =>
        TranslateAsync(_network.DetachNetworkInterfaceAsync(new() { NetworkInterfaceId = eniId, InstanceId = _instanceId }, cancellationToken));

    public Task DeleteAsync(string eniId, CancellationToken cancellationToken) =>
        TranslateAsync(_network.DeleteNetworkInterfaceAsync(new() { NetworkInterfaceId = eniId }, cancellationToken));

    public async Task<IReadOnlyList<Eni>> DescribeAsync(DescribeNetworkInterfacesRequest request, CancellationToken cancellationToken) =>
        (await TranslateAsync(_network.DescribeNetworkInterfacesAsync(request, cancellationToken))).NetworkInterfaceSets;

    public async Task<VSwitch?> DescribeVSwitchAsync(string id, CancellationToken cancellationToken) =>
        (await TranslateAsync(_network.DescribeVSwitchesAsync(new() { VSwitchId = id }, cancellationToken)))
        .VSwitches.FirstOrDefault(v => v.VSwitchId == id);

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
            return await _calls.CountAsync(action, () => _cloud.InvokeAsync(product, action, parameters, cancellationToken));
        }
        catch (CloudException e)
        {
            throw new CloudApiException(product, action, e.Code, e.Message, requestId: e.RequestId, inner: e);
        }
    }
}
