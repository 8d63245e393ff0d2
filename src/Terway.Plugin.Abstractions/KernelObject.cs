using System.Net;
using System.Net.Sockets;
using System.Text.Json.Serialization;

namespace Terway.Plugin;

/// <summary>
/// One object in the kernel that a plugin asks for. A value: two equal objects are the same object. The host knows how to make each kind
/// idempotently, how to find it again and how to take it away; it marks routes and rules as its own (rtm_protocol 201), so that foreign ones are
/// never touched.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(Veth), "veth")]
[JsonDerivedType(typeof(Nic), "nic")]
[JsonDerivedType(typeof(Link), "link")]
[JsonDerivedType(typeof(Address), "address")]
[JsonDerivedType(typeof(Route), "route")]
[JsonDerivedType(typeof(Rule), "rule")]
[JsonDerivedType(typeof(Refusal), "refusal")]
[JsonDerivedType(typeof(Neighbour), "neighbour")]
[JsonDerivedType(typeof(TokenBucket), "tokenBucket")]
[JsonDerivedType(typeof(FairQueue), "fairQueue")]
[JsonDerivedType(typeof(Sysctl), "sysctl")]
public abstract partial record KernelObject
{
    private protected KernelObject()
    {
    }

    /// <summary>
    /// True for an object in the pod's network namespace, false for one on the node. Objects in a pod go with its namespace; a <see cref="Nic"/>, which
    /// is the node's wherever it is, does not.
    /// </summary>
    public bool InPod { get; init; }

    /// <summary>A veth pair: one end on the node, the other made directly in the pod. Both ends are up. Its removal takes everything on it along.</summary>
    /// <param name="Name">The node's end.</param>
    /// <param name="PodName">The pod's end.</param>
    /// <param name="Mac">MAC address of the node's end.</param>
    /// <param name="PodMac">MAC address of the pod's end.</param>
    /// <param name="Mtu">MTU of both ends in bytes.</param>
    public sealed record Veth(string Name, string PodName, string Mac, string PodMac, int Mtu) : KernelObject;

    /// <summary>
    /// A link of the node moved into the pod under another name, and brought up there. It never goes with the pod's namespace: its removal brings it
    /// back, and where the namespace is gone already, and the kernel has put the link back by itself, makes it what it was. On the node it is down,
    /// without addresses, and has its old name, unless another link has taken that meanwhile, and its old MTU. Addresses, routes and queueing
    /// disciplines it had in the pod stay behind.
    /// </summary>
    /// <param name="On">The link as the node has it. It is found again by its MAC address.</param>
    /// <param name="PodName">Its name in the pod.</param>
    /// <param name="Mtu">Its MTU in the pod, in bytes.</param>
    public sealed record Nic(NodeLink On, string PodName, int Mtu) : KernelObject;

    /// <summary>An existing link brought up. It is left up when the object is removed.</summary>
    /// <param name="Name">The link.</param>
    /// <param name="Mtu">MTU in bytes; 0 leaves it as it is.</param>
    public sealed record Link(string Name, int Mtu = 0) : KernelObject;

    /// <summary>An address on a link, without duplicate-address detection.</summary>
    /// <param name="LinkName">The link.</param>
    /// <param name="Ip">The address.</param>
    /// <param name="PrefixLength">Its prefix length.</param>
    public sealed record Address(string LinkName, IPAddress Ip, int PrefixLength) : KernelObject;

    /// <summary>A unicast route.</summary>
    /// <param name="LinkName">Outgoing link.</param>
    /// <param name="Destination">Destination; 0.0.0.0/0 or ::/0 is the default route.</param>
    /// <param name="Gateway">Next hop, taken as on-link; null makes a route of scope link.</param>
    /// <param name="Table">Routing table id; 254 is main.</param>
    public sealed record Route(string LinkName, IPNetwork Destination, IPAddress? Gateway = null, int Table = 254) : KernelObject;

    /// <summary>A policy-routing rule that looks up a table.</summary>
    /// <param name="Priority">Its priority; 512 to a pod, 2048 from a pod.</param>
    /// <param name="From">Source prefix, or null.</param>
    /// <param name="To">Destination prefix, or null.</param>
    /// <param name="Table">Routing table id.</param>
    public sealed record Rule(int Priority, IPNetwork? From, IPNetwork? To, int Table) : KernelObject;

    /// <summary>
    /// A policy-routing rule that ends the way of what arrives on a link and no rule before it took: the sender is told that it is unreachable, and
    /// nothing is forwarded.
    /// </summary>
    /// <param name="LinkName">Incoming link, by name: the rule holds for whichever link has it.</param>
    /// <param name="Family">Address family.</param>
    /// <param name="Priority">Its priority: between those of rules that lead to pods and those that lead out.</param>
    public sealed record Refusal(string LinkName, AddressFamily Family, int Priority) : KernelObject;

    /// <summary>A permanent neighbour entry.</summary>
    /// <param name="LinkName">The link.</param>
    /// <param name="Ip">The neighbour's address.</param>
    /// <param name="Mac">Its MAC address.</param>
    public sealed record Neighbour(string LinkName, IPAddress Ip, string Mac) : KernelObject;

    /// <summary>A token bucket filter as root queueing discipline (handle 1:) of a link.</summary>
    /// <param name="LinkName">The link whose transmissions are limited.</param>
    /// <param name="BytesPerSecond">Rate.</param>
    /// <param name="BurstBytes">Bucket size.</param>
    /// <param name="LimitBytes">Queue limit.</param>
    public sealed record TokenBucket(string LinkName, long BytesPerSecond, int BurstBytes, int LimitBytes) : KernelObject;

    /// <summary>
    /// Fair queueing (sch_fq) for what a link sends, which keeps each packet until the departure time that a program has given to it; packets
    /// without one leave at once. Below mq, one for each hardware queue. It takes the place of the kernel's default and of a <see cref="TokenBucket"/>
    /// of the host's on a pod's link. A root queueing discipline that somebody else put there is never replaced: one that is fq is taken as it is, any other
    /// fails the plan.
    /// </summary>
    /// <param name="LinkName">The link.</param>
    public sealed record FairQueue(string LinkName) : KernelObject;

    /// <summary>A sysctl below /proc/sys. On the node the value found first is put back when the object is removed.</summary>
    /// <param name="Path">Such as <c>net/ipv4/ip_forward</c>.</param>
    /// <param name="Value">Its value.</param>
    public sealed record Sysctl(string Path, string Value) : KernelObject;
}
