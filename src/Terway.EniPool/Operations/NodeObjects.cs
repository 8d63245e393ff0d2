using System.Net;
using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;

namespace Terway.EniPool.Operations;

/// <summary>Kernel objects that carry an ENI's traffic, whichever pods are on it.</summary>
internal static class NodeObjects
{
    /// <summary>Key of what the families need once.</summary>
    public const string NodeKey = "node";

    /// <summary>Tables of ENIs start here; upstream's number, so that a node can be taken over in place.</summary>
    public const int TableBase = 1000;

    // After the rules to pods (512), before those from pods (2048): what comes back to a pod's own address would be sent out again by that one.
    private const int RefusalPriority = 2047;

    public static string EniKey(string eniId) => $"eni/{eniId}";

    // An array: a collection expression would make a list of a type of this assembly, and the host keeps what it is given longer than the plugin.
    public static IReadOnlyList<KernelObject> ForNode(IReadOnlyList<IAddressFamily> families) =>
        families.SelectMany(f => f.NodeObjects(null)).ToArray();

    public static IReadOnlyList<KernelObject> ForEni(
        NodeLink link, IReadOnlyList<int> tables, IReadOnlyList<EniSubnet> subnets, IReadOnlyList<IAddressFamily> families, NodeFacts node, PoolSettings settings)
    {
        // Families first: what they ask for holds before the link comes up.
        var objects = new List<KernelObject>(families.SelectMany(f => f.NodeObjects(link.Name))) { new KernelObject.Link(link.Name, settings.Mtu) };
        for (var f = 0; f < families.Count; f++)
        {
            // The node's own address, so that the kernel has one to ask the gateway's MAC address with.
            if (node.Addresses.FirstOrDefault(a => a.AddressFamily == families[f].Family) is { } own)
            {
                objects.Add(new KernelObject.Address(link.Name, own, FullLength(own)));
            }

            var any = new IPNetwork(AnyOf(subnets[f].Gateway), 0);
            objects.AddRange(tables.Select(table => new KernelObject.Route(link.Name, any, subnets[f].Gateway, table)));

            // To an address that no pod has, or none any more: the main table would send it on by the node's own ENI, whose address it does not come from.
            objects.Add(new KernelObject.Refusal(link.Name, families[f].Family, RefusalPriority));
        }

        return objects;
    }

    public static int FullLength(IPAddress address) => address.GetAddressBytes().Length * 8;

    public static IPAddress AnyOf(IPAddress address) => new(new byte[address.GetAddressBytes().Length]);
}
