using Terway.Host.Api.V1;
using Terway.Host.Plugins;
using Terway.Host.Pods;
using Terway.Plugin;

namespace Terway.Host.Api;

/// <summary>The daemon as the API shows it. Thread-safe.</summary>
internal sealed class DaemonView(NodeFacts node, PluginSet plugins, AttachmentTable table, PodDetacher detacher, NodeReadiness readiness)
{
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
            };
            item.Addresses.AddRange(a.Allocation.Addresses.Select(static x => x.Address.ToString()));
            yield return item;
        }
    }
}
