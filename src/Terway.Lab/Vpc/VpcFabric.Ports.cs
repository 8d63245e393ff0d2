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
