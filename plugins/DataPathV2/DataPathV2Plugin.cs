using System.Collections.Concurrent;
using System.Composition;
using Microsoft.Extensions.Logging;
using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Linux.Netlink;
using Terway.Plugins.DataPathV2.Configuration;
using Terway.Plugins.DataPathV2.Datapath;
using Terway.Plugins.DataPathV2.Pins;
using Terway.Plugins.DataPathV2.Services;

namespace Terway.Plugins.DataPathV2;

/// <summary>Carries pods that share ENIs by eBPF programs, past the node's own stack wherever nothing there has a say.</summary>
[Export(typeof(IDatapath))]
[Export(typeof(IPodStage))]
[Export(typeof(INodeService))]
[Shared]
public sealed class DataPathV2Plugin : IDatapath, IPodStage, INodeService, IAsyncDisposable
{
    private const string PinsKey = "pins";

    private static readonly TimeSpan s_uplinkLimit = TimeSpan.FromSeconds(5);

    private readonly IPluginHost _host;
    private readonly ILogger _log;
    private readonly EniAccess _enis;
    private readonly EniPacing _eniPacing;
    private readonly ConcurrentDictionary<(string, string), string> _podNamespaces = [];
    private IReadOnlyList<Attachment> _restored = [];
    private Pacing _pacing = Pacing.None;
    private PinnedMaps? _maps;
    private DatapathMetrics? _metrics;
    private StackNetworks? _networks;
    private GoneLinks? _gone;
    private KnownSenders? _senders;
    private ServiceBalancer? _services;
    private MapPressure? _pressure;

    /// <summary>Made by the composition.</summary>
    [ImportingConstructor]
    public DataPathV2Plugin(IPluginHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        _host = host;
        _log = host.Loggers.CreateLogger("DataPathV2");
        _eniPacing = new EniPacing(host);
        _enis = new EniAccess(host, _eniPacing, _log);
    }

    /// <summary>Before policy, which looks at a pod that has its network.</summary>
    public int Order => 0;

    /// <inheritdoc/>
    public Finding? Health => null;

    /// <inheritdoc/>
    public ClaimStrength Carries(PodInterface pod, Allocation allocation)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        return allocation.Vlan is null ? ClaimStrength.Preferred : ClaimStrength.None;
    }

    /// <inheritdoc/>
    IReadOnlyList<KernelObject> IDatapath.Plan(Attachment attachment)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        return AcceleratedPlan.Of(attachment, _host.Families, _pacing);
    }

    /// <inheritdoc/>
    public async Task AttachAsync(Attachment attachment, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        Remember(attachment);
        if (attachment.Allocation.Vlan is not null) return;
        await _enis.EnsureAsync(attachment, cancellationToken);
        if (IsPaced(attachment)) await _eniPacing.EnsureAsync(attachment, cancellationToken);
    }

    /// <inheritdoc/>
    public Task DetachAsync(Attachment attachment, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        _podNamespaces.TryRemove((attachment.Pod.ContainerId, attachment.Pod.IfName), out _);
        return attachment.Pod.EgressBytesPerSecond > 0 ? _eniPacing.ReleaseAsync(attachment, cancellationToken) : Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task RestoreAsync(IReadOnlyList<Attachment> attachments, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(attachments);
        foreach (var attachment in attachments) Remember(attachment);
        _restored = attachments;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var settings = DatapathSettings.Read(_host.Settings);
        await _host.EnsureNodeObjectsAsync(PinsKey, [new KernelObject.PinFolder(DatapathPins.Folder)], cancellationToken);
        try
        {
            await LoadAsync(settings, cancellationToken);
            _pacing = Pacing.Choose(settings.Bandwidth, FairQueue.IsInKernel, _host.Report);
            Log.BandwidthBy(_log, _pacing.IsByTime ? "departure times (edt)" : "token buckets (tbf)");
            var services = _services = new ServiceBalancer(_host, settings, () => [.. _podNamespaces.Values.Distinct()], _log);
            _networks = new StackNetworks(_host, settings, _log) { OwnChanged = services.Take };
            await _networks.StartAsync(cancellationToken);
            _gone = new GoneLinks(_maps!, _log);
            _gone.Start();
            _senders = new KnownSenders(_host, _maps!);
            await services.StartAsync(Objects, TooSmall, cancellationToken);
            var pressure = new MapPressure(_host, WatchedMaps(_maps!).Concat(services.Memories), _log);
            pressure.Start();
            _pressure = pressure;
        }
        catch (Exception e) when (e is LinuxException or DllNotFoundException or TimeoutException)
        {
            throw new PodNetworkException(
                "ebpf", e.Message, "see what the kernel says above; take DataPathV2 out of the pool's plugins to go on without it", canRetry: false, e);
        }

        // Pods keep what they were made with, whatever is in force now. Those of another layout are in its maps until they are handed over.
        foreach (var attachment in _restored.Where(a => IsPaced(a) || _pacing.LimitsOf(a).Egress > 0)) _eniPacing.Restore(attachment);
        await _enis.RestoreAsync(_restored, cancellationToken);
        _restored = [];
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => DisposeAsync().AsTask();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // Programs, maps and filters stay: pods keep their network.
        _enis.Dispose();
        _eniPacing.Dispose();
        if (_pressure is not null) await _pressure.DisposeAsync();
        if (_networks is not null) await _networks.DisposeAsync();
        if (_services is not null) await _services.DisposeAsync();
        if (_gone is not null) await _gone.DisposeAsync();
        if (_senders is not null) await _senders.DisposeAsync();
        _metrics?.Dispose();
        _maps?.Dispose();
    }

    private void Remember(Attachment attachment) => _podNamespaces[(attachment.Pod.ContainerId, attachment.Pod.IfName)] = attachment.Pod.NetNsPath;

    // By what is in force for the pod, not by what would be planned for it now.
    private bool IsPaced(Attachment attachment) => attachment.Pod.EgressBytesPerSecond > 0
        && attachment.Allocation.Addresses.Any(a => _maps!.Limit(a.Address) is { Egress: > 0 });

    private static string Objects => Path.Combine(Path.GetDirectoryName(typeof(DataPathV2Plugin).Assembly.Location)!, "bpf");

    private async Task LoadAsync(DatapathSettings settings, CancellationToken cancellationToken)
    {
        // Before Linux 5.11 maps count as locked memory.
        MemoryLock.TryUnlimit();
        var folder = Path.Combine(_host.BpfFolder, DatapathPins.Folder);
        var uplink = await _host.WaitForLinkAsync(_host.Node.PrimaryMac, s_uplinkLimit, cancellationToken);
        var withIpv6 = _host.Families.Count > 1;
        var shapes = MapShape.All(settings, withIpv6);
        if (EarlierMaps.Share(_host.BpfFolder, shapes) is { } other) Log.FlowsShared(_log, other);
        _maps = PinnedMaps.Open(folder, shapes, TooSmall);
        _metrics = new DatapathMetrics(_maps, () => _services?.Figures, () => _pressure?.Figures ?? [], () => _pacing.IsByTime);
        ProgramConstant[] constants = [new("dp_uplink", (uint)uplink.Index), new("dp_ipv6", withIpv6 ? 1u : 0u)];
        var loaded = await new PinnedPrograms(_host.Store, folder, Objects, DatapathPins.Programs).UpdateAsync(_maps, constants, cancellationToken);
        if (loaded.Count > 0) Log.Loaded(_log, string.Join(", ", loaded));
    }

    private static IEnumerable<WatchedMap> WatchedMaps(PinnedMaps maps)
    {
        const string Refused = "new pods are refused", Unaccelerated = "a new address of the node is not known to the programs", Broken = "connections that the node's stack translates may break";
        foreach (var name in (string[])[DatapathPins.Pods4, DatapathPins.Pods6]) yield return new(maps[name], name, "max_pod_addresses", Refused);
        yield return new(maps[DatapathPins.Enis], DatapathPins.Enis, null, Refused);
        foreach (var name in (string[])[DatapathPins.Stack4, DatapathPins.Stack6]) yield return new(maps[name], name, null, Unaccelerated);
        foreach (var name in (string[])[DatapathPins.Flows4, DatapathPins.Flows6]) yield return new(maps[name], name, "max_stack_flows", Broken);
    }

    private void TooSmall(MapShape shape, uint size) => _host.Report($"map/{shape.Name}", new Finding(
        FindingSeverity.Warning, $"the eBPF map {shape.Name} holds more than {shape.MaxEntries} entries: it keeps its size of {size}",
        "raise the setting, or lower it again when the node has fewer pods"));
}
