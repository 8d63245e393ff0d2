namespace Terway.Plugin;

/// <summary>
/// Says which kernel objects carry a pod's allocation. It does not touch the kernel itself: the host journals the objects, makes them in the given
/// order, compares them with the kernel on CHECK and when somebody removed one, and takes them away in reverse order, even when this plugin is gone.
/// </summary>
public interface IDatapath
{
    /// <summary>Whether this datapath can carry the allocation. Must be cheap and must not block.</summary>
    ClaimStrength Carries(PodInterface pod, Allocation allocation);

    /// <summary>The objects of one attachment. A pure function of its argument and of the settings: it is called again after a restart.</summary>
    /// <exception cref="PodNetworkException">The allocation cannot be carried on this node.</exception>
    IReadOnlyList<KernelObject> Plan(Attachment attachment);
}
