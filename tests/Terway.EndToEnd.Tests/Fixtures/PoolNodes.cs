using System.Net;
using Terway.EndToEnd.Tests.Callers;
using Terway.Lab;
using Terway.Lab.Cloud;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;

namespace Terway.EndToEnd.Tests.Fixtures;

/// <summary>
/// A region with both families and a node of each dual-stack pool, shared and exclusive, with container runtimes on them. Everything is brought up by
/// the first test that needs it.
/// </summary>
[CollectionDefinition(Name)]
public sealed class PoolNodes : ICollectionFixture<PoolNodes>, IAsyncLifetime
{
    /// <summary>The collection: one class after the other uses these nodes.</summary>
    public const string Name = nameof(PoolNodes);

    private const string Quickly = ", \"ip_cooldown\": 0, \"ip_pool_sync_period\": \"1s\" }";
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(20);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("terway-pools-");
    private readonly Dictionary<LabNode, Containerd> _containerds = [];
    private readonly Dictionary<LabNode, Podman> _podmans = [];
    private readonly Dictionary<LabNode, Ipv6Trace> _untouched = [];
    private readonly List<CallerPod> _pods = [];
    private DistFolder? _dist;
    private RunningLab? _lab;
    private LabCluster? _cluster;
    private Task? _start;

    internal RunningLab Lab => _lab ?? throw new InvalidOperationException("call StartAsync first");

    internal LabCluster Cluster => _cluster!;

    /// <summary>Its pods share ENIs.</summary>
    internal LabNode Shared => Lab.Nodes[0];

    /// <summary>Its pods have an ENI each.</summary>
    internal LabNode Exclusive => Lab.Nodes[1];

    /// <summary>Two ENIs wait for pods.</summary>
    internal static string ExclusivePool { get; } = PoolConfig.ExclusiveWith(2, 3)
        .Replace("172.21.0.0/20", "172.21.0.0/20,fd00:21::/112", StringComparison.Ordinal).TrimEnd().TrimEnd('}') + Quickly;

    private IReadOnlyList<string> BinaryFolders => [_dist!.CniBin, Machine.ReferencePlugins];

    public ValueTask InitializeAsync() => default;

    /// <summary>Once; who calls later gets the first call's outcome.</summary>
    internal async Task StartAsync(CancellationToken ct)
    {
        Task start;
        lock (_folder)
            start = _start ??= BringUpAsync(ct);
        await start;
    }

    /// <summary>The ENI that has an address.</summary>
    internal EniSnapshot EniOf(IPAddress address) => Assert.Single(Lab.Cloud.Region.Enis, e => e.Type == EniType.Secondary && e.PrivateIps.Contains(address));

    /// <summary>IPv6 on a node before its daemon started for the first time.</summary>
    internal Ipv6Trace Untouched(LabNode node) => _untouched[node];

    /// <summary>Runs a web server by a runtime of the node.</summary>
    /// <param name="runtime">containerd or podman.</param>
    /// <param name="node">Where.</param>
    /// <param name="name">Its name.</param>
    /// <param name="ct">Ends the work.</param>
    internal async Task<CallerPod> RunAsync(string runtime, LabNode node, string name, CancellationToken ct)
    {
        var pod = await RunByAsync(runtime, node, name, ct);
        _pods.Add(pod);
        return pod with
        {
            Remove = async () =>
            {
                await pod.Remove();
                _pods.Remove(pod);
            },
        };
    }

    private async Task<CallerPod> RunByAsync(string runtime, LabNode node, string name, CancellationToken ct)
    {
        if (runtime == "podman")
        {
            if (!_podmans.TryGetValue(node, out var podman))
                _podmans[node] = podman = await Podman.StartAsync(node, FolderOf($"podman-{node.Name}"), BinaryFolders, ct);
            var container = await podman.RunWebServerAsync(name, "terway", ct);
            return new CallerPod(
                name, [container.Address, .. container.Ipv6 is { } ipv6 ? new[] { ipv6 } : []], container.NetNsPath,
                command => podman.ExecAsync(container, command, ct), () => podman.WaitEndedAsync(container, ct), () => podman.RemoveAsync(container, CancellationToken.None));
        }

        if (!_containerds.TryGetValue(node, out var containerd))
        {
            _containerds[node] = containerd = await Containerd.StartAsync(node, FolderOf($"containerd-{node.Name}"), BinaryFolders, ct);
            await containerd.WaitNetworkReadyAsync(ct);
        }

        var pod = await containerd.RunPodAsync(name, ct);
        var web = await containerd.RunWebServerAsync(pod, ct);
        return new CallerPod(
            name, [pod.Address, .. pod.Others], pod.NetNsPath,
            command => containerd.ExecAsync(web, command, ct), () => containerd.WaitEndedAsync(pod, web, ct), () => containerd.RemovePodAsync(pod, CancellationToken.None));
    }

    /// <summary>Waits until a node's daemon has taken away what was deleted: DEL is answered before.</summary>
    internal static async Task WaitDetachedAsync(LabNode node, int attachments, CancellationToken ct)
    {
        for (var i = 0; ; i++)
        {
            var status = await NodeAgent.StatusAsync(node.Paths.Run, ct);
            if (status.Detaching == 0 && status.Attachments == attachments) return;
            Assert.True(i < 400, $"{status.Attachments} pods, {status.Detaching} of them going");
            await Task.Delay(50, ct);
        }
    }

    /// <summary>Pods of the lab go; then nodes hold what they held after boot, all sides agree, and the VPC dropped nothing.</summary>
    internal async Task AssertNothingLeftAsync(CancellationToken ct)
    {
        foreach (var pod in Cluster.Pods) await Cluster.RemovePodAsync(pod.Name, ct);
        Assert.Empty((await LeakAudit.FindAsync(Lab, s_settle, ct)).All);
        Assert.Empty(Lab.Vpc.LastDrops());
    }

    /// <summary>What a test that failed left: the next one begins with nodes without pods.</summary>
    internal async Task RemovePodsAsync()
    {
        foreach (var pod in _pods.ToArray()) await pod.Remove();
        _pods.Clear();
        foreach (var pod in _cluster?.Pods ?? []) await Cluster.RemovePodAsync(pod.Name, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var containerd in _containerds.Values) await containerd.DisposeAsync();
            foreach (var podman in _podmans.Values) await podman.DisposeAsync();
        }
        finally
        {
            if (_cluster is not null) await _cluster.DisposeAsync();
            if (_lab is not null) await _lab.DisposeAsync();
            _folder.Delete(recursive: true);
        }
    }

    private string FolderOf(string name) => Path.Combine(_folder.FullName, name);

    private async Task BringUpAsync(CancellationToken ct)
    {
        _dist = DistFolder.Find();
        var config = LabConfig.DualStack with
        {
            Delays = DelayConfig.None with { Attach = TimeSpan.FromMilliseconds(100), Detach = TimeSpan.FromMilliseconds(50) },
        };
        _lab = await RunningLab.StartAsync(config, $"t{Guid.NewGuid():N}"[..9], FolderOf("lab"), ct: ct);
        foreach (var node in Lab.Nodes) _untouched[node] = await Ipv6Trace.CaptureAsync(Lab.Namespaces.Thread, node.NetNsPath, ct);
        _cluster = new LabCluster(_lab, _dist.Options(PoolConfig.DualWith(4, 8).TrimEnd().TrimEnd('}') + Quickly) with { CniBinDirs = BinaryFolders });
        _cluster.Daemon(Exclusive).EniConf = PoolConfig.Dual(ExclusivePool);
        await Task.WhenAll(Lab.Nodes.Select(node => _cluster.StartDaemonAsync(node, ct)));
    }
}
