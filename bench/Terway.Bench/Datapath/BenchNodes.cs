using System.Net;
using System.Net.Sockets;
using Terway.Bench.Traffic;
using Terway.Lab;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Linux.Namespaces;

namespace Terway.Bench.Datapath;

/// <summary>Two dual-stack nodes of SharedEni and two of DataPathV2, in one region; on each pair a client, a server beside it and one on the other node.</summary>
internal sealed class BenchNodes : IAsyncDisposable
{
    private static readonly string[] s_names = ["stack1", "stack2", "dp1", "dp2"];
    private readonly string _folder = Directory.CreateTempSubdirectory("terway-bench-").FullName;
    private readonly List<IDisposable> _owned = [];
    private readonly List<LabCluster> _clusters = [];
    private RunningLab? _lab;

    private BenchNodes()
    {
    }

    public RunningLab Lab => _lab!;

    public Side HostStack { get; private set; } = null!;

    public Side Accelerated { get; private set; } = null!;

    public static async Task<BenchNodes> StartAsync(string dist, CancellationToken ct)
    {
        var nodes = new BenchNodes();
        try
        {
            var template = LabConfig.DualStack.Nodes[0];
            var region = LabConfig.DualStack with
            {
                Nodes = [.. s_names.Select(name => template with { Name = name })],
                Delays = DelayConfig.None,
            };
            nodes._lab = await RunningLab.StartAsync(region, $"bench{Environment.ProcessId}", nodes._folder, ct: ct);
            nodes.HostStack = await nodes.SideAsync(dist, PoolConfig.DualWith(4, 12), "stack", ct);
            nodes.Accelerated = await nodes.SideAsync(dist, PoolConfig.Dual(PoolConfig.AcceleratedWith(4, 12)), "dp", ct);
            return nodes;
        }
        catch
        {
            await nodes.DisposeAsync();
            throw;
        }
    }

    /// <summary>A bare pair, like the pods' links, with a server.</summary>
    public BarePair AddBarePair(string name)
    {
        using var rtnl = Terway.Linux.Netlink.RtnlSocket.Open(Lab.Namespaces.Thread, HostStack.Client.Sandbox.NetNs);
        var pair = new BarePair(Lab.Namespaces, name, rtnl.GetLink(BarePair.Link)!.Mtu);
        _owned.Add(pair);
        PodKernel.Prepare(Lab.Namespaces.Thread, pair.Client, pair.Server);
        Serve(pair.Server, pair.ServerIpv4);
        Serve(pair.Server, pair.ServerIpv6);
        return pair;
    }

    /// <summary>From now on something answers there, see <see cref="EchoSite"/>.</summary>
    public void Serve(NetNs ns, IPAddress address) => _owned.Add(new EchoSite(ns, address));

    public async ValueTask DisposeAsync()
    {
        // Servers before the namespaces that they are in.
        foreach (var site in _owned.OfType<EchoSite>()) site.Dispose();
        foreach (var other in _owned.Where(static o => o is not EchoSite)) other.Dispose();
        foreach (var cluster in _clusters) await cluster.DisposeAsync();
        if (_lab is not null) await _lab.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<Side> SideAsync(string dist, string conf, string prefix, CancellationToken ct)
    {
        var cluster = new LabCluster(Lab, DistFolder.Find(dist).Options(conf));
        _clusters.Add(cluster);
        var (one, two) = (Lab.Node($"{prefix}1"), Lab.Node($"{prefix}2"));
        await cluster.StartDaemonAsync(one, ct);
        await cluster.StartDaemonAsync(two, ct);
        var side = new Side(
            one, two, cluster, await cluster.AddPodAsync(one, $"{prefix}-client", ct), await cluster.AddPodAsync(one, $"{prefix}-near", ct),
            await cluster.AddPodAsync(two, $"{prefix}-client2", ct), await cluster.AddPodAsync(two, $"{prefix}-far", ct));
        PodKernel.Prepare(Lab.Namespaces.Thread, side.Client.Sandbox.NetNs, side.Near.Sandbox.NetNs, side.Client2.Sandbox.NetNs, side.Far.Sandbox.NetNs, one.NetNs, two.NetNs);
        foreach (var server in (ClusterPod[])[side.Near, side.Far])
        {
            foreach (var address in server.Addresses) Serve(server.Sandbox.NetNs, address);
        }

        foreach (var address in two.Addresses) Serve(two.NetNs, address);
        return side;
    }

    /// <summary>Two nodes of one kind.</summary>
    /// <param name="One">where the client is</param>
    /// <param name="Two">the other one</param>
    /// <param name="Cluster">their daemons</param>
    /// <param name="Client">on the first</param>
    /// <param name="Near">a server on the first</param>
    /// <param name="Client2">on the second</param>
    /// <param name="Far">a server on the second</param>
    public sealed record Side(LabNode One, LabNode Two, LabCluster Cluster, ClusterPod Client, ClusterPod Near, ClusterPod Client2, ClusterPod Far)
    {
        public static IPAddress Of(ClusterPod pod, AddressFamily family) => pod.Addresses.First(a => a.AddressFamily == family);
    }
}
