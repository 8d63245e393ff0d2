using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Terway.Lab.Cloud;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;

namespace Terway.Lab.Demo;

/// <summary>
/// Nodes of three pools - shared ENIs, shared ENIs with both families, an ENI for each pod - get pods, everybody talks to everybody, the daemons are
/// killed under running streams, everything is taken away, and nothing is left.
/// </summary>
internal sealed class DemoRun(DemoOptions options, DemoScreen screen)
{
    private static readonly TimeSpan s_probe = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    /// <summary>Attach and detach as quick as they get: the demo is about what is right, not about waiting.</summary>
    private static readonly LabConfig s_region = LabConfig.DualStack with
    {
        Nodes = [Node("shared1"), Node("shared2"), Node("dual1", "dual"), Node("dual2", "dual"), Node("excl1", "exclusive"), Node("excl2", "exclusive")],
        Delays = DelayConfig.None with
        {
            Attach = TimeSpan.FromMilliseconds(300),
            Detach = TimeSpan.FromMilliseconds(200),
            Delete = TimeSpan.FromMilliseconds(100),
        },
    };

    private static NodeConfig Node(string name, string? pool = null) =>
        LabConfig.Default.Nodes[0] with { Name = name, Pool = pool, Ipv6AddressCount = pool == "dual" ? 1 : 0 };

    public async Task<int> RunAsync(CancellationToken ct)
    {
        var folder = options.Folder ?? Directory.CreateTempSubdirectory("terway-demo-").FullName;
        var dist = DistFolder.Find(options.Dist);
        screen.Step($"a region with {s_region.Nodes.Length} nodes of three pools, terwayd on each");
        var lab = await RunningLab.StartAsync(s_region, "demo", folder, ct: ct);
        var cluster = new LabCluster(lab, dist.Options(PoolConfig.SharedOrAccelerated(options.Accelerated, minPool: 10, maxPool: 30)));
        try
        {
            foreach (var node in lab.Nodes) await cluster.StartDaemonAsync(node, ct);
            var facts = await TellAsync(lab, cluster, ct);
            if (options.Json) Console.Out.WriteLine(JsonSerializer.Serialize(facts, DemoJson.Default.DemoFacts));
            screen.Line(facts.Ok ? $"OK in {facts.Seconds:F0} s" : "FAILED");
            if (options.Keep) await KeepAsync(lab, cluster, dist, folder, ct);
            return facts.Ok ? 0 : 1;
        }
        finally
        {
            await cluster.DisposeAsync();
            await lab.DisposeAsync();
            if (options.Folder is null) Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<DemoFacts> TellAsync(RunningLab lab, LabCluster cluster, CancellationToken ct)
    {
        screen.Step($"{options.PodsPerNode} pods on each node, through the CNI entrypoint");
        var (pods, podFacts) = await StartPodsAsync(lab, cluster, ct);
        screen.Map(lab, pods);

        screen.Step("who reaches whom");
        var cells = await cluster.MatrixAsync(s_probe, ct);
        screen.Matrix(cells);

        screen.Step("daemons killed (SIGKILL) and started again under TCP streams: from a shared to an exclusive pod, and over IPv6");
        var (interrupted, messages, readyMs) = await KillUnderStreamAsync(lab, cluster, pods, ct);
        screen.Line($"  {messages} messages or more on each, {(interrupted ? "INTERRUPTED" : "not interrupted")}; serving again after {string.Join(" and ", readyMs.Select(static m => $"{m:F0} ms"))}");

        screen.Step("all pods deleted");
        foreach (var pod in pods) await cluster.RemovePodAsync(pod.Name, ct);
        var leaks = await LeakAudit.FindAsync(lab, s_patience, ct);
        foreach (var leak in leaks.All) screen.Line("  LEAK " + leak);
        screen.Line($"  left behind: kernel {leaks.Kernel.Count}, cloud {leaks.Cloud.Count}, state {leaks.State.Count}");

        var drops = lab.Vpc.Drops().Where(static d => d.Value > 0).ToDictionary(static d => d.Key, static d => d.Value);
        screen.Line(drops.Count == 0
            ? "  VPC drops: none"
            : $"  VPC DROPS: {string.Join(", ", drops.Select(static d => $"{d.Key} {d.Value}"))}");
        foreach (var drop in lab.Vpc.LastDrops().Take(drops.Count == 0 ? 0 : 10)) screen.Line($"    {drop}");

        return new DemoFacts
        {
            Pods = podFacts,
            Connectivity = [.. cells.Select(static c => new DemoCell(c.From, c.To, c.Family, c.Ok, c.Error))],
            VpcDrops = drops.Values.Sum(),
            VpcDropsByReason = drops,
            Leaks = new DemoLeaks(leaks.Kernel.Count, leaks.Cloud.Count, leaks.State.Count, [.. leaks.All]),
            StreamInterrupted = interrupted,
            StreamMessages = messages,
            DaemonReadyMs = readyMs,
            Seconds = screen.Seconds,
            Ok = leaks.IsClean && drops.Count == 0 && !interrupted && cells.All(static c => c.Ok),
        };
    }

    private async Task<(List<ClusterPod> Pods, List<DemoPod> Facts)> StartPodsAsync(RunningLab lab, LabCluster cluster, CancellationToken ct)
    {
        var pods = new List<ClusterPod>();
        var facts = new List<DemoPod>();
        foreach (var node in lab.Nodes)
        {
            for (var i = 1; i <= options.PodsPerNode; i++)
            {
                var begin = Stopwatch.GetTimestamp();
                var pod = await cluster.AddPodAsync(node, $"{ShortName(node)}-{i}", ct);
                var took = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
                var eni = lab.Cloud.Region.Enis.First(e => e.PrivateIps.Contains(pod.Address));
                pods.Add(pod);
                facts.Add(new DemoPod(pod.Name, node.Name, node.Pool ?? "shared", eni.Id, pod.Address.ToString(), pod.Ipv6?.ToString(), took));
            }
        }

        return (pods, facts);
    }

    private static async Task<(bool Interrupted, long Messages, List<double> ReadyMs)> KillUnderStreamAsync(
        RunningLab lab, LabCluster cluster, List<ClusterPod> pods, CancellationToken ct)
    {
        var dual = pods.Where(static p => p.Ipv6 is not null).ToList();
        await using var stream = await StreamAsync(lab, pods[0], pods[^1].Address, ct);
        await using var stream6 = await StreamAsync(lab, dual[0], dual[^1].Ipv6!, ct);
        var ready = new List<double>();
        foreach (var node in lab.Nodes)
        {
            await cluster.Daemon(node).KillAsync(ct);
            ready.Add((await cluster.StartDaemonAsync(node, ct)).TotalMilliseconds);
        }

        // A little longer: a daemon that breaks something does so while it reconciles.
        await Task.Delay(500, ct);
        return (stream.Interrupted || stream6.Interrupted, Math.Min(stream.Messages, stream6.Messages), ready);
    }

    private static Task<SequencedStream> StreamAsync(RunningLab lab, ClusterPod from, IPAddress to, CancellationToken ct) => SequencedStream.OpenAsync(
        lab.Namespaces.Thread, from.Sandbox.NetNs, new IPEndPoint(to, EchoServer.DefaultPort), TimeSpan.FromMilliseconds(2), TimeProvider.System, ct);

    private async Task KeepAsync(RunningLab lab, LabCluster cluster, DistFolder dist, string folder, CancellationToken ct)
    {
        var node = lab.Nodes[0];
        screen.Line();
        screen.Line("The region stays up until you press Ctrl-C. From another terminal:");
        screen.Line($"  nsenter --net={node.NetNsPath} ip rule                      # look around on {node.Name}");
        screen.Line($"  {Path.Combine(dist.Root, "cli", "terway-cli")} --socket {Path.Combine(node.Paths.Run, "eni.socket")} status");
        screen.Line($"  tail -f {cluster.Daemon(node).LogFile}");
        screen.Line($"Everything of the nodes is below {folder}.");
        try
        {
            await Task.Delay(Timeout.Infinite, ct);
        }
        catch (OperationCanceledException)
        {
            screen.Line("taking the region down");
        }
    }

    private static string ShortName(LabNode node) => node.Name.StartsWith("node-", StringComparison.Ordinal) ? node.Name[5..] : node.Name;
}
