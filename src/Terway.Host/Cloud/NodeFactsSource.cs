using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Terway.AlibabaCloud.Metadata;
using Terway.AlibabaCloud.Network;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Cloud;

/// <summary>
/// Learns what node this is. The facts of an instance do not change while it runs, so they are kept in the state file: a daemon restarts
/// without metadata service and cloud. A state file that came with a copied disk is noticed by its instance id.
/// </summary>
internal sealed partial class NodeFactsSource(
    InstanceMetadata metadata, ICloudNetwork cloud, StateStore store, string nodeName, Func<string, IReadOnlyList<IPAddress>> addressesOf, ILogger log)
{
    private const string FactKey = "node";

    /// <summary>How long a restart waits for the metadata service to confirm the instance id.</summary>
    private static readonly TimeSpan s_confirmTimeout = TimeSpan.FromMilliseconds(300);

    /// <summary>Fails with a <see cref="StateException"/> when the facts are another instance's. To be awaited before pods are served.</summary>
    public Task Confirmed { get; private set; } = Task.CompletedTask;

    /// <summary>
    /// The facts. Known ones are given at once; <see cref="Confirmed"/> then says whether they still hold.
    /// </summary>
    /// <exception cref="MetadataException">First start on this node, and the metadata service does not answer.</exception>
    /// <exception cref="Terway.AlibabaCloud.Errors.CloudApiException">First start on this node, and the instance type cannot be described.</exception>
    public async Task<NodeFacts> GetAsync(CancellationToken cancellationToken)
    {
        if (Known(store) is { } known)
        {
            Confirmed = Task.Run(() => ConfirmAsync(known, cancellationToken), cancellationToken);
            return known with { NodeName = nodeName, Addresses = addressesOf(known.PrimaryMac) };
        }

        var identity = await metadata.GetInstanceIdentityAsync(cancellationToken).ConfigureAwait(false);
        var types = await cloud.DescribeInstanceTypesAsync(
            new DescribeInstanceTypesRequest { InstanceTypes = [identity.InstanceType] }, cancellationToken).ConfigureAwait(false);
        var limits = types.InstanceTypes.FirstOrDefault(t => t.InstanceTypeId == identity.InstanceType)
            ?? throw new StateException($"the cloud does not describe instance type {identity.InstanceType}: its ENI limits are unknown");
        var facts = new NodeFacts
        {
            NodeName = nodeName,
            InstanceId = identity.InstanceId,
            InstanceType = identity.InstanceType,
            RegionId = identity.RegionId,
            ZoneId = identity.ZoneId,
            VpcId = identity.VpcId,
            VSwitchId = identity.VSwitchId,
            PrimaryMac = identity.PrimaryMac,
            Addresses = addressesOf(identity.PrimaryMac),
            EniQuantity = limits.EniQuantity,
            EniTotalQuantity = limits.EniTotalQuantity,
            EniPrivateIpAddressQuantity = limits.EniPrivateIpAddressQuantity,
            EniIpv6AddressQuantity = limits.EniIpv6AddressQuantity,
            EniTrunkSupported = limits.EniTrunkSupported,
        };
        await store.WriteAsync(new StateWrite.PutFact(FactKey, JsonSerializer.SerializeToUtf8Bytes(facts, StateJson.Default.NodeFacts)))
            .ConfigureAwait(false);
        return facts;
    }

    /// <summary>What an earlier start learned; null on the first start.</summary>
    public static NodeFacts? Known(StateStore store) => store.Initial.Facts.TryGetValue(FactKey, out var json)
        ? JsonSerializer.Deserialize(json, StateJson.Default.NodeFacts)
        : null;

    // An hour without the metadata service must not keep the daemon from starting.
    private async Task ConfirmAsync(NodeFacts known, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(s_confirmTimeout);
        string id, type;
        try
        {
            id = await metadata.GetInstanceIdAsync(timeout.Token).ConfigureAwait(false);
            type = await metadata.GetInstanceTypeAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is MetadataException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            LogUnconfirmed(log, e.Message);
            return;
        }

        if (id != known.InstanceId)
        {
            throw new StateException(
                $"the state file is of instance {known.InstanceId}, this is {id}: it came with a copied disk; "
                + "remove the state folder, nothing in it belongs to this instance");
        }

        if (type != known.InstanceType)
        {
            await store.WriteAsync(new StateWrite.DeleteFact(FactKey)).ConfigureAwait(false);
            throw new StateException($"the instance type changed from {known.InstanceType} to {type}: the next start learns its limits");
        }
    }

    [LoggerMessage(EventId = 5001, Level = LogLevel.Warning, Message = "Instance id not confirmed by the metadata service ({Reason}); going on with the known one")]
    private static partial void LogUnconfirmed(ILogger log, string reason);
}
