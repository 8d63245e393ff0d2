using System.Net.Sockets;
using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>Which address family a kernel object is about.</summary>
internal static class ObjectFamily
{
    /// <summary>The family; null for an object of none, such as a link.</summary>
    public static AddressFamily? Of(KernelObject o) => o switch
    {
        KernelObject.Address address => address.Ip.AddressFamily,
        KernelObject.Route route => route.Destination.BaseAddress.AddressFamily,
        KernelObject.Rule rule => (rule.From ?? rule.To)?.BaseAddress.AddressFamily,
        KernelObject.Refusal refusal => refusal.Family,
        KernelObject.Neighbour neighbour => neighbour.Ip.AddressFamily,
        KernelObject.Sysctl { Path: var path } when path.StartsWith("net/ipv6/", StringComparison.Ordinal) => AddressFamily.InterNetworkV6,
        KernelObject.Sysctl { Path: var path } when path.StartsWith("net/ipv4/", StringComparison.Ordinal) => AddressFamily.InterNetwork,
        _ => null,
    };
}
