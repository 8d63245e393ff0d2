using System.Diagnostics;
using System.Net;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Linux.Bpf;

namespace Terway.EndToEnd.Tests;

/// <summary>The eBPF objects of pods whose journal is lost: they serve, are taken up, and go with the pods.</summary>
public sealed class LostStateTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Accelerated_pods_live_through_a_lost_journal_and_leave_nothing_when_they_go()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await AcceleratedNodes.StartAsync(PoolConfig.Dual(AcceleratedNodes.Conf), Token, region: LabConfig.DualStack);
        var (node, other) = (nodes.Lab.Nodes[0], nodes.Lab.Nodes[1]);
        var client = await nodes.Cluster.AddPodAsync(node, "client", Token);
        ClusterPod[] servers = [await nodes.Cluster.AddPodAsync(node, "local", Token), await nodes.Cluster.AddPodAsync(other, "remote", Token)];
        await CleanAsync(nodes, node);
        var filters = nodes.Programs(node).Select(static f => (f.Link, f.Program)).Order().ToList();
        var streams = new List<SequencedStream>();
        var flows = new List<DatagramFlow>();
        try
        {
            foreach (var at in servers.SelectMany(static s => s.Addresses).Select(static a => new IPEndPoint(a, EchoServer.DefaultPort)))
            {
                streams.Add(await SequencedStream.OpenAsync(nodes.Lab.Namespaces.Thread, client.Sandbox.NetNs, at, TimeSpan.FromMilliseconds(5), TimeProvider.System, Token));
                flows.Add(await DatagramFlow.StartAsync(nodes.Lab.Namespaces.Thread, client.Sandbox.NetNs, at, Token));
            }

            await nodes.Cluster.Daemon(node).KillAsync(Token);
            foreach (var file in Directory.GetFiles(node.Paths.State, "state.db*")) File.Delete(file);
            await ProceedAsync(streams);
            var passed = AcceleratedNodes.Count(node, AcceleratedNodes.Way.PodToPod);
            await nodes.Cluster.StartDaemonAsync(node, Token);
            await ProceedAsync(streams);
            foreach (var flow in flows) Assert.Empty(await flow.StopAsync());
            Assert.True(AcceleratedNodes.Count(node, AcceleratedNodes.Way.PodToPod) > passed);
        }
        finally
        {
            foreach (var flow in flows) await flow.DisposeAsync();
            foreach (var stream in streams) await stream.DisposeAsync();
        }

        // Every entry is there with its pod's link, every object belongs to somebody again.
        await CleanAsync(nodes, node);
        Assert.Equal(filters, nodes.Programs(node).Select(static f => (f.Link, f.Program)).Order());
        // Which build was loaded is lost as well: it is loaded again, and the filters follow.
        for (var clock = Stopwatch.StartNew(); nodes.Programs(node).Any(f => f.Id != PinnedId(node, f.Program)); await Task.Delay(50, Token))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(15), "a filter has a program that is pinned no more");

        // A new pod joins them, and all of them take the fast way both ways.
        await nodes.Cluster.AddPodAsync(node, "young", Token);
        await nodes.AssertMatrixAsync(Token);
        Assert.Equal(0, AcceleratedNodes.Drops(node));
        await nodes.RemovePodsAsync(Token);
        await nodes.AssertCleanAsync(Token);
    }

    [Fact]
    public async Task Without_a_journal_and_without_the_plugin_the_last_del_takes_everything()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await AcceleratedNodes.StartAsync(AcceleratedNodes.Conf, Token);
        var node = nodes.Lab.Nodes[0];
        await nodes.Cluster.AddPodAsync(node, "one", Token);
        await nodes.Cluster.AddPodAsync(node, "two", Token);
        await nodes.Cluster.Daemon(node).KillAsync(Token);
        foreach (var file in Directory.GetFiles(node.Paths.State, "state.db*")) File.Delete(file);
        await nodes.Cluster.StartDaemonAsync(node, Token);
        await CleanAsync(nodes, node);

        // Whatever the daemon took up again it has to know when the plugin is gone.
        nodes.Cluster.Daemon(node).EniConf = PoolConfig.SharedWith(4, 12);
        Assert.True(await nodes.Cluster.Daemon(node).StopAsync(Token));
        await nodes.Cluster.StartDaemonAsync(node, Token);
        await nodes.AssertMatrixAsync(Token);
        await nodes.RemovePodsAsync(Token);
        await CleanAsync(nodes, node);
        Assert.Empty(Directory.EnumerateDirectories(node.Paths.Bpf));
        Assert.Empty(nodes.Programs(node));
        await nodes.AssertCleanAsync(Token);
    }

    private static uint? PinnedId(LabNode node, string program)
    {
        using var pinned = BpfProgram.OpenPinned(Path.Combine(AcceleratedNodes.PinsOf(node), program));
        return pinned?.Id;
    }

    private static async Task CleanAsync(AcceleratedNodes nodes, LabNode node) =>
        Assert.Empty((await LeakAudit.FindAsync(nodes.Lab, node, TimeSpan.FromSeconds(15), Token)).All);

    private static async Task ProceedAsync(IReadOnlyList<SequencedStream> streams)
    {
        var goals = streams.Select(static s => s.Messages + 20).ToList();
        for (var clock = Stopwatch.StartNew(); streams.Where((s, i) => !s.Interrupted && s.Messages < goals[i]).Any(); await Task.Delay(20, Token))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), "a stream stands still");
        Assert.All(streams, static s => Assert.Null(s.Failure));
    }
}
