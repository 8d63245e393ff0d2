namespace Terway.Plugin;

/// <summary>A pod interface with its allocation, as datapaths and stages see it.</summary>
public sealed record Attachment
{
    /// <summary>The pod's interface.</summary>
    public required PodInterface Pod { get; init; }

    /// <summary>What it was given.</summary>
    public required Allocation Allocation { get; init; }

    /// <summary>The node's link with <see cref="Terway.Plugin.Allocation.EniMac"/>.</summary>
    public required NodeLink EniLink { get; init; }

    /// <summary>
    /// Name for the node's end of a veth: <c>cali</c> and 11 hex digits, as upstream Terway and policy engines expect.
    /// </summary>
    public required string HostLinkName { get; init; }

    /// <summary>MAC address chosen for <see cref="HostLinkName"/>.</summary>
    public required string HostLinkMac { get; init; }

    /// <summary>MAC address chosen for the pod's end of a veth.</summary>
    public required string PodLinkMac { get; init; }

    /// <summary>MTU of the pod's interface in bytes.</summary>
    public required int Mtu { get; init; }
}
