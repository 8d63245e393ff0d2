using System.Net.Sockets;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>Which endpoints of a port serve the clients of this node: as kube-proxy decides it, from Kubernetes 1.33 on.</summary>
internal static class BackendChoice
{
    /// <returns>Each once, in an order that depends on nothing but themselves.</returns>
    /// <param name="endpoints">All of the port's.</param>
    /// <param name="family">Of the address that clients use.</param>
    /// <param name="local">Only those on the node.</param>
    /// <param name="node">The node.</param>
    public static SvcAddress[] Choose(IReadOnlyList<ServiceEndpoint> endpoints, AddressFamily family, bool local, NodeView node)
    {
        var all = endpoints.Where(e => e.Address.AddressFamily == family && (!local || e.Node == node.Name)).ToList();
        var ready = all.Where(static e => e.Ready).ToList();
        if (!local && ready.Count > 0) ready = OfZone(ready, node.Zone);
        // Rather one that is about to go than none.
        var chosen = ready.Count > 0 ? ready : all.Where(static e => e.Serving && e.Terminating);
        return [.. chosen.Select(static e => SvcAddress.Of(e.Address, e.Port)).Distinct().Order()];
    }

    // Hints count when every ready endpoint has some, and one has them for this zone: else clients of a zone would be left without.
    private static List<ServiceEndpoint> OfZone(List<ServiceEndpoint> ready, string zone)
    {
        if (zone.Length == 0 || ready.Exists(static e => e.Zones.Count == 0)) return ready;
        var own = ready.Where(e => e.Zones.Contains(zone)).ToList();
        return own.Count > 0 ? own : ready;
    }
}
