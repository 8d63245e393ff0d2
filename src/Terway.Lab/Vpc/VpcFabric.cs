using System.Globalization;
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
public sealed class VpcFabric : IVpcFabric, IDisposable
{
    private readonly Lock _lock = new();
    private readonly VpcOptions _options;
    private readonly LabNamespaces _namespaces;
    private readonly VpcDatapath _datapath;
    private readonly RtnlSocket _rtnl;
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
            datapath = VpcDatapath.Load();
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

    private void Connect(EniSnapshot eni, string instanceId)
    {
        if (!_instances.TryGetValue(instanceId, out var instance))
            throw new InvalidOperationException($"ENI {eni.Id} cannot be plugged: the VPC knows no instance {instanceId}");
        var port = _nextPort++;
        var id = IdOf(eni.Id);
        Apply(new PluggedEni(id, port, 0, eni), null);
        try
        {
            AddPort(port, string.Create(CultureInfo.InvariantCulture, $"port{id}"), new LinkSpec
            {
                Name = FreeLinkName(instance),
                NetNs = instance,
                Mac = MacAddress.Parse(eni.Mac),
                Mtu = _options.Mtu,
                // An ENI comes with the defaults of a NIC: one queue and a queue length.
                TxQueues = 1,
                RxQueues = 1,
                TxQueueLength = 1000,
            });
        }
        catch
        {
            Unplug(eni.Id);
            throw;
        }
    }

    /// <summary>A member ENI has no link: its packets are those of its VLAN on the trunk's.</summary>
    private void OpenVlan(EniSnapshot eni)
    {
        if (eni.TrunkEniId is not { } trunkId || eni.Vlan is not { } vlan)
            throw new InvalidOperationException($"member ENI {eni.Id} has no trunk ENI or no VLAN");
        if (!_plugged.TryGetValue(trunkId, out var trunk) || trunk.Snapshot.Type != EniType.Trunk)
            throw new InvalidOperationException($"member ENI {eni.Id} cannot be plugged: {trunkId} is not a plugged trunk ENI");
        if (_plugged.Values.FirstOrDefault(p => p.Port == trunk.Port && p.Vlan == vlan) is { } other)
            throw new InvalidOperationException($"member ENI {eni.Id} cannot be plugged: VLAN {vlan} of {trunkId} is {other.Snapshot.Id}'s");
        Apply(new PluggedEni(IdOf(eni.Id), trunk.Port, vlan, eni), null);
    }

    private void Unplug(string eniId)
    {
        if (!_plugged.TryGetValue(eniId, out var plugged))
            return;
        if (plugged.Vlan == 0)
        {
            foreach (var member in _plugged.Values.Where(p => p.Port == plugged.Port && p.Vlan != 0).ToArray())
                Forget(member);
        }

        Forget(plugged);
        if (plugged.Vlan != 0)
            return;
        // Deleting this end deletes the other one, in whichever namespace it is by now.
        using var batch = new RtnlBatch();
        batch.LinkDelete(plugged.Port).Ignore(Terway.Linux.Errno.ENODEV);
        _rtnl.ExecuteOrThrow(batch);
    }

    private void Forget(PluggedEni plugged)
    {
        _plugged.Remove(plugged.Snapshot.Id);
        _datapath.RemovePort(plugged.Port, plugged.Vlan);
        foreach (var address in plugged.Snapshot.Sources)
            ReleaseAddress(address, plugged.Snapshot.Id);
        _datapath.RemoveEni(plugged.Id);
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

    private void AddPort(int index, string name, in LinkSpec peer)
    {
        using var batch = new RtnlBatch();
        batch.VethAdd(new VethSpec
        {
            Link = new LinkSpec { Name = name, Index = index, Mac = Infrastructure.PortMac, Mtu = _options.Mtu, Up = true },
            Peer = peer,
        });
        batch.QdiscAdd(QdiscSpec.ForClsact(index));
        batch.BpfFilterAdd(new BpfFilterSpec
        {
            LinkIndex = index,
            Parent = TcHandle.Ingress,
            Priority = 1,
            Handle = 1,
            ProgramFd = _datapath.ProgramFd,
            Name = "lab_vpc",
        });
        _rtnl.ExecuteOrThrow(batch);
    }

    private void DeletePorts()
    {
        using var rtnl = RtnlSocket.Open(_namespaces.Thread, NetNs);
        using var batch = new RtnlBatch();
        foreach (var link in rtnl.DumpLinks().Where(static link => link.Index >= Infrastructure.FirstPortIndex))
            batch.LinkDelete(link.Index).Ignore(Terway.Linux.Errno.ENODEV);
        if (batch.Count > 0)
            rtnl.ExecuteOrThrow(batch);
    }

    /// <summary>What the kernel would call the next NIC: the lowest ethN that is free in the instance.</summary>
    private string FreeLinkName(NetNs instance)
    {
        using var rtnl = RtnlSocket.Open(_namespaces.Thread, instance);
        var taken = rtnl.DumpLinks().Select(static link => link.Name).ToHashSet(StringComparer.Ordinal);
        return Enumerable.Range(0, int.MaxValue)
            .Select(static n => string.Create(CultureInfo.InvariantCulture, $"eth{n}"))
            .First(name => !taken.Contains(name));
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

    private sealed record PluggedEni(uint Id, int Port, int Vlan, EniSnapshot Snapshot);
}
