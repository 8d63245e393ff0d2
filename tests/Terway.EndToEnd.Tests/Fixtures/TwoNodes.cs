using System.Net;
using System.Security.Cryptography;
using Terway.Lab;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Lab.Runtime;

namespace Terway.EndToEnd.Tests.Fixtures;

/// <summary>
/// The built-in region with the built daemon on both nodes, and a pod of the lab on the second. Brought up by the first test that runs, so
/// that a machine on which all must be skipped needs nothing of it.
/// </summary>
[CollectionDefinition(Name)]
public sealed class TwoNodes : ICollectionFixture<TwoNodes>, IAsyncLifetime
{
    /// <summary>The collection: one class after the other uses these nodes.</summary>
    public const string Name = nameof(TwoNodes);

    private static readonly TimeSpan s_ready = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(10);
    private readonly Dictionary<string, TerwaydProcess> _daemons = new(StringComparer.Ordinal);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("terway-e2e-");
    private DistFolder? _dist;
    private RunningLab? _lab;
    private Task? _start;
    private CniAttachment? _peer;

    /// <summary>Folders of the node's CNI plugins: ours, and Debian's reference plugins.</summary>
    internal IReadOnlyList<string> BinaryFolders => [_dist!.CniBin, Machine.ReferencePlugins];

    internal RunningLab Lab => _lab ?? throw new InvalidOperationException("call StartAsync first");

    /// <summary>False when every test so far was skipped, or the start failed.</summary>
    internal bool IsUp => _start is { IsCompletedSuccessfully: true };

    /// <summary>Where the runtimes under test are.</summary>
    internal LabNode Node => Lab.Node("node1");

    /// <summary>Address of a pod on the other node, made by the lab's own CNI calls, with an echo server on port 7.</summary>
    internal IPAddress PeerAddress { get; private set; } = IPAddress.None;

    /// <summary>That pod.</summary>
    internal LabPod Peer => Lab.Pod("peer");

    internal TerwaydProcess Daemon => _daemons["node1"];

    internal string FolderOf(string name) => Path.Combine(_folder.FullName, name);

    public ValueTask InitializeAsync() => default;

    /// <summary>Once; who calls later gets the first call's outcome.</summary>
    internal async Task StartAsync(CancellationToken ct)
    {
        Task start;
        lock (_daemons)
            start = _start ??= BringUpAsync(ct);
        await start;
    }

    /// <summary>
    /// Fails unless nodes without pods hold what they held right after boot, daemons and cloud agree on every address and pod, and the VPC
    /// dropped nothing.
    /// </summary>
    internal async Task AssertNothingLeftAsync(CancellationToken ct)
    {
        Assert.Empty((await LeakAudit.FindAsync(Lab, s_settle, ct)).All);
        Assert.Empty(Node.Inventory().MissingSince(Node.Baseline!));
        Assert.Empty(Lab.Vpc.LastDrops());
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_peer is not null && _daemons["node2"].IsRunning)
                await _daemons["node2"].Runtime.DeleteAsync(_daemons["node2"].Network, _peer, CancellationToken.None);
        }
        finally
        {
            foreach (var daemon in _daemons.Values)
                await daemon.DisposeAsync();
            if (_lab is not null)
                await _lab.DisposeAsync();
            _folder.Delete(recursive: true);
        }
    }

    private async Task BringUpAsync(CancellationToken ct)
    {
        _dist = DistFolder.Find();
        var config = LabConfig.Default with
        {
            Delays = new DelayConfig { Attach = TimeSpan.FromMilliseconds(200), Detach = TimeSpan.FromMilliseconds(100), Delete = TimeSpan.FromMilliseconds(50) },
        };
        _lab = await RunningLab.StartAsync(config, "e" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3)), FolderOf("lab"), ct: ct);
        foreach (var node in Lab.Nodes)
        {
            var options = new TerwaydOptions
            {
                Program = _dist.Daemon,
                PluginDir = _dist.Plugins,
                CniBinDirs = BinaryFolders,
                EniConf = PoolConfig.SharedWith(minPool: 5, maxPool: 10),
                MetadataEndpoint = RunningLab.MetadataEndpoint,
                OpenApiEndpoint = RunningLab.OpenApiEndpoint,
            };
            _daemons[node.Name] = new TerwaydProcess(node, options, Lab.Ledger);
            _daemons[node.Name].Start();
        }

        foreach (var daemon in _daemons.Values)
            await daemon.WaitReadyAsync(s_ready, ct);
        var pod = Lab.AddSandbox(Lab.Node("node2"), "peer");
        _peer = new CniAttachment(pod.Identity, pod.NetNsPath);
        var result = await _daemons["node2"].Runtime.AddAsync(_daemons["node2"].Network, _peer, ct);
        PeerAddress = IPNetwork.Parse(result["ips"]![0]!["address"]!.GetValue<string>()).BaseAddress;
        Lab.Serve(pod);
    }
}
