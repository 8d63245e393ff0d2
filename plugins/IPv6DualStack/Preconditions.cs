using System.Net.Sockets;
using Terway.AlibabaCloud.Network;

namespace Terway.Plugins.IPv6DualStack;

/// <summary>What dual stack needs and a configuration cannot tell: each lack is a finding of its own.</summary>
internal static class Preconditions
{
    private const string HighPerformance = "HighPerformance";

    /// <summary>What is wrong with the node itself, for as long as this process lives; null when nothing is.</summary>
    public static Finding? OfNode(NodeFacts node, bool kernelHasIpv6)
    {
        if (!kernelHasIpv6)
        {
            return new(FindingSeverity.Error, "the kernel was booted without IPv6 (there is no /proc/sys/net/ipv6)",
                "remove ipv6.disable=1 from the kernel's command line and reboot, or take IPv6DualStack out of the pool's plugins");
        }

        if (node.EniIpv6AddressQuantity <= 0)
        {
            return new(FindingSeverity.Error, $"ENIs of {node.InstanceType} have no IPv6 addresses (EniIpv6AddressQuantity {node.EniIpv6AddressQuantity})",
                "use an instance type with as many IPv6 as IPv4 addresses per ENI, or take IPv6DualStack out of the pool's plugins");
        }

        return node.Addresses.Count > 0 && node.Addresses[0].AddressFamily != AddressFamily.InterNetwork
            ? new(FindingSeverity.Error, $"the node has no IPv4 address, only {string.Join(", ", node.Addresses)}: nodes talk to the control plane over IPv4",
                "give the primary ENI's link its IPv4 address")
            : null;
    }

    /// <summary>What is wrong with the vSwitches that new ENIs may come from, by path.</summary>
    /// <param name="found">By id; null for one that does not exist, which is told by whoever gives addresses.</param>
    public static IReadOnlyDictionary<string, Finding> OfVSwitches(IReadOnlyDictionary<string, VSwitch?> found)
    {
        string[] without = [.. found.Where(static f => f.Value is { } v && Ipv6Json.Subnet(v.Raw) is null).Select(static f => f.Key)];
        // With another vSwitch new pods are served all the same.
        var severity = without.Length == found.Count ? FindingSeverity.Error : FindingSeverity.Warning;
        return without.ToDictionary(
            static id => $"vswitch/{id}",
            id => new Finding(severity, $"vSwitch {id} has no IPv6 CIDR: no ENI of it can have IPv6 addresses",
                "turn on IPv6 for the VPC and this vSwitch, or take it out of vswitches; it is looked at again every minute"));
    }

    /// <summary>What is wrong with the ENIs of this instance, by path.</summary>
    public static IReadOnlyDictionary<string, Finding> OfEnis(IReadOnlyList<Eni> enis) => enis
        .Where(static e => e.NetworkInterfaceTrafficMode == HighPerformance)
        .ToDictionary(
            static e => $"eni/{e.NetworkInterfaceId}",
            static e => new Finding(FindingSeverity.Error, $"ENI {e.NetworkInterfaceId} of this instance has eRDMA (traffic mode {HighPerformance}), which excludes dual stack",
                "remove the eRDMA ENI, or take IPv6DualStack out of the pool's plugins; it is looked at again every minute"));
}
