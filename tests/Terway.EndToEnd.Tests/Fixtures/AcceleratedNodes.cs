using System.Globalization;
using System.Net;
using Terway.Lab;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Linux.Bpf;
using Terway.Linux.Netlink;

namespace Terway.EndToEnd.Tests.Fixtures;

/// <summary>The built-in region with the built daemon on both nodes, DataPathV2 in their pool, and what its programs count.</summary>
internal sealed class AcceleratedNodes : IAsyncDisposable
{
    /// <summary>Indexes of dp_paths, see bpf/include/dp_abi.h.</summary>
    public enum Way : uint
    {
        PodToPod = 0,
        PodToVpc = 1,
        VpcToPod = 2,
        StackRoute = 5,
        StackFlow = 6,
        StackToPod = 14,
    }

    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(15);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("terway-dp-");
    private RunningLab? _lab;
    private LabCluster? _cluster;

    private AcceleratedNodes()
    {
    }

    public RunningLab Lab => _lab!;

    public LabCluster Cluster => _cluster!;

    public static string Conf { get; } = PoolConfig.AcceleratedWith(minPool: 4, maxPool: 12);

    /// <summary>Brings up the nodes with ready daemons.</summary>
    /// <param name="eniConf">Configuration of both.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <param name="ownPlugins">With a plugin folder of their own, to which <see cref="AddNextPlugin"/> adds.</param>
    /// <param name="region">The built-in region when not given.</param>
    /// <param name="arguments">Of the daemons, beside those that every node's has.</param>
    public static async Task<AcceleratedNodes> StartAsync(
        string eniConf, CancellationToken ct, bool ownPlugins = false, LabConfig? region = null, IReadOnlyList<string>? arguments = null)
    {
        var nodes = new AcceleratedNodes();
        try
        {
            var config = (region ?? LabConfig.Default) with
            {
                Delays = DelayConfig.None with { Attach = TimeSpan.FromMilliseconds(100), Detach = TimeSpan.FromMilliseconds(50) },
            };
            nodes._lab = await RunningLab.StartAsync(config, $"t{Guid.NewGuid():N}"[..9], nodes._folder.FullName, ct: ct);
            var options = DistFolder.Find().Options(eniConf);
            options = options with { Arguments = [.. options.Arguments, .. arguments ?? []] };
            if (ownPlugins)
            {
                CopyFolder(options.PluginDir, nodes.Plugins);
                options = options with { PluginDir = nodes.Plugins };
            }

            nodes._cluster = new LabCluster(nodes._lab, options);
            foreach (var node in nodes._lab.Nodes) await nodes._cluster.StartDaemonAsync(node, ct);
            return nodes;
        }
        catch
        {
            await nodes.DisposeAsync();
            throw;
        }
    }

    private string Plugins => Path.Combine(_folder.FullName, "plugins");

    /// <summary>Puts the next version of DataPathV2 beside the one that is there. Daemons take it at their next start.</summary>
    public void AddNextPlugin() =>
        CopyFolder(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "testplugins", "DataPathV2"), Path.Combine(Plugins, "DataPathV2"));

    /// <summary>Takes it away again.</summary>
    public void RemoveNextPlugin() => Directory.Delete(Path.Combine(Plugins, "DataPathV2", "1.1.0"), recursive: true);

    /// <summary>Lets a node's stack translate an address, all ports, to a pod's.</summary>
    public static async Task TranslateAsync(LabNode node, string from, IPAddress to, CancellationToken ct)
    {
        var rules = $$"""table ip service { chain pre { type nat hook prerouting priority dstnat; ip daddr {{from}} dnat to {{to}}; }; }""";
        (await NamespaceCommand.RunAsync(node.NetNsPath, "nft", [rules], null, null, ct)).ThrowIfFailed("a Service");
    }

    /// <summary>Folders of plugins' pins; what keeps programs on links by tcx is the daemon's own.</summary>
    public static IReadOnlyList<string?> PinFolders(LabNode node) => [.. Directory.GetDirectories(node.Paths.Bpf).Select(Path.GetFileName).Where(static name => name != "tcx").Order()];

    public static string PinsOf(LabNode node, int layout = 1) => Path.Combine(node.Paths.Bpf, $"datapath-v{layout}");

    /// <summary>Packets that took a way on a node, since its maps were made.</summary>
    public static long Count(LabNode node, Way way)
    {
        using var map = BpfMap.OpenPinned(Path.Combine(PinsOf(node), "dp_paths"))!;
        return Sum(map, (uint)way);
    }

    /// <summary>Packets of pods that the programs dropped, whatever the reason.</summary>
    public static long Drops(LabNode node, int layout = 1)
    {
        using var map = BpfMap.OpenPinned(Path.Combine(PinsOf(node, layout), "dp_drops"))!;
        return Enumerable.Range(0, (int)map.MaxEntries).Sum(i => Sum(map, (uint)i));
    }

    /// <summary>Packets that the node's own IPv4 stack forwarded (RFC 4293, ipSystemStatsOutForwDatagrams).</summary>
    public long ForwardedByStack(LabNode node)
    {
        var lines = Lab.Namespaces.Thread.Run(node.NetNs, static () => File.ReadAllLines("/proc/thread-self/net/snmp"))
            .Where(static l => l.StartsWith("Ip: ", StringComparison.Ordinal)).Select(static l => l.Split(' ')).ToList();
        return long.Parse(lines[1][Array.IndexOf(lines[0], "ForwDatagrams")], CultureInfo.InvariantCulture);
    }

    /// <summary>All programs of DataPathV2 on a node's links, as filters or by tcx.</summary>
    public IReadOnlyList<(string Link, string Program, uint Id)> Programs(LabNode node) => [.. Filters(node).Concat(TcxPrograms(node))];

    /// <summary>Those by tcx.</summary>
    public IReadOnlyList<(string Link, string Program, uint Id)> TcxPrograms(LabNode node)
    {
        using var rtnl = RtnlSocket.Open(Lab.Namespaces.Thread, node.NetNs);
        var links = rtnl.DumpLinks();
        return Lab.Namespaces.Thread.Run(node.NetNs, () => (IReadOnlyList<(string, string, uint)>)[.. links
            .SelectMany(link => new[] { BpfAttachType.TcxIngress, BpfAttachType.TcxEgress }.SelectMany(type => TcxHook.Programs(link.Index, type)).Select(id => (link.Name, NameOf(id), id)))]);
    }

    /// <summary>Those that are filters.</summary>
    public IReadOnlyList<(string Link, string Program, uint Id)> Filters(LabNode node)
    {
        using var rtnl = RtnlSocket.Open(Lab.Namespaces.Thread, node.NetNs);
        return [.. rtnl.DumpLinks().SelectMany(link => new[] { TcHandle.Ingress, TcHandle.Egress }
            .SelectMany(parent => rtnl.DumpFilters(link.Index, parent)).Where(static f => f.Handle != 0)
            .Select(f => (link.Name, f.Name ?? "", f.ProgramId)))];
    }

    private static string NameOf(uint id)
    {
        using var program = BpfProgram.OpenById(id);
        return program?.Name ?? "";
    }

    /// <summary>Entries of a pinned hash map.</summary>
    public static int Entries(LabNode node, string map)
    {
        using var opened = BpfMap.OpenPinned(Path.Combine(PinsOf(node), map))!;
        return opened.Keys<uint>().Count;
    }

    /// <summary>As <see cref="ForwardedByStack"/>, of IPv6.</summary>
    public long ForwardedByStack6(LabNode node) => long.Parse(
        Lab.Namespaces.Thread.Run(node.NetNs, static () => File.ReadAllLines("/proc/thread-self/net/snmp6"))
            .First(static l => l.StartsWith("Ip6OutForwDatagrams", StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    public async Task<string?> TalkAsync(ClusterPod from, ClusterPod to, CancellationToken ct, int payload = 64, bool ipv6 = false)
    {
        var at = new IPEndPoint(ipv6 ? to.Ipv6! : to.Address, EchoServer.DefaultPort);
        var tcp = await Probe.TcpAsync(Lab.Namespaces.Thread, from.Sandbox.NetNs, at, TimeSpan.FromSeconds(10), payload: payload, ct: ct);
        var udp = await Probe.UdpAsync(Lab.Namespaces.Thread, from.Sandbox.NetNs, at, TimeSpan.FromSeconds(10), ct: ct);
        return tcp.Ok && udp.Ok ? null : $"{from.Name} -> {to.Name}: {tcp.Error} {udp.Error}";
    }

    public async Task AssertMatrixAsync(CancellationToken ct)
    {
        var cells = await Cluster.MatrixAsync(TimeSpan.FromSeconds(10), ct);
        Assert.NotEmpty(cells);
        Assert.All(cells, c => Assert.True(c.Ok, $"{c.From} -> {c.To}: {c.Error}"));
    }

    public async Task RemovePodsAsync(CancellationToken ct)
    {
        foreach (var pod in Cluster.Pods) await Cluster.RemovePodAsync(pod.Name, ct);
    }

    /// <summary>Pods are gone: nothing of them is left, and the VPC dropped nothing in all the time.</summary>
    public async Task AssertCleanAsync(CancellationToken ct)
    {
        Assert.Empty((await LeakAudit.FindAsync(Lab, s_settle, ct)).All);
        Assert.Empty(Lab.Vpc.LastDrops());
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null) await _cluster.DisposeAsync();
        if (_lab is not null) await _lab.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)), overwrite: true);
    }

    private static long Sum(BpfMap map, uint index)
    {
        var values = new ulong[BpfMap.PossibleCpus()];
        return map.TryLookupPerCpu(in index, values) ? (long)values.Aggregate(0ul, static (a, b) => a + b) : 0;
    }
}
