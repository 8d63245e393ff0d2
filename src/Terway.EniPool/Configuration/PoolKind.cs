namespace Terway.EniPool.Configuration;

/// <summary>
/// How pods use the ENIs of a pool: everything in which one plugin's pool differs from another's. The engine asks these questions, and nowhere which
/// plugin it serves.
/// </summary>
internal sealed record PoolKind
{
    /// <summary>Name of the plugin, which names its meter.</summary>
    public required string Plugin { get; init; }

    /// <summary>Value of the tag <c>terway-pool</c>: ENIs with another one are another plugin's, and left alone.</summary>
    public required string Tag { get; init; }

    /// <summary>Description of new ENIs, for whoever looks at them in the console.</summary>
    public required string Description { get; init; }

    /// <summary>A node joins a cluster only with more pods than this (ACK's rule).</summary>
    public required int JoinThreshold { get; init; }

    /// <summary>Pods that an ENI serves, each with one of the ENI's addresses of every family; null when only the number of addresses limits it.</summary>
    public int? PodsPerEni { get; init; }

    /// <summary>
    /// A pod takes the ENI's link along into its namespace. Then the node routes nothing over the link, and that it is not on the node says nothing
    /// while a pod has the ENI.
    /// </summary>
    public bool LinkGoesToPod { get; init; }
}
