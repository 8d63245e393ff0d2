using System.Net;
using System.Net.Sockets;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>Backends that several addresses of a Service share.</summary>
/// <param name="Port">Index into the Service's ports.</param>
/// <param name="Family">Of addresses and backends.</param>
/// <param name="Local">Whether only backends of this node are in it.</param>
internal readonly record struct SetKey(int Port, AddressFamily Family, bool Local);

/// <param name="Key">Which one.</param>
/// <param name="Backends">In order, each once.</param>
/// <param name="HasMembers">Whether clients come back to the backend that they had, which must then be known by its address too.</param>
internal sealed record PlannedSet(SetKey Key, SvcAddress[] Backends, bool HasMembers);

/// <param name="Address">What clients use.</param>
/// <param name="Set">Whom they get.</param>
/// <param name="Affinity">Seconds.</param>
/// <param name="Flags">For whom.</param>
internal sealed record PlannedFrontend(SvcAddress Address, SetKey Set, uint Affinity, SvcFrontendFlags Flags);

/// <summary>What the maps hold for one Service on one node.</summary>
internal sealed class ServicePlan
{
    private const byte Tcp = 6;
    private const byte Udp = 17;

    private readonly Dictionary<SetKey, PlannedSet> _sets = [];
    private readonly Dictionary<SvcAddress, PlannedFrontend> _frontends = [];

    private ServicePlan()
    {
    }

    public IReadOnlyDictionary<SetKey, PlannedSet> Sets => _sets;

    public IReadOnlyDictionary<SvcAddress, PlannedFrontend> Frontends => _frontends;

    public static ServicePlan Of(Service service, NodeView node)
    {
        var plan = new ServicePlan();
        for (var i = 0; i < service.Ports.Count; i++)
        {
            var port = service.Ports[i];
            // There are no hooks for SCTP: it stays with whoever else translates.
            if (port.Protocol is not ("TCP" or "UDP")) continue;
            foreach (var address in service.ClusterAddresses) plan.Add(service, i, address, port.Port, service.InternalLocal, SvcFrontendFlags.None, node);
            // Who is inside the cluster may meet all endpoints whatever the policy for those outside.
            foreach (var address in service.ExternalAddresses) plan.Add(service, i, address, port.Port, local: false, SvcFrontendFlags.None, node);
            if (port.NodePort == 0) continue;
            foreach (var family in service.ClusterAddresses.Select(static a => a.AddressFamily).Distinct())
            {
                foreach (var address in node.Addresses.Where(a => a.AddressFamily == family)) plan.Add(service, i, address, port.NodePort, local: false, SvcFrontendFlags.None, node);
                plan.Add(service, i, family == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback, port.NodePort, local: false, SvcFrontendFlags.NodeOnly, node);
            }
        }

        return plan;
    }

    private void Add(Service service, int index, IPAddress address, ushort number, bool local, SvcFrontendFlags flags, NodeView node)
    {
        if (!node.Has(address.AddressFamily)) return;
        var port = service.Ports[index];
        var proto = port.Protocol == "TCP" ? Tcp : Udp;
        var key = new SetKey(index, address.AddressFamily, local);
        var affinity = (uint)(service.Affinity?.TotalSeconds ?? 0);
        var frontend = new PlannedFrontend(SvcAddress.Of(address, number, proto), key, affinity, flags);
        // The same address as a cluster's and an external one: the first counts.
        if (!_frontends.TryAdd(frontend.Address, frontend) || _sets.ContainsKey(key)) return;
        _sets.Add(key, new PlannedSet(key, BackendChoice.Choose(port.Endpoints, address.AddressFamily, local, node), affinity > 0 || proto == Udp));
    }
}
