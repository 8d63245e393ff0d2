using System.Security.Cryptography;
using System.Text;
using Terway.Plugin;

namespace Terway.Host.Pods;

/// <summary>Names and MAC addresses of a pod's links.</summary>
internal static class LinkNaming
{
    /// <summary>
    /// The node's end of a veth, as upstream Terway and Calico's Felix name it: <c>cali</c> and the first 11 hex digits of
    /// SHA-1("namespace.pod" + interface), the interface left out when it is eth0. A sandbox without a pod is named by its container id.
    /// </summary>
    public static string HostLink(PodInterface pod)
    {
        var owner = pod.Name.Length > 0 ? $"{pod.Namespace}.{pod.Name}" : pod.ContainerId;
        var text = owner + (pod.IfName is "eth0" or "" ? "" : pod.IfName);
#pragma warning disable CA5350 // a name, not a secret; it must be the one other components compute
        var hash = SHA1.HashData(Encoding.UTF8.GetBytes(text));
#pragma warning restore CA5350
        return "cali" + Convert.ToHexStringLower(hash)[..11];
    }

    /// <summary>A locally administered unicast MAC address, the same for the same interface, so that a repeated ADD asks for the same link.</summary>
    public static string Mac(PodInterface pod, string end) => Mac(pod.ContainerId, pod.IfName, end);

    /// <summary>MAC address of the pod's end of a sandbox's interface.</summary>
    public static string PodMac(string containerId, string ifName) => Mac(containerId, ifName, "pod");

    private static string Mac(string containerId, string ifName, string end)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{containerId}\0{ifName}\0{end}"));
        var first = (hash[0] & 0xFC) | 0x02;
        return $"{first:x2}:{hash[1]:x2}:{hash[2]:x2}:{hash[3]:x2}:{hash[4]:x2}:{hash[5]:x2}";
    }
}
