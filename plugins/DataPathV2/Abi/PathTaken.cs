namespace Terway.Plugins.DataPathV2.Abi;

/// <summary>Which way a packet took, as in dp_abi.h. What begins with Stack was left to the node's own stack, and why.</summary>
internal enum PathTaken : uint
{
    PodToPod = 0,
    PodToVpc = 1,
    VpcToPod = 2,

    /// <summary>ARP, neighbour discovery, multicast, broadcast, loopback.</summary>
    StackControl = 3,

    /// <summary>The node's addresses and networks that are configured so.</summary>
    StackCidr = 4,

    /// <summary>The main table knows a way on the node itself.</summary>
    StackRoute = 5,

    /// <summary>The other direction of the flow goes through the stack, which may have translated it.</summary>
    StackFlow = 6,
    StackFragment = 7,

    /// <summary>IP options, extension headers, unreadable headers from outside.</summary>
    StackHeader = 8,
    StackTtl = 9,
    StackMtu = 10,

    /// <summary>The pod's ENI is not there now, or has no gateway of that family.</summary>
    StackEni = 11,

    /// <summary>From an ENI to no pod of this node.</summary>
    StackNode = 12,

    /// <summary>IPv6 on a node without it.</summary>
    StackFamily = 13,

    /// <summary>From the stack to a pod.</summary>
    StackToPod = 14,
}
