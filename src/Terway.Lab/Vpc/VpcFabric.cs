using System.Diagnostics;
using System.Net;
using Terway.Lab.Cloud;
using Terway.Lab.Vpc.Abi;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Lab.Vpc;

/// <summary>
/// The VPC of a region in the kernel: one namespace with a port for each ENI, joined by an eBPF program that forwards what a VPC would
/// and counts the rest by reason. Thread safe; calls are served one after the other and do their work before they return.
/// </summary>
public sealed partial class VpcFabric : IVpcFabric, IDisposable
{
    private readonly Lock _lock = new();
    private readonly VpcOptions _options;
    private readonly LabNamespaces _namespaces;
    private readonly VpcDatapath _datapath;
    private readonly RtnlSocket _rtnl;
    private readonly RtnlMonitor _monitor;
    private readonly SecurityGroupCompiler _groups = new();
    private readonly Dictionary<string, NetNs> _instances = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PluggedEni> _plugged = new(StringComparer.Ordinal);
    private readonly Dictionary<string, uint> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<IPNetwork, string> _holders = [];
    private readonly Dictionary<string, uint> _vswitches = new(StringComparer.Ordinal);
    private uint _nextId = Infrastructure.FirstEni;
    private int _nextPort = Infrastructure.FirstPortIndex;

    private VpcFabric(LabNamespaces namespaces, VpcOptions options, NetNs ns, VpcDatapath datapath, RtnlSocket rtnl)
    {
        _namespaces = namespaces;
        _options = options;
        _datapath = datapath;
        _rtnl = rtnl;
        NetNs = ns;
        _monitor = RtnlMonitor.Start(namespaces.Thread, ns, RtnlGroups.Links, PlugAgain, static e => Trace.TraceError($"ports of the VPC are not watched any more: {e}"));
    }

    /// <summary>Where the ports are. Nothing in it has an address.</summary>
    public NetNs NetNs { get; }

    /// <summary>Makes the VPC's namespace and loads the datapath. The fabric does not own <paramref name="namespaces"/>.</summary>
    public static VpcFabric Create(LabNamespaces namespaces, VpcOptions options)
    {
        ArgumentNullException.ThrowIfNull(namespaces);
        ArgumentNullException.ThrowIfNull(options);
        var ns = namespaces.Create("vpc");
        VpcDatapath? datapath = null;
        RtnlSocket? rtnl = null;
        try
        {
            // The ports must be silent: a router solicitation of theirs would reach the nodes.
            Terway.Linux.Sysctl.Write(namespaces.Thread, ns, "net/ipv6/conf/default/disable_ipv6", "1");
            Terway.Linux.Sysctl.Write(namespaces.Thread, ns, "net/ipv6/conf/all/disable_ipv6", "1");
            datapath = VpcDatapath.Load(options.ForOldKernel);
            rtnl = RtnlSocket.Open(namespaces.Thread, ns);
            foreach (var cidr in options.Cidrs)
                datapath.SetRoute(cidr, RouteKind.Local);
            return new VpcFabric(namespaces, options, ns, datapath, rtnl);
        }
        catch
        {
            rtnl?.Dispose();
            datapath?.Dispose();
            namespaces.Delete("vpc");
            throw;
        }
    }

    /// <summary>Says in which namespace an instance lives. To be called before its first ENI is plugged.</summary>
    public void AddInstance(string instanceId, NetNs ns)
    {
        lock (_lock)
            _instances[instanceId] = ns;
    }

    public void RemoveInstance(string instanceId)
    {
        lock (_lock)
            _instances.Remove(instanceId);
    }

    /// <summary>
    /// The instance's kernel starts anew in another namespace and finds its ENIs there: the primary one first, the others last one first, so that
    /// none can be told by the name or index that its link had.
    /// </summary>
    public void RestartInstance(string instanceId, NetNs ns)
    {
        lock (_lock)
        {
            var plugged = _plugged.Values.Where(p => p.Snapshot.InstanceId == instanceId).Select(static p => p.Snapshot).ToArray();
            foreach (var eni in plugged) Unplug(eni.Id);
            _instances[instanceId] = ns;
            foreach (var eni in plugged.Where(static e => e.Type != EniType.Member).OrderBy(static e => e.Type != EniType.Primary).ThenByDescending(static e => e.DeviceIndex))
                Connect(eni, instanceId);
            foreach (var member in plugged.Where(static e => e.Type == EniType.Member)) OpenVlan(member);
        }
    }

    /// <inheritdoc/>
    public Task PlugAsync(EniSnapshot eni, string instanceId, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(eni);
        lock (_lock)
        {
            if (_plugged.ContainsKey(eni.Id))
                throw new InvalidOperationException($"ENI {eni.Id} is plugged already");
            if (eni.Type == EniType.Member)
                OpenVlan(eni);
            else
                Connect(eni, instanceId);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task UnplugAsync(string eniId, CancellationToken ct)
    {
        lock (_lock)
            Unplug(eniId);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task UpdateEniAsync(EniSnapshot eni, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(eni);
        lock (_lock)
        {
            if (_plugged.TryGetValue(eni.Id, out var plugged))
                Apply(plugged with { Snapshot = eni }, plugged.Snapshot);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task RemoveEniAsync(string eniId, CancellationToken ct)
    {
        lock (_lock)
        {
            Unplug(eniId);
            if (_ids.Remove(eniId, out var id))
                _datapath.ForgetCounters(id);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task UpdateSecurityGroupAsync(SecurityGroupSnapshot securityGroup, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(securityGroup);
        lock (_lock)
        {
            _groups.Update(securityGroup);
            foreach (var plugged in _plugged.Values.Where(p => p.Snapshot.SecurityGroupIds.Contains(securityGroup.Id)))
                ApplyGroups(plugged);
        }

        return Task.CompletedTask;
    }

    /// <summary>Packets dropped so far, by reason, every reason present. Multicast and a host's own noise are in <see cref="Counters"/>.</summary>
    public IReadOnlyDictionary<string, long> Drops() =>
        _datapath.Drops().ToDictionary(static pair => WireNames.Of(pair.Key), static pair => pair.Value, StringComparer.Ordinal);

    /// <summary>forwarded, arp-reply, nd-reply, icmp-error, multicast, noise.</summary>
    public IReadOnlyDictionary<string, long> Counters() =>
        _datapath.Counters().ToDictionary(static pair => WireNames.Of(pair.Key), static pair => pair.Value, StringComparer.Ordinal);

    /// <summary>What one ENI sent, received and lost; null when the VPC never saw it.</summary>
    public EniTraffic? TrafficOf(string eniId)
    {
        lock (_lock)
            return _ids.TryGetValue(eniId, out var id) ? EniTraffic.From(_datapath.EniCounters(id)) : null;
    }

    /// <summary>Up to 1,024 of the last drops, latest first, equal ones folded.</summary>
    public IReadOnlyList<DropRecord> LastDrops()
    {
        Dictionary<uint, string> names;
        lock (_lock)
            names = _ids.ToDictionary(static pair => pair.Value, static pair => pair.Key);
        names[Infrastructure.ServicesEni] = "services";
        names[Infrastructure.NatEni] = "nat";
        return [.. _datapath.LastDrops()
            .OrderByDescending(static drop => drop.Value.SeenNs)
            .Select(drop => DropRecord.From(drop.Key, drop.Value, names.GetValueOrDefault(drop.Key.Eni)))];
    }

    public void ResetCounters() => _datapath.ResetCounters();

    public void Dispose()
    {
        // Outside of the lock, for which its handler may be waiting.
        _monitor.Dispose();
        lock (_lock)
        {
            _plugged.Clear();
            _rtnl.Dispose();
            // The ports, their filters and with them the program go with the namespace.
            DeletePorts();
            _datapath.Dispose();
            _namespaces.Delete("vpc");
        }
    }

    /// <summary>Connects the services' or the NAT's namespace by a link that is no ENI.</summary>
    internal void ConnectInfrastructure(uint id, EniFlags flags, string name, MacAddress mac, NetNs peer, string peerName, IEnumerable<IPNetwork> behind)
    {
        lock (_lock)
        {
            var port = _nextPort++;
            _datapath.SetEni(new EniEntry { Id = id, IfIndex = (uint)port, Mac = AddressBytes.Mac(mac.ToString()), Flags = flags });
            _datapath.SetPort(port, 0, id);
            foreach (var network in behind)
                _datapath.SetRoute(network, RouteKind.Link, id);
            AddPort(port, name, new LinkSpec { Name = peerName, NetNs = peer, Mac = mac, Mtu = _options.Mtu });
        }
    }

    private void Apply(PluggedEni plugged, EniSnapshot? before)
    {
        var eni = plugged.Snapshot;
        var added = eni.Sources.Except(before?.Sources ?? []).ToArray();
        foreach (var address in added)
        {
            if (_holders.TryGetValue(address, out var holder) && holder != eni.Id)
                throw new InvalidOperationException($"address {address} cannot be given to ENI {eni.Id}: {holder} still has it");
        }

        ApplyGroups(plugged);
        _plugged[eni.Id] = plugged;
        _datapath.SetPort(plugged.Port, plugged.Vlan, plugged.Id);
        foreach (var address in added)
        {
            _holders[address] = eni.Id;
            _datapath.SetAddress(address, plugged.Id);
        }

        foreach (var address in before?.Sources.Except(eni.Sources) ?? [])
            ReleaseAddress(address, eni.Id);
    }

    private void ApplyGroups(PluggedEni plugged)
    {
        var eni = plugged.Snapshot;
        _datapath.SetPolicy(plugged.Id, Direction.Egress, _groups.Compile(eni, Direction.Egress));
        _datapath.SetPolicy(plugged.Id, Direction.Ingress, _groups.Compile(eni, Direction.Ingress));
        _datapath.SetEni(new EniEntry
        {
            Id = plugged.Id,
            IfIndex = (uint)plugged.Port,
            Vlan = (ushort)plugged.Vlan,
            Mac = AddressBytes.Mac(eni.Mac),
            Vswitch = VSwitchNumber(eni.VSwitchId),
            Gateway = AddressBytes.Of(eni.Gateway),
            Gateway6 = eni.Ipv6Gateway is { } gateway ? AddressBytes.Of(gateway) : default,
            Groups = _groups.Bits(eni.SecurityGroupIds),
        });
    }

    private void ReleaseAddress(IPNetwork address, string eniId)
    {
        if (_holders.TryGetValue(address, out var holder) && holder == eniId)
        {
            _holders.Remove(address);
            _datapath.RemoveAddress(address);
        }
    }

    private uint IdOf(string eniId)
    {
        if (!_ids.TryGetValue(eniId, out var id))
            _ids[eniId] = id = _nextId++;
        return id;
    }

    private uint VSwitchNumber(string id)
    {
        if (!_vswitches.TryGetValue(id, out var number))
            _vswitches[id] = number = (uint)_vswitches.Count + 1;
        return number;
    }

    private sealed record PluggedEni(uint Id, int Port, int Vlan, EniSnapshot Snapshot, string InstanceId);
}
