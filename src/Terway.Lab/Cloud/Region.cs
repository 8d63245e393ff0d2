using System.Collections.Immutable;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Config;

namespace Terway.Lab.Cloud;

/// <summary>
/// The state of one region: vSwitches and their addresses, security groups, instances, ENIs. Every operation checks what the real
/// one checks and throws <see cref="CloudException"/>. State changes happen at once under one lock; the data plane follows through
/// <see cref="IVpcFabric"/>, in order for each ENI. Thread-safe.
/// </summary>
public sealed partial class Region : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly LabConfig _config;
    private readonly IVpcFabric _fabric;
    private readonly TimeProvider _time;
    private readonly ResourceIds _ids = new();
    private readonly Dictionary<string, VSwitch> _vSwitches = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SecurityGroupSnapshot> _groups = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Instance> _instances = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Eni> _enis = new(StringComparer.Ordinal);
    private readonly EniHistory _history = new();
    private readonly HashSet<Task> _background = [];
    private readonly List<string> _troubles = [];
    private readonly CancellationTokenSource _stopping = new();
    private long _sequence;

    private Region(LabConfig config, IVpcFabric fabric, FaultPlan faults, TimeProvider time)
    {
        _config = config;
        _fabric = fabric;
        _time = time;
        Faults = faults;
        InstanceTypes = new InstanceTypeCatalog(config.InstanceTypes);
        foreach (var vSwitch in config.VSwitches)
            _vSwitches.Add(vSwitch.Id, new VSwitch(vSwitch, config.Vpc.Id, config.AddressReuse));
        foreach (var group in config.SecurityGroups)
        {
            _groups.Add(group.Id, new SecurityGroupSnapshot
            {
                Id = group.Id,
                VpcId = config.Vpc.Id,
                Name = group.Name,
                Enterprise = group.Enterprise,
                IntraGroupAccept = group.IntraGroupAccept ?? !group.Enterprise,
                Rules = group.Rules,
            });
        }
    }

    public LabConfig Config => _config;

    public string Id => _config.RegionId;

    public FaultPlan Faults { get; }

    internal InstanceTypeCatalog InstanceTypes { get; }

    /// <summary>Data-plane calls that failed, and accounting that did not add up; empty when all is well. At most 100 are kept.</summary>
    public ImmutableArray<string> Troubles
    {
        get
        {
            lock (_lock)
                return [.. _troubles];
        }
    }

    /// <summary>Builds the region of a valid configuration and announces its security groups to the data plane. Starts no instance.</summary>
    public static async Task<Region> CreateAsync(
        LabConfig config, IVpcFabric fabric, FaultPlan? faults = null, TimeProvider? time = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(fabric);
        time ??= TimeProvider.System;
        var region = new Region(config, fabric, faults ?? new FaultPlan(time), time);
        foreach (var group in region.SecurityGroups)
            await fabric.UpdateSecurityGroupAsync(group, ct);
        return region;
    }

    public ImmutableArray<SecurityGroupSnapshot> SecurityGroups
    {
        get
        {
            lock (_lock)
                return [.. _groups.Values.OrderBy(static g => g.Id, StringComparer.Ordinal)];
        }
    }

    public ImmutableArray<VSwitchSnapshot> VSwitches => VSwitchesAsOf(null);

    public ImmutableArray<InstanceSnapshot> Instances => InstancesAsOf(null);

    /// <summary>All ENIs in the order of their creation.</summary>
    public ImmutableArray<EniSnapshot> Enis => DescribeEnis(new EniFilter(), 0, int.MaxValue).Enis;

    /// <summary>Replaces the rules of a group.</summary>
    public async Task SetSecurityGroupRulesAsync(string groupId, ImmutableArray<SecurityGroupRule> rules, CancellationToken ct = default)
    {
        SecurityGroupSnapshot group;
        lock (_lock)
        {
            if (!_groups.TryGetValue(groupId, out var old))
                throw CloudErrors.SecurityGroupNotFound(groupId);
            _groups[groupId] = group = old with { Rules = rules };
        }
        await _fabric.UpdateSecurityGroupAsync(group, ct);
    }

    /// <summary>What the metadata service of an instance shows now: ENIs that are connected, the primary one first.</summary>
    public ImmutableArray<EniSnapshot> MetadataOf(string instanceId)
    {
        var lag = _config.Metadata.Lag + Faults.MetadataLag(instanceId);
        lock (_lock)
            return _instances.TryGetValue(instanceId, out var instance) ? instance.Metadata.At(_time.GetUtcNow() - lag) : [];
    }

    public InstanceSnapshot? FindInstance(string instanceId)
    {
        lock (_lock)
            return _instances.TryGetValue(instanceId, out var instance) ? instance.Snapshot() : null;
    }

    /// <summary>Ends when no attach, detach or delete is under way.</summary>
    public async Task WhenIdleAsync(CancellationToken ct = default)
    {
        while (true)
        {
            Task[] pending;
            lock (_lock)
                pending = [.. _background];
            if (pending.Length == 0)
                return;
            await Task.WhenAll(pending).WaitAsync(ct);
        }
    }

    /// <summary>Stops the background work. The data plane is the fabric owner's to take down.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await WhenIdleAsync();
        _stopping.Dispose();
    }

    /// <summary>Runs <paramref name="work"/> on the ENI's queue after a delay; its failure is recorded, not thrown.</summary>
    private void Later(Eni eni, TimeSpan delay, string what, Func<CancellationToken, Task> work)
    {
        var ct = _stopping.Token;
        var task = RunAsync();
        lock (_lock)
        {
            if (!task.IsCompleted)
                _background.Add(task);
        }
        // Registered after the task is in the set, so that it cannot be forgotten there.
        _ = task.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

        async Task RunAsync()
        {
            try
            {
                if (delay > TimeSpan.Zero)
                    await Task.Delay(delay, _time, ct);
                await eni.Fabric.Add(() => work(ct));
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
            }
#pragma warning disable CA1031 // The boundary of background work: nobody awaits it.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Note($"{what} of {eni.Id} failed in the data plane: {e.Message}");
            }
        }

        void Forget(Task done)
        {
            lock (_lock)
                _background.Remove(done);
        }
    }

    private void Note(string trouble)
    {
        lock (_lock)
        {
            if (_troubles.Count < 100)
                _troubles.Add(trouble);
        }
    }

    /// <summary>Records what Describe calls and the metadata service may show from now on. Call under the lock after each change.</summary>
    private void Changed(Eni eni, Instance? left = null)
    {
        _history.Changed(eni, _time.GetUtcNow());
        if ((eni.Instance ?? left) is { } instance)
            Publish(instance);
    }

    private void Publish(Instance instance) =>
        instance.Metadata.Add(
            _time.GetUtcNow(),
            [.. instance.Enis.Where(static e => e.Status is EniStatus.InUse or EniStatus.Detaching).Select(static e => e.Snapshot())]);

    private Eni Find(string eniId) => _enis.TryGetValue(eniId, out var eni) ? eni : throw CloudErrors.EniNotFound(eniId);

    private VSwitch FindVSwitch(string id) => _vSwitches.TryGetValue(id, out var vSwitch) ? vSwitch : throw CloudErrors.VSwitchNotFound(id);
}
