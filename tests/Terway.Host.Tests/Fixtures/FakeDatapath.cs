using System.Net;
using Terway.Plugin;

namespace Terway.Host.Tests.Fixtures;

/// <summary>Plans a veth with what policy routing needs.</summary>
internal sealed class FakeDatapath : IDatapath
{
    /// <summary>Throws instead of planning.</summary>
    public Exception? Failure { get; set; }

    /// <summary>As another version of it plans.</summary>
    public Func<IReadOnlyList<KernelObject>, IReadOnlyList<KernelObject>> Change { get; set; } = static plan => plan;

    /// <summary>The ENI's NIC goes into the pod as well.</summary>
    public bool MovesNic { get; set; }

    public ClaimStrength Carries(PodInterface pod, Allocation allocation) => ClaimStrength.Default;

    public IReadOnlyList<KernelObject> Plan(Attachment attachment)
    {
        if (Failure is not null) throw Failure;
        var address = attachment.Allocation.Addresses[0].Address;
        var host = new IPNetwork(address, 32);
        return Change(
        [
            .. MovesNic ? [new KernelObject.Nic(attachment.EniLink, "nic0", attachment.Mtu)] : Array.Empty<KernelObject>(),
            new KernelObject.Veth(attachment.HostLinkName, attachment.Pod.IfName, attachment.HostLinkMac, attachment.PodLinkMac, attachment.Mtu),
            new KernelObject.Address(attachment.Pod.IfName, address, 32) { InPod = true },
            new KernelObject.Route(attachment.HostLinkName, host),
            new KernelObject.Rule(512, null, host, 254),
            new KernelObject.Rule(2048, host, null, 1005),
        ]);
    }
}

/// <summary>A stage that can be stopped at its steps.</summary>
internal sealed class FakeStage(Steps steps, int order) : IPodStage
{
    public int Order => order;

    public Task AttachAsync(Attachment attachment, CancellationToken cancellationToken) => steps.PassAsync($"stage {order} attach", cancellationToken);

    public Task DetachAsync(Attachment attachment, CancellationToken cancellationToken) => steps.PassAsync($"stage {order} detach", cancellationToken);
}
