using Terway.Lab;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;

namespace Terway.EndToEnd.Tests.Fixtures;

/// <summary>A region with one node and the built daemon on it, for one test class.</summary>
internal sealed class OneNode : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("terway-e2e-");
    private RunningLab? _lab;
    private LabCluster? _cluster;

    private OneNode()
    {
    }

    public RunningLab Lab => _lab!;

    public LabCluster Cluster => _cluster!;

    public LabNode Node => Lab.Nodes[0];

    /// <summary>Brings the node up; the daemon is started and, unless told otherwise, ready.</summary>
    public static async Task<OneNode> StartAsync(CancellationToken ct, string? instanceType = null, bool ready = true, string? eniConf = null, LabConfig? region = null)
    {
        var one = new OneNode();
        try
        {
            region ??= LabConfig.Default;
            var node = region.Nodes[0];
            var config = region with
            {
                Nodes = [instanceType is null ? node : node with { InstanceType = instanceType }],
                Delays = DelayConfig.None with { Attach = TimeSpan.FromMilliseconds(100), Detach = TimeSpan.FromMilliseconds(50) },
            };
            one._lab = await RunningLab.StartAsync(config, $"t{Guid.NewGuid():N}"[..9], one._folder.FullName, ct: ct);
            var dist = DistFolder.Find();
            one._cluster = new LabCluster(
                one._lab, dist.Options(eniConf ?? PoolConfig.SharedWith(4, 12)) with { CniBinDirs = [dist.CniBin, Machine.ReferencePlugins] });
            if (ready) await one._cluster.StartDaemonAsync(one.Node, ct);
            else one._cluster.Daemon(one.Node).Start();
            return one;
        }
        catch
        {
            await one.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null) await _cluster.DisposeAsync();
        if (_lab is not null) await _lab.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
