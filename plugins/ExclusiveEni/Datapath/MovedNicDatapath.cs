using System.Composition;
using System.Net;
using Terway.EniPool.Operations;
using Terway.Plugins.PolicyRouting;

namespace Terway.Plugins.ExclusiveEni.Datapath;

/// <summary>
/// The ENI's NIC in the pod: what the pod sends and gets over the VPC passes no part of the node's stack. A second link, unless it is turned off,
/// leads to the node for what only the node can do: Services, the node's own addresses, networks of its stack. Names are upstream Terway's.
/// </summary>
[Export(typeof(IDatapath))]
[Shared]
public sealed class MovedNicDatapath : IDatapath
{
    /// <summary>The pod's end of the link to the node.</summary>
    internal const string PeerName = "veth1";

    // Only a pod's first interface: further ones are for the VPC alone.
    private const string FirstInterface = "eth0";

    private readonly IPluginHost _host;
    private readonly HostPeerSettings _peer;

    /// <summary>Made by the composition.</summary>
    [ImportingConstructor]
    public MovedNicDatapath(IPluginHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        _host = host;
        _peer = HostPeerSettings.Read(host.Settings);
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
        var nic = attachment.Pod.IfName;
        var addresses = attachment.Allocation.Addresses.Select(a => (Address: a, Family: FamilyOf(a.Address))).ToArray();

        // The NIC first: what is on the node, or in the pod already, is known before anything else is made.
        var objects = new List<KernelObject> { new KernelObject.Nic(attachment.EniLink, nic, attachment.Mtu) };
        foreach (var (address, family) in addresses)
        {
            AddNic(objects, nic, address, family);
        }

        if (attachment.Pod.EgressBytesPerSecond > 0)
        {
            objects.Add(Shaping.Limit(nic, attachment.Pod.EgressBytesPerSecond, attachment.Mtu) with { InPod = true });
        }

        if (!_peer.Disabled && nic == FirstInterface)
        {
            objects.Add(new KernelObject.Veth(attachment.HostLinkName, PeerName, attachment.HostLinkMac, attachment.PodLinkMac, attachment.Mtu));
            foreach (var (address, family) in addresses)
            {
                AddPeer(objects, attachment, address.Address, family);
            }
        }

        return objects;
    }

    private static void AddNic(List<KernelObject> objects, string nic, PodAddress address, IAddressFamily family)
    {
        var ip = address.Address;
        objects.AddRange(family.PodObjects(nic, hostLink: null));
        objects.Add(new KernelObject.Address(nic, ip, NodeObjects.FullLength(ip)) { InPod = true });

        // The address is its own subnet: the way to the gateway has to be said.
        objects.Add(new KernelObject.Route(nic, new IPNetwork(address.Gateway, NodeObjects.FullLength(ip))) { InPod = true });
        objects.Add(new KernelObject.Route(nic, new IPNetwork(NodeObjects.AnyOf(ip), 0), address.Gateway) { InPod = true });
    }

    private void AddPeer(List<KernelObject> objects, Attachment attachment, IPAddress ip, IAddressFamily family)
    {
        var host = attachment.HostLinkName;
        var full = NodeObjects.FullLength(ip);
        objects.AddRange(family.PodObjects(PeerName, host));

        // In the pod. The same address on both links: whichever way a packet leaves, it comes from the pod's address.
        objects.Add(new KernelObject.Address(PeerName, ip, full) { InPod = true });
        objects.Add(new KernelObject.Neighbour(PeerName, family.PodGateway, attachment.HostLinkMac) { InPod = true });
        objects.Add(new KernelObject.Route(PeerName, new IPNetwork(family.PodGateway, full)) { InPod = true });
        foreach (var network in _peer.Networks.Concat(_host.Node.Addresses.Select(a => new IPNetwork(a, NodeObjects.FullLength(a))))
            .Where(n => n.BaseAddress.AddressFamily == family.Family).Distinct())
        {
            objects.Add(new KernelObject.Route(PeerName, network, family.PodGateway) { InPod = true });
        }

        // On the node. Its end has no address: what the node sends keeps the node's own as its source.
        objects.Add(new KernelObject.Neighbour(host, ip, attachment.PodLinkMac));
        objects.Add(new KernelObject.Route(host, new IPNetwork(ip, full)));
    }

    private IAddressFamily FamilyOf(IPAddress address) => _host.Families.FirstOrDefault(f => f.Family == address.AddressFamily)
        ?? throw new PodNetworkException(
            "kernel", $"the pod has {address}, but the plugin of that address family is not active", "activate it, or delete the pod", canRetry: false);
}
