using System.Net;

namespace Terway.Lab.Cloud;

public sealed partial class Region
{
    /// <summary>An id for an instance that is still to be started.</summary>
    public string NewInstanceId() => _ids.Next("i");

    /// <summary>Starts an instance and plugs its primary ENI; returns once both are there.</summary>
    public async Task<InstanceSnapshot> RunInstanceAsync(InstanceRequest request, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        Instance instance;
        Eni primary;
        lock (_lock)
        {
            var type = InstanceTypes.Find(request.InstanceType)
                ?? throw new CloudException(404, "InvalidInstanceType.NotFound", $"The instance type \"{request.InstanceType}\" does not exist.");
            var id = request.InstanceId ?? NewInstanceId();
            if (_instances.ContainsKey(id))
                throw CloudErrors.InvalidParameter("InstanceId", $"instance \"{id}\" runs already");
            primary = Create(new CreateEniRequest
            {
                VSwitchId = request.VSwitchId,
                SecurityGroupIds = request.SecurityGroupIds,
                Type = EniType.Primary,
                PrimaryIp = request.PrimaryIp,
                DeleteOnRelease = true,
            });
            instance = new Instance
            {
                Id = id,
                Name = request.Name,
                Type = type,
                VSwitch = primary.VSwitch,
                Tags = request.Tags,
                CreationTime = _time.GetUtcNow(),
            };
            instance.Enis.Add(primary);
            primary.Instance = instance;
            primary.DeviceIndex = 0;
            primary.Status = EniStatus.Attaching;
            _instances.Add(id, instance);
        }
        try
        {
            var snapshot = primary.Snapshot();
            await primary.Fabric.Add(() => _fabric.PlugAsync(snapshot, instance.Id, ct));
        }
        catch
        {
            lock (_lock)
            {
                _instances.Remove(instance.Id);
                Forget(primary);
            }
            throw;
        }
        lock (_lock)
        {
            primary.Status = EniStatus.InUse;
            Changed(primary);
            return instance.Snapshot();
        }
    }

    /// <summary>The instance that a source address belongs to: how the metadata service knows who asks. Null when none.</summary>
    public string? FindInstanceId(IPAddress source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.IsIPv4MappedToIPv6)
            source = source.MapToIPv4();
        lock (_lock)
        {
            foreach (var eni in _enis.Values)
            {
                if (eni.Instance is { } instance && (eni.PrimaryIp.Equals(source) || eni.Snapshot().Sources.Any(s => s.Contains(source))))
                    return instance.Id;
            }
        }
        return null;
    }

    /// <summary>
    /// Ends an instance: every ENI is unplugged, the primary one and those with DeleteOnRelease are deleted, the others become
    /// Available. Waits for what is under way on them.
    /// </summary>
    public async Task TerminateInstanceAsync(string instanceId, CancellationToken ct = default)
    {
        Instance? instance;
        lock (_lock)
        {
            if (!_instances.Remove(instanceId, out instance))
                throw CloudErrors.InstanceNotFound(instanceId);
        }
        // Nothing can join any more; an attach that was accepted before still has to land.
        await WhenIdleAsync(ct);
        List<Eni> enis;
        lock (_lock)
        {
            // Members before the trunk that carries them.
            enis = [.. instance.Members, .. instance.Enis];
            foreach (var eni in enis)
            {
                eni.Status = EniStatus.Detaching;
                Changed(eni);
            }
        }
        foreach (var eni in enis)
        {
            await eni.Fabric.Add(() => _fabric.UnplugAsync(eni.Id, ct));
            var gone = eni.Type == EniType.Primary || eni.Request.DeleteOnRelease;
            if (gone)
                await eni.Fabric.Add(() => _fabric.RemoveEniAsync(eni.Id, ct));
            lock (_lock)
            {
                Leave(eni);
                if (gone)
                    Forget(eni);
            }
        }
    }
}
