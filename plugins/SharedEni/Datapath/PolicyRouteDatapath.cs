using System.Composition;
using Terway.Plugins.PolicyRouting;

namespace Terway.Plugins.SharedEni.Datapath;

/// <summary>Carries pods by a veth and policy routing through the node's stack, see <see cref="PolicyRoutePlan"/>.</summary>
[Export(typeof(IDatapath))]
[Shared]
public sealed class PolicyRouteDatapath : IDatapath
{
    private readonly IPluginHost _host;

    /// <summary>Made by the composition.</summary>
    [ImportingConstructor]
    public PolicyRouteDatapath(IPluginHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        _host = host;
    }

    /// <inheritdoc/>
    public ClaimStrength Carries(PodInterface pod, Allocation allocation)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        return allocation.Vlan is null ? ClaimStrength.Default : ClaimStrength.None;
    }

    /// <inheritdoc/>
    public IReadOnlyList<KernelObject> Plan(Attachment attachment)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        return PolicyRoutePlan.Of(attachment, _host.Families);
    }
}
