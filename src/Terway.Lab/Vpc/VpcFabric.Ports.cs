using System.Diagnostics;
using System.Globalization;
using Terway.Lab.Cloud;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Lab.Vpc;

/// <content>Links: the ports and the ENIs at their other ends. Called under the lock.</content>
public sealed partial class VpcFabric
{
    private void Connect(EniSnapshot eni, string instanceId)
    {
        if (!_instances.TryGetValue(instanceId, out var instance))
            throw new InvalidOperationException($"ENI {eni.Id} cannot be plugged: the VPC knows no instance {instanceId}");
        var port = _nextPort++;
        var id = IdOf(eni.Id);
        var plugged = new PluggedEni(id, port, 0, eni, instanceId);
        Apply(plugged, null);
        try
        {
            AddNic(plugged, FreeLinkName(instance), instance);
        }
        catch
        {
            Unplug(eni.Id);
            throw;
        }
    }

    /// <summary>
    /// A NIC outlives the namespace that it was moved into: the kernel hands it back to the initial one. A veth dies there, and this end with it, so
    /// an ENI whose port went away without an unplug gets both ends again, under the name that the kernel gives such a NIC: its own is often taken.
    /// </summary>
    private void PlugAgain(RtnlEvent e)
    {
        if (e is not RtnlEvent.LinkChanged { Removed: true } change)
            return;
        lock (_lock)
        {
            var plugged = _plugged.Values.FirstOrDefault(p => p.Vlan == 0 && p.Port == change.Link.Index);
            if (plugged is null || !_instances.TryGetValue(plugged.InstanceId, out var instance))
                return;
            try
            {
                AddNic(plugged, string.Create(CultureInfo.InvariantCulture, $"dev{plugged.Port}"), instance);
            }
            catch (Exception failure) when (failure is Terway.Linux.LinuxException or ObjectDisposedException)
            {
                // The instance goes, and its NICs with it.
                Trace.TraceWarning($"ENI {plugged.Snapshot.Id} is not plugged again: {failure.Message}");
            }
        }
    }

    private void AddNic(PluggedEni plugged, string name, NetNs instance) =>
        AddPort(plugged.Port, string.Create(CultureInfo.InvariantCulture, $"port{plugged.Id}"), new LinkSpec
        {
            Name = name,
            NetNs = instance,
            Mac = MacAddress.Parse(plugged.Snapshot.Mac),
            Mtu = _options.Mtu,
            // An ENI comes with the defaults of a NIC: one queue and a queue length.
            TxQueues = 1,
            RxQueues = 1,
            TxQueueLength = 1000,
        });

    /// <summary>A member ENI has no link: its packets are those of its VLAN on the trunk's.</summary>
    private void OpenVlan(EniSnapshot eni)
    {
        if (eni.TrunkEniId is not { } trunkId || eni.Vlan is not { } vlan)
            throw new InvalidOperationException($"member ENI {eni.Id} has no trunk ENI or no VLAN");
        if (!_plugged.TryGetValue(trunkId, out var trunk) || trunk.Snapshot.Type != EniType.Trunk)
            throw new InvalidOperationException($"member ENI {eni.Id} cannot be plugged: {trunkId} is not a plugged trunk ENI");
        if (_plugged.Values.FirstOrDefault(p => p.Port == trunk.Port && p.Vlan == vlan) is { } other)
            throw new InvalidOperationException($"member ENI {eni.Id} cannot be plugged: VLAN {vlan} of {trunkId} is {other.Snapshot.Id}'s");
        Apply(new PluggedEni(IdOf(eni.Id), trunk.Port, vlan, eni, trunk.InstanceId), null);
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
}
