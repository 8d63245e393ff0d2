using System.Net;

namespace Terway.Host.Kernel;

/// <summary>What the kernel still shows of an attached pod when no journal does: its link on the node, and the routes and rules with our mark.</summary>
/// <param name="HostLink">The node's end of the pod's veth.</param>
/// <param name="HostMac">Its MAC address.</param>
/// <param name="PodMac">MAC address of the pod's end; empty when no permanent neighbour entry names it.</param>
/// <param name="Mtu">Bytes.</param>
/// <param name="Addresses">Addresses that are routed to the link.</param>
/// <param name="Table">Routing table of what comes from the pod; 0 when there is no such rule.</param>
/// <param name="IsShaped">Whether a token bucket limits what the pod gets.</param>
internal sealed record PodTrace(string HostLink, string HostMac, string PodMac, int Mtu, IReadOnlyList<IPAddress> Addresses, int Table, bool IsShaped);
