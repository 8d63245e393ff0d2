using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.PolicyRouting;

namespace Terway.Plugins.DataPathV2.Datapath;

/// <summary>
/// The objects of an accelerated pod: everything that policy routing has, since the node's stack stays the way for whatever the programs leave to
/// it, and a pod is served by it when they are gone; then the pod's addresses, by which the programs of others find it; and at last its own programs, which
/// would take a pod without an entry for one that lies about its address.
/// </summary>
internal static class AcceleratedPlan
{
    public static List<KernelObject> Of(Attachment attachment, IReadOnlyList<IAddressFamily> families, Pacing pacing)
    {
        var limits = pacing.LimitsOf(attachment);
        var objects = PolicyRoutePlan.Of(WithoutPaced(attachment, limits), families);
        // Also of a pod without limits: what a limited pod sends to it waits there.
        if (pacing.IsByTime) objects.Add(new KernelObject.FairQueue(attachment.HostLinkName));
        if (limits != default) objects.AddRange(attachment.Allocation.Addresses.Select(address => Entries.Of(limits, address.Address, attachment.HostLinkName)));
        objects.AddRange(attachment.Allocation.Addresses.Select(address => Entries.Of(attachment, address.Address, limits)));
        objects.Add(Program(attachment, ingress: false, DatapathPins.ToPod));
        objects.Add(Program(attachment, ingress: true, DatapathPins.FromPod));
        return objects;
    }

    // What departure times keep needs no token bucket.
    private static Attachment WithoutPaced(Attachment attachment, PodLimits limits) => attachment with
    {
        Pod = attachment.Pod with
        {
            EgressBytesPerSecond = limits.Egress > 0 ? 0 : attachment.Pod.EgressBytesPerSecond,
            IngressBytesPerSecond = limits.Ingress > 0 ? 0 : attachment.Pod.IngressBytesPerSecond,
        },
    };

    // Of the host's end of the veth: it receives what the pod sends.
    private static KernelObject.TcProgram Program(Attachment attachment, bool ingress, string program) =>
        new(attachment.HostLinkName, ingress, DatapathPins.PathOf(program), DatapathPins.FilterPriority);
}
