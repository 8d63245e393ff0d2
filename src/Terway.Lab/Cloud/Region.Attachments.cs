namespace Terway.Lab.Cloud;

public sealed partial class Region
{
    private const int MaxVlan = 4094;

    /// <summary>Starts to attach an Available ENI; it is InUse, or Available again after a roll-back, when the delay is over.</summary>
    /// <param name="trunkEniId">The trunk that is to carry a member ENI; null for every other type.</param>
    public void AttachEni(string eniId, string instanceId, string? trunkEniId = null, int networkCardIndex = 0)
    {
        Eni eni;
        lock (_lock)
        {
            eni = Find(eniId);
            if (!_instances.TryGetValue(instanceId, out var instance))
                throw CloudErrors.InstanceNotFound(instanceId);
            if (eni.Status != EniStatus.Available)
                throw CloudErrors.InvalidEniState(eniId, eni.Status, "Available");
            if (eni.Busy)
                throw CloudErrors.Conflict(eniId);
            if (eni.VSwitch.ZoneId != instance.VSwitch.ZoneId)
                throw CloudErrors.ZoneMismatch(eniId, eni.VSwitch.ZoneId, instanceId, instance.VSwitch.ZoneId);
            if (networkCardIndex != 0)
                throw CloudErrors.InvalidParameter("NetworkCardIndex", $"{instance.Type.Id} has one network card, index 0");
            var addresses = Faults.AddressesOf(eniId, instanceId, instance.Type.EniPrivateIpAddressQuantity);
            if (eni.Ipv4Slots > addresses)
                throw CloudErrors.Ipv4Count(eniId, addresses);
            if (eni.Ipv6Slots > instance.Type.EniIpv6AddressQuantity)
                throw CloudErrors.Ipv6Count(eniId, instance.Type.EniIpv6AddressQuantity);
            if (eni.Type == EniType.Member)
                JoinTrunk(eni, instance, trunkEniId);
            else
                JoinInstance(eni, instance, trunkEniId, Faults.EnisOf(instanceId, instance.Type.EniQuantity));
            eni.Status = EniStatus.Attaching;
            eni.Instance = instance;
            eni.NetworkCardIndex = networkCardIndex;
            Changed(eni);
        }
        var rollBack = Faults.RollsBackAttach(eniId, instanceId);
        Later(eni, _config.Delays.Attach, "attach", ct => CompleteAttachAsync(eni, rollBack, ct));
    }

    /// <summary>Starts to detach an ENI that is InUse.</summary>
    public void DetachEni(string eniId, string instanceId, string? trunkEniId = null)
    {
        Eni eni;
        lock (_lock)
        {
            eni = Find(eniId);
            if (!_instances.ContainsKey(instanceId))
                throw CloudErrors.InstanceNotFound(instanceId);
            if (eni.Type == EniType.Primary)
                throw CloudErrors.PrimaryDetach(eniId);
            if (eni.Status != EniStatus.InUse)
                throw CloudErrors.InvalidEniState(eniId, eni.Status, "InUse");
            if (eni.Instance?.Id != instanceId)
                throw CloudErrors.AttachmentMismatch(eniId, instanceId);
            if (eni.Type == EniType.Member && trunkEniId is null)
                throw CloudErrors.MissingParameter("TrunkNetworkInstanceId");
            if (trunkEniId is not null && eni.Trunk?.Id != trunkEniId)
                throw CloudErrors.AttachmentMismatch(eniId, trunkEniId);
            if (eni.Instance.Members.Any(m => m.Trunk == eni))
                throw CloudErrors.InvalidEniState(eniId, eni.Status, "a trunk without member network interfaces");
            if (eni.Busy)
                throw CloudErrors.Conflict(eniId);
            eni.Status = EniStatus.Detaching;
            Changed(eni);
        }
        Later(eni, _config.Delays.Detach + Faults.DetachHang(eniId, instanceId), "detach", async ct =>
        {
            await _fabric.UnplugAsync(eni.Id, ct);
            lock (_lock)
                Leave(eni);
        });
    }

    private async Task CompleteAttachAsync(Eni eni, bool rollBack, CancellationToken ct)
    {
        EniSnapshot snapshot;
        lock (_lock)
            snapshot = eni.Snapshot();
        if (rollBack)
        {
            lock (_lock)
                Leave(eni);
            return;
        }
        try
        {
            await _fabric.PlugAsync(snapshot, snapshot.InstanceId!, ct);
        }
        catch
        {
            lock (_lock)
                Leave(eni);
            throw;
        }
        lock (_lock)
        {
            eni.Status = EniStatus.InUse;
            Changed(eni);
        }
    }

    private static void JoinTrunk(Eni eni, Instance instance, string? trunkEniId)
    {
        if (trunkEniId is null)
            throw CloudErrors.MissingParameter("TrunkNetworkInstanceId");
        var trunk = instance.Enis.Find(e => e.Id == trunkEniId) ?? throw CloudErrors.EniNotFound(trunkEniId);
        if (trunk.Type != EniType.Trunk)
            throw CloudErrors.InvalidEniType(trunkEniId, trunk.Type);
        if (trunk.Status != EniStatus.InUse)
            throw CloudErrors.InvalidEniState(trunkEniId, trunk.Status, "InUse");
        var limit = instance.Type.EniTotalQuantity - instance.Type.EniQuantity;
        if (instance.Members.Count >= limit)
            throw CloudErrors.EnisPerInstance(instance.Id, instance.Type.Id, limit);
        var vlan = Enumerable.Range(1, MaxVlan).First(v => instance.Members.TrueForAll(m => m.Trunk != trunk || m.DeviceIndex != v));
        instance.Members.Add(eni);
        eni.Trunk = trunk;
        eni.DeviceIndex = vlan;
    }

    private static void JoinInstance(Eni eni, Instance instance, string? trunkEniId, int limit)
    {
        if (trunkEniId is not null)
            throw CloudErrors.InvalidEniType(eni.Id, eni.Type);
        if (eni.Type == EniType.Trunk)
        {
            if (!instance.Type.EniTrunkSupported)
                throw CloudErrors.TrunkUnsupported(instance.Id, instance.Type.Id);
            if (instance.Enis.Exists(static e => e.Type == EniType.Trunk))
                throw CloudErrors.EnisPerInstance(instance.Id, instance.Type.Id, 1);
        }
        if (instance.Enis.Count >= limit)
            throw CloudErrors.EnisPerInstance(instance.Id, instance.Type.Id, limit);
        eni.DeviceIndex = Enumerable.Range(1, instance.Type.EniQuantity).First(i => instance.Enis.TrueForAll(e => e.DeviceIndex != i));
        instance.Enis.Add(eni);
    }

    /// <summary>Under the lock: the ENI is Available and belongs to no instance.</summary>
    private void Leave(Eni eni)
    {
        var instance = eni.Instance;
        instance?.Enis.Remove(eni);
        instance?.Members.Remove(eni);
        eni.Status = EniStatus.Available;
        eni.Instance = null;
        eni.DeviceIndex = null;
        eni.NetworkCardIndex = 0;
        eni.Trunk = null;
        Changed(eni, instance);
    }
}
