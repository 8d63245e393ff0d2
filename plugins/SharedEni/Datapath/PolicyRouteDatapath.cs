using System.Composition;
using System.Net;
using Terway.EniPool.Operations;

namespace Terway.Plugins.SharedEni.Datapath;

/// <summary>
/// A veth into the pod, and policy routing on the node: to the pod by the main table, from the pod by the table of its ENI. Names, tables and
/// priorities are upstream Terway's.
/// </summary>
[Export(typeof(IDatapath))]
[Shared]
public sealed class PolicyRouteDatapath : IDatapath
{
    private const int MainTable = 254;
    private const int ToPodPriority = 512;
    private const int FromPodPriority = 2048;

    private readonly IPluginHost _host;

    /// <summary>Made by the composition.</summary>
    [ImportingConstructor]
    public PolicyRouteDatapath(IPluginHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        _host = host;
    }

    /// <inheritdoc/>
    public ClaimStrength Carries(PodInterface pod, Allocation allocation)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        return allocation.Vlan is null ? ClaimStrength.Default : ClaimStrength.None;
    }

    /// <inheritdoc/>
    public IReadOnlyList<KernelObject> Plan(Attachment attachment)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        var host = attachment.HostLinkName;
        var pod = attachment.Pod.IfName;
        var objects = new List<KernelObject>
        {
            new KernelObject.Veth(host, pod, attachment.HostLinkMac, attachment.PodLinkMac, attachment.Mtu),
        };

        // By the allocation's own addresses, not by today's families: a pod keeps what it was given.
        foreach (var address in attachment.Allocation.Addresses)
        {
            var family = _host.Families.FirstOrDefault(f => f.Family == address.Address.AddressFamily)
                ?? throw new PodNetworkException(
                    "kernel", $"the pod has {address.Address}, but the plugin of that address family is not active",
                    "activate it, or delete the pod", canRetry: false);
            AddFamily(objects, attachment, family, address.Address);
        }

        AddShaping(objects, attachment);
        return objects;
    }

    private static void AddFamily(List<KernelObject> objects, Attachment attachment, IAddressFamily family, IPAddress ip)
    {
        var host = attachment.HostLinkName;
        var pod = attachment.Pod.IfName;
        var full = NodeObjects.FullLength(ip);
        var own = new IPNetwork(ip, full);
        objects.AddRange(family.PodObjects(pod, host));

        // In the pod: everything to the link-local gateway, whose MAC address is known beforehand.
        objects.Add(new KernelObject.Address(pod, ip, full) { InPod = true });
        objects.Add(new KernelObject.Neighbour(pod, family.PodGateway, attachment.HostLinkMac) { InPod = true });
        objects.Add(new KernelObject.Route(pod, new IPNetwork(family.PodGateway, full)) { InPod = true });
        objects.Add(new KernelObject.Route(pod, new IPNetwork(NodeObjects.AnyOf(ip), 0), family.PodGateway) { InPod = true });

        // On the node. The rules come last: only then does traffic take the new way.
        objects.Add(new KernelObject.Neighbour(host, ip, attachment.PodLinkMac));
        objects.Add(new KernelObject.Route(host, own, null, MainTable));
        objects.Add(new KernelObject.Rule(ToPodPriority, null, own, MainTable));
        objects.Add(new KernelObject.Rule(FromPodPriority, own, null, NodeObjects.TableBase + attachment.EniLink.Index));
    }

    private static void AddShaping(List<KernelObject> objects, Attachment attachment)
    {
        if (attachment.Pod.IngressBytesPerSecond > 0)
        {
            objects.Add(Shaping.Limit(attachment.HostLinkName, attachment.Pod.IngressBytesPerSecond, attachment.Mtu));
        }

        if (attachment.Pod.EgressBytesPerSecond > 0)
        {
            objects.Add(Shaping.Limit(attachment.Pod.IfName, attachment.Pod.EgressBytesPerSecond, attachment.Mtu) with { InPod = true });
        }
    }
}
