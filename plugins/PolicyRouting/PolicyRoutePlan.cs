using System.Net;

namespace Terway.Plugins.PolicyRouting;

/// <summary>
/// A veth into the pod, and policy routing on the node: to the pod by the main table, from the pod by the table of its ENI. Names, tables and
/// priorities are upstream Terway's. Compiled into each plugin whose pods live on it.
/// </summary>
internal static class PolicyRoutePlan
{
    // Tables of ENIs start here, upstream's number: the ENI pool makes them.
    private const int TableBase = 1000;
    private const int MainTable = 254;
    private const int ToPodPriority = 512;
    private const int FromPodPriority = 2048;

    /// <exception cref="PodNetworkException">The pod has an address of a family that is not active.</exception>
    public static List<KernelObject> Of(Attachment attachment, IReadOnlyList<IAddressFamily> families)
    {
        var objects = new List<KernelObject>
        {
            new KernelObject.Veth(attachment.HostLinkName, attachment.Pod.IfName, attachment.HostLinkMac, attachment.PodLinkMac, attachment.Mtu),
        };

        // By the allocation's own addresses, not by today's families: a pod keeps what it was given.
        foreach (var address in attachment.Allocation.Addresses)
        {
            var family = families.FirstOrDefault(f => f.Family == address.Address.AddressFamily)
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
        var full = ip.GetAddressBytes().Length * 8;
        var own = new IPNetwork(ip, full);
        objects.AddRange(family.PodObjects(pod, host));

        // In the pod: everything to the link-local gateway, whose MAC address is known beforehand.
        objects.Add(new KernelObject.Address(pod, ip, full) { InPod = true });
        objects.Add(new KernelObject.Neighbour(pod, family.PodGateway, attachment.HostLinkMac) { InPod = true });
        objects.Add(new KernelObject.Route(pod, new IPNetwork(family.PodGateway, full)) { InPod = true });
        objects.Add(new KernelObject.Route(pod, new IPNetwork(new IPAddress(new byte[full / 8]), 0), family.PodGateway) { InPod = true });

        // On the node. The rules come last: only then does traffic take the new way.
        objects.Add(new KernelObject.Neighbour(host, ip, attachment.PodLinkMac));
        objects.Add(new KernelObject.Route(host, own, null, MainTable));
        objects.Add(new KernelObject.Rule(ToPodPriority, null, own, MainTable));
        objects.Add(new KernelObject.Rule(FromPodPriority, own, null, TableBase + attachment.EniLink.Index));
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
