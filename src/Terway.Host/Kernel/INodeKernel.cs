using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>The node's kernel as the daemon uses it: kernel objects made, compared and taken away. Thread-safe.</summary>
internal interface INodeKernel
{
    /// <summary>A link of the node by MAC address, from memory; null when there is none now.</summary>
    NodeLink? FindLink(string mac);

    /// <summary>Waits until a link with this MAC address is there.</summary>
    /// <exception cref="TimeoutException">It did not come in time.</exception>
    Task<NodeLink> WaitForLinkAsync(string mac, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>Ends when no link has this MAC address.</summary>
    Task WaitForLinkGoneAsync(string mac, CancellationToken cancellationToken);

    /// <summary>Makes the objects in order. What is there already in the same form stays; what is there in another form is replaced.</summary>
    /// <param name="objects">Any of a plan.</param>
    /// <param name="netNsPath">Namespace of the objects in the pod; null when there are none.</param>
    /// <exception cref="PodNetworkException">The kernel refused one; those before it exist.</exception>
    Task ApplyAsync(IReadOnlyList<KernelObject> objects, string? netNsPath);

    /// <summary>
    /// Makes objects of a plan again, unless <paramref name="wanted"/> says no when it is this call's turn: whoever takes a plan away says so
    /// first and removes in a turn of its own, so that nothing comes back after it was removed.
    /// </summary>
    /// <returns>False when it was not wanted any more.</returns>
    /// <inheritdoc cref="ApplyAsync" path="/exception"/>
    Task<bool> RepairAsync(IReadOnlyList<KernelObject> objects, string? netNsPath, Func<bool> wanted);

    /// <summary>
    /// Brings NICs back from a pod, and makes them on the node what they were. One that is home already is only put in order; of one that is nowhere
    /// nothing is known, and it is no error: its ENI is detached, or its namespace is about to hand it back.
    /// </summary>
    /// <param name="nics">Those of one plan.</param>
    /// <param name="netNsPath">The pod's namespace, if there is still one.</param>
    /// <param name="netNsInode">What tells that namespace from another one at the same path.</param>
    /// <exception cref="PodNetworkException">The kernel refused.</exception>
    Task ReturnNicsAsync(IReadOnlyList<KernelObject.Nic> nics, string netNsPath, ulong netNsInode);

    /// <summary>Takes away what exists of the objects on the node, but for NICs, see <see cref="ReturnNicsAsync"/>; those in a pod go with its link or its namespace.</summary>
    /// <exception cref="PodNetworkException">The kernel refused to remove one.</exception>
    Task RemoveAsync(IReadOnlyList<IReadOnlyList<KernelObject>> plans);

    /// <summary>The objects that do not exist as they should, each as a short text such as <c>rule 512 to 10.0.0.5/32 lookup main</c>.</summary>
    Task<IReadOnlyList<string>> FindMissingAsync(IReadOnlyList<KernelObject> objects, string? netNsPath);

    /// <summary>The same for many plans by one look at the node, leaving out what is in pods; one list for each plan.</summary>
    Task<IReadOnlyList<IReadOnlyList<MissingObject>>> FindMissingOnNodeAsync(IReadOnlyList<IReadOnlyList<KernelObject>> plans);

    /// <summary>Takes away routes and rules that carry our mark and are in no plan; returns how many there were.</summary>
    /// <param name="plans">Asked for when nobody else makes or removes anything: a plan is known before its first object is made.</param>
    Task<int> RemoveUnplannedAsync(Func<IReadOnlyList<IReadOnlyList<KernelObject>>> plans);

    /// <summary>A sysctl of the node, or null when there is no such parameter.</summary>
    string? ReadSysctl(string path);
}
