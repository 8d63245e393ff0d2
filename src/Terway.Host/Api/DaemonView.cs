using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Network;
using Terway.Host.Api.V1;
using Terway.Host.Node;
using Terway.Host.Plugins;
using Terway.Host.Pods;
using Terway.Plugin;

namespace Terway.Host.Api;

/// <summary>The daemon as the API shows it. Thread-safe.</summary>
internal sealed class DaemonView(
    NodeFacts node, PluginSet plugins, AttachmentTable table, NodeObjects objects, PodDetacher detacher, NodeReadiness readiness, ICloudNetwork cloud)
{
    // Somebody waits at a terminal; the transport would go on trying for longer.
    private static readonly TimeSpan s_cloudLimit = TimeSpan.FromSeconds(10);

    public NodeStatus Status()
    {
        var reason = readiness.NotReady();
        var status = new NodeStatus
        {
            Ready = reason is null,
            Reason = reason ?? "",
            Version = DaemonVersion.Text,
            NodeName = node.NodeName,
            InstanceId = node.InstanceId,
            InstanceType = node.InstanceType,
            Attachments = table.Count,
            Detaching = detacher.PendingCount,
        };
        foreach (var plugin in plugins.Status)
        {
            var item = new V1.PluginStatus
            {
                Name = plugin.Name,
                Version = plugin.Version,
                State = plugin.State.ToString(),
                Reason = plugin.Reason,
                Why = plugin.Why,
                Required = plugin.Required,
            };
            item.Roles.AddRange(plugin.Roles);
            status.Plugins.Add(item);
        }

        foreach (var provider in plugins.Providers)
        {
            var capacity = provider.Role.GetCapacity();
            status.Pools.Add(new PoolStatus
            {
                Provider = provider.Plugin.Manifest.Name,
                Total = capacity.Total,
                InUse = capacity.InUse,
                Idle = capacity.Idle,
                CoolingDown = capacity.CoolingDown,
                Exhausted = capacity.Exhausted ?? "",
            });
        }

        foreach (var (path, finding) in readiness.Findings.OrderBy(static f => f.Key, StringComparer.Ordinal))
        {
            status.Findings.Add(new V1.Finding
            {
                Path = path,
                Severity = finding.Severity.ToString(),
                Reason = finding.Reason,
                Fix = finding.Fix,
            });
        }

        return status;
    }

    public IEnumerable<V1.Attachment> Attachments()
    {
        foreach (var (record, phase) in table.All.OrderBy(static a => a.Record.Key.ContainerId, StringComparer.Ordinal))
        {
            var a = record.Attachment;
            var item = new V1.Attachment
            {
                ContainerId = a.Pod.ContainerId,
                IfName = a.Pod.IfName,
                Namespace = a.Pod.Namespace,
                Name = a.Pod.Name,
                Netns = a.Pod.NetNsPath,
                Phase = phase.ToString(),
                EniId = a.Allocation.EniId,
                EniLink = a.EniLink.Name,
                HostLink = a.HostLinkName,
                Provider = record.Provider,
                Datapath = record.Datapath,
                EniMac = a.EniLink.Mac,
                EniLinkIndex = a.EniLink.Index,
            };
            item.Addresses.AddRange(a.Allocation.Addresses.Select(static x => x.Address.ToString()));
            yield return item;
        }
    }

    public IEnumerable<V1.NodeObject> NodeObjects() => objects.All
        .OrderBy(static o => o.Plugin, StringComparer.Ordinal).ThenBy(static o => o.Key, StringComparer.Ordinal)
        .Select(static o => new V1.NodeObject
        {
            Plugin = o.Plugin,
            Key = o.Key,
            Kind = o.Object.GetType().Name,
            Link = Node.NodeObjects.LinkOf(o.Object) ?? "",
            Pin = o.Object switch
            {
                KernelObject.PinFolder folder => folder.Path,
                KernelObject.TcProgram program => program.Program,
                KernelObject.MapEntry entry => entry.Map,
                _ => "",
            },
            Entry = o.Object is KernelObject.MapEntry { Key: var key } ? key : "",
        });

    /// <summary>Asks the cloud. Never throws for what the cloud answers or that it does not.</summary>
    public async Task<CloudEnis> CloudEnisAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_cloudLimit);
        try
        {
            var found = await cloud.DescribeNetworkInterfacesAsync(
                new DescribeNetworkInterfacesRequest { InstanceId = node.InstanceId }, limit.Token).ConfigureAwait(false);
            var answer = new CloudEnis { Reachable = true };
            answer.Enis.AddRange(found.NetworkInterfaceSets.OrderBy(static e => e.NetworkInterfaceId, StringComparer.Ordinal).Select(Show));
            return answer;
        }
        catch (Exception e) when (e is CloudApiException or CredentialUnavailableException)
        {
            return new CloudEnis { Error = e.Message };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new CloudEnis { Error = $"ecs DescribeNetworkInterfaces was not answered within {s_cloudLimit.TotalSeconds} s" };
        }
    }

    private static CloudEni Show(Eni eni)
    {
        var item = new CloudEni { Id = eni.NetworkInterfaceId, Mac = eni.MacAddress, Type = eni.Type, Status = eni.Status, VswitchId = eni.VSwitchId };
        item.Addresses.AddRange(eni.PrivateIpSets.OrderByDescending(static a => a.Primary).Select(static a => a.PrivateIpAddress.ToString()));
        item.Addresses.AddRange(eni.Ipv6Sets.Select(static a => a.ToString()));
        item.Prefixes.AddRange(eni.Ipv4PrefixSets.Concat(eni.Ipv6PrefixSets).Select(static p => p.ToString()));
        return item;
    }
}
