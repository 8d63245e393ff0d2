using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Linux.Bpf;
using Terway.Linux.Netlink;
using Way = Terway.EndToEnd.Tests.Fixtures.AcceleratedNodes.Way;

namespace Terway.EndToEnd.Tests;

/// <summary>The accelerated datapath with real traffic: which way it takes, and that nothing that happens to the daemon costs a packet.</summary>
public sealed class DataPathV2Tests
{
    // Longer than what any loaded machine takes for 20 messages.
    private static readonly TimeSpan s_stall = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_whole_matrix_works_past_the_nodes_stack_and_leaves_nothing()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await AcceleratedNodes.StartAsync(AcceleratedNodes.Conf, Token);
        await AddPodsAsync(nodes, perNode: 3);
        await nodes.AssertMatrixAsync(Token);
        Assert.All(nodes.Lab.Nodes, static n => Assert.Equal(0, AcceleratedNodes.Drops(n)));

        // Between pods nothing at all is left to the stack: a megabyte each way, so GSO as well, on one node and between two.
        var pods = nodes.Cluster.Pods;
        var before = nodes.Lab.Nodes.ToDictionary(static n => n.Name, n => Figures(nodes, n));
        Assert.Null(await nodes.TalkAsync(pods[0], pods[1], Token, payload: 1 << 20));
        Assert.Null(await nodes.TalkAsync(pods[0], pods[3], Token, payload: 1 << 20));
        foreach (var node in nodes.Lab.Nodes)
        {
            var (local, toVpc, fromVpc, stack, toPod) = Figures(nodes, node);
            var was = before[node.Name];
            Assert.Equal(was.Stack, stack);
            Assert.Equal(was.ToPod, toPod);
            Assert.True(toVpc > was.ToVpc && fromVpc > was.FromVpc, $"{node.Name}: {was} -> {(local, toVpc, fromVpc)}");
            Assert.Equal(node == pods[0].Node, local > was.Local);
        }

        using (var client = MetricsSocket.Client(pods[0].Node))
        {
            var metrics = (await client.GetStringAsync("/metrics", Token)).Split('\n');
            Assert.Contains($"terway_datapath_packets_total{{path=\"pod-to-pod\"}} {AcceleratedNodes.Count(pods[0].Node, Way.PodToPod)}", metrics);
            Assert.Contains("terway_datapath_drops_total{reason=\"spoofed-source\"} 0", metrics);
            Assert.Contains("terway_datapath_map_entries{map=\"dp_pods4\"} 3", metrics);
            Assert.Contains("terway_datapath_map_capacity{map=\"dp_pods4\"} 4096", metrics);
        }

        await nodes.RemovePodsAsync(Token);
        await nodes.AssertCleanAsync(Token);
        Assert.All(nodes.Lab.Nodes, static n => Assert.Equal(0, AcceleratedNodes.Entries(n, "dp_pods4")));
    }

    [Fact]
    public async Task Both_families_take_the_fast_way_and_live_through_a_restart()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await AcceleratedNodes.StartAsync(PoolConfig.Dual(AcceleratedNodes.Conf), Token, region: LabConfig.DualStack);
        await AddPodsAsync(nodes, perNode: 2);
        var pods = nodes.Cluster.Pods;
        Assert.All(pods, static p => Assert.NotNull(p.Ipv6));
        await nodes.AssertMatrixAsync(Token);
        Assert.All(nodes.Lab.Nodes, static n => Assert.Equal(0, AcceleratedNodes.Drops(n)));

        // A megabyte each way over IPv6: nothing of it is the stack's on either node.
        var before = nodes.Lab.Nodes.ToDictionary(static n => n.Name, n => (Figures(nodes, n), nodes.ForwardedByStack6(n)));
        Assert.Null(await nodes.TalkAsync(pods[0], pods[1], Token, payload: 1 << 20, ipv6: true));
        Assert.Null(await nodes.TalkAsync(pods[0], pods[2], Token, payload: 1 << 20, ipv6: true));
        foreach (var node in nodes.Lab.Nodes)
        {
            var now = Figures(nodes, node);
            var (was, stack6) = before[node.Name];
            Assert.Equal(stack6, nodes.ForwardedByStack6(node));
            Assert.Equal(was.ToPod, now.ToPod);
            Assert.True(now.ToVpc > was.ToVpc && now.FromVpc > was.FromVpc, $"{node.Name}: {was} -> {now}");
            Assert.Equal(node == pods[0].Node, now.Local > was.Local);
        }

        var streams = new List<SequencedStream>();
        try
        {
            foreach (var to in new[] { pods[1], pods[2] })
            {
                streams.Add(await SequencedStream.OpenAsync(
                    nodes.Lab.Namespaces.Thread, pods[0].Sandbox.NetNs, new IPEndPoint(to.Ipv6!, EchoServer.DefaultPort), TimeSpan.FromMilliseconds(5), TimeProvider.System, Token));
            }

            await nodes.Cluster.Daemon(pods[0].Node).KillAsync(Token);
            await ProceedAsync(streams, []);
            await nodes.Cluster.StartDaemonAsync(pods[0].Node, Token);
            await ProceedAsync(streams, []);
        }
        finally
        {
            foreach (var stream in streams) await stream.DisposeAsync();
        }

        await nodes.RemovePodsAsync(Token);
        await nodes.AssertCleanAsync(Token);
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("clsact")]
    public async Task A_killed_daemon_an_upgrade_and_a_restart_cost_no_packet(string attach)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await AcceleratedNodes.StartAsync(AcceleratedNodes.Conf, Token, arguments: ["--tc-attach", attach]);
        await AddPodsAsync(nodes, perNode: 2);
        var node = nodes.Lab.Nodes[0];
        var pods = nodes.Cluster.Pods;
        var streams = new List<SequencedStream>();
        var flows = new List<DatagramFlow>();
        try
        {
            foreach (var to in new[] { pods[1], pods[2] })
            {
                var at = new IPEndPoint(to.Address, EchoServer.DefaultPort);
                for (var i = 0; i < 5; i++)
                {
                    streams.Add(await SequencedStream.OpenAsync(
                        nodes.Lab.Namespaces.Thread, pods[0].Sandbox.NetNs, at, TimeSpan.FromMilliseconds(5), TimeProvider.System, Token));
                }

                flows.Add(await DatagramFlow.StartAsync(nodes.Lab.Namespaces.Thread, pods[0].Sandbox.NetNs, at, Token));
            }

            // The same build: every link keeps its programs.
            var filters = nodes.Programs(node);
            Assert.NotEmpty(filters);
            Assert.Equal(attach == "clsact" || !TcxHook.IsThere() ? filters : [], nodes.Filters(node));
            await nodes.Cluster.Daemon(node).KillAsync(Token);
            await ProceedAsync(streams, flows);
            await nodes.Cluster.StartDaemonAsync(node, Token);
            await ProceedAsync(streams, flows);
            Assert.Equal(filters, nodes.Programs(node));

            // Maps of another size: new maps, new programs, every one exchanged in its place.
            nodes.Cluster.Daemon(node).EniConf = PoolConfig.AcceleratedWith(4, 12, """{"max_pod_addresses": 256, "max_stack_flows": 4096}""");
            Assert.True(await nodes.Cluster.Daemon(node).StopAsync(Token));
            await nodes.Cluster.StartDaemonAsync(node, Token);
            await ProceedAsync(streams, flows);
            var exchanged = nodes.Programs(node);
            Assert.Equal(filters.Select(static f => (f.Link, f.Program)), exchanged.Select(static f => (f.Link, f.Program)));
            Assert.Empty(filters.Select(static f => f.Id).Intersect(exchanged.Select(static f => f.Id)));

            // By tcx where the kernel has it: the same programs in other places. Not the other way round: while a clsact is made the kernel stops the link's queues.
            if (attach == "clsact" && TcxHook.IsThere())
            {
                nodes.Cluster.Daemon(node).Arguments = ["--tc-attach", "auto"];
                Assert.True(await nodes.Cluster.Daemon(node).StopAsync(Token));
                await nodes.Cluster.StartDaemonAsync(node, Token);
                await ProceedAsync(streams, flows);
                Assert.Equal(exchanged.Order(), nodes.TcxPrograms(node).Order());
                Assert.Empty(nodes.Filters(node));
            }

            Assert.All(streams, static s => Assert.Null(s.Failure));
            foreach (var flow in flows) Assert.Empty(await flow.StopAsync());
        }
        finally
        {
            foreach (var stream in streams) await stream.DisposeAsync();
            foreach (var flow in flows) await flow.DisposeAsync();
        }

        await nodes.AssertMatrixAsync(Token);
        await nodes.RemovePodsAsync(Token);
        await nodes.AssertCleanAsync(Token);
    }

    [Fact]
    public async Task A_version_with_another_layout_takes_pods_over_without_a_lost_packet()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        const string Service = "172.29.0.10";
        await using var nodes = await AcceleratedNodes.StartAsync(
            PoolConfig.AcceleratedWith(4, 12, """{"service_cidr": "172.29.0.0/16"}"""), Token, ownPlugins: true);
        await AddPodsAsync(nodes, perNode: 2);
        var node = nodes.Lab.Nodes[0];
        var pods = nodes.Cluster.Pods;
        // A Service as kube-proxy makes it, whose backend is on the other node: the stack translates, and must go on seeing both directions.
        await AcceleratedNodes.TranslateAsync(node, Service, pods[2].Address, Token);
        var streams = new List<SequencedStream>();
        var flows = new List<DatagramFlow>();
        try
        {
            // Connections to the Service from a pod of which nothing else reminds the datapath, datagrams from one that is busy.
            foreach (var (from, address, count) in new[]
            {
                (pods[0], pods[1].Address, 4), (pods[0], pods[2].Address, 4), (pods[1], IPAddress.Parse(Service), 2), (pods[0], IPAddress.Parse(Service), 0),
            })
            {
                var at = new IPEndPoint(address, EchoServer.DefaultPort);
                for (var i = 0; i < count; i++)
                {
                    streams.Add(await SequencedStream.OpenAsync(
                        nodes.Lab.Namespaces.Thread, from.Sandbox.NetNs, at, TimeSpan.FromMilliseconds(5), TimeProvider.System, Token));
                }

                if (from == pods[0]) flows.Add(await DatagramFlow.StartAsync(nodes.Lab.Namespaces.Thread, from.Sandbox.NetNs, at, Token));
            }

            var filters = nodes.Programs(node);
            nodes.AddNextPlugin();
            Assert.True(await nodes.Cluster.Daemon(node).StopAsync(Token));
            await ProceedAsync(streams, flows);
            await nodes.Cluster.StartDaemonAsync(node, Token);
            await ProceedAsync(streams, flows);

            // The other version's programs in the same places; nothing of the old layout is left.
            var handed = nodes.Programs(node);
            Assert.Equal(filters.Select(static f => (f.Link, f.Program)), handed.Select(static f => (f.Link, f.Program)));
            Assert.Empty(filters.Select(static f => f.Id).Intersect(handed.Select(static f => f.Id)));
            Assert.Equal(["datapath-v2", "services-v1"], AcceleratedNodes.PinFolders(node));
            Assert.Equal(0, AcceleratedNodes.Drops(node, layout: 2));
            Assert.All(streams, static s => Assert.Null(s.Failure));
            foreach (var flow in flows) Assert.Empty(await flow.StopAsync());
        }
        finally
        {
            foreach (var stream in streams) await stream.DisposeAsync();
            foreach (var flow in flows) await flow.DisposeAsync();
        }

        // The other node is a version behind; a pod made now is carried like those that were handed over.
        await nodes.Cluster.AddPodAsync(node, "late", Token);
        await nodes.AssertMatrixAsync(Token);

        // And back.
        nodes.RemoveNextPlugin();
        Assert.True(await nodes.Cluster.Daemon(node).StopAsync(Token));
        await nodes.Cluster.StartDaemonAsync(node, Token);
        Assert.Equal(["datapath-v1", "services-v1"], AcceleratedNodes.PinFolders(node));
        await nodes.AssertMatrixAsync(Token);
        await nodes.RemovePodsAsync(Token);
        await nodes.AssertCleanAsync(Token);
    }

    [Fact]
    public async Task What_others_remove_comes_back()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await AcceleratedNodes.StartAsync(AcceleratedNodes.Conf, Token, arguments: ["--tc-attach", "clsact"]);
        await AddPodsAsync(nodes, perNode: 1);
        var node = nodes.Lab.Nodes[0];
        var filters = nodes.Filters(node);
        using (var rtnl = RtnlSocket.Open(nodes.Lab.Namespaces.Thread, node.NetNs))
        using (var batch = new RtnlBatch())
        {
            foreach (var link in rtnl.DumpLinks().Where(l => filters.Any(f => f.Link == l.Name))) batch.QdiscDelete(QdiscSpec.ForClsact(link.Index));
            rtnl.ExecuteOrThrow(batch);
        }

        Assert.Empty(nodes.Filters(node));
        // The pod is served meanwhile by its rules and routes.
        Assert.Null(await nodes.TalkAsync(nodes.Cluster.Pods[0], nodes.Cluster.Pods[1], Token));
        while (!nodes.Filters(node).SequenceEqual(filters)) await Task.Delay(20, Token);
        await nodes.RemovePodsAsync(Token);
        await nodes.AssertCleanAsync(Token);
    }

    [Fact]
    public async Task A_running_node_takes_it_up_and_gives_it_up_again()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await AcceleratedNodes.StartAsync(PoolConfig.SharedWith(4, 12), Token);
        await AddPodsAsync(nodes, perNode: 1, "old");
        var node = nodes.Lab.Nodes[0];
        Assert.False(Directory.Exists(AcceleratedNodes.PinsOf(node)));

        // On: pods that are there keep what they have, new ones are accelerated, and all of them reach each other.
        await RestartAsync(nodes, AcceleratedNodes.Conf);
        await AddPodsAsync(nodes, perNode: 2, "new");
        await nodes.AssertMatrixAsync(Token);
        Assert.True(AcceleratedNodes.Count(node, Way.PodToPod) > 0);
        Assert.True(AcceleratedNodes.Count(node, Way.StackRoute) > 0);
        Assert.Equal(2, AcceleratedNodes.Entries(node, "dp_pods4"));

        // Off: the same the other way round.
        await RestartAsync(nodes, PoolConfig.SharedWith(4, 12));
        await AddPodsAsync(nodes, perNode: 1, "last");
        await nodes.AssertMatrixAsync(Token);
        Assert.Equal(2, AcceleratedNodes.Entries(node, "dp_pods4"));

        // With its last pod everything goes.
        await nodes.RemovePodsAsync(Token);
        await nodes.AssertCleanAsync(Token);
        foreach (var each in nodes.Lab.Nodes)
        {
            Assert.False(Directory.Exists(AcceleratedNodes.PinsOf(each)));
            Assert.Empty(nodes.Programs(each));
            Assert.Empty(Directory.GetDirectories(each.Paths.Bpf));
        }
    }

    [Fact]
    public async Task A_pod_that_lies_about_its_address_reaches_nobody()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var nodes = await AcceleratedNodes.StartAsync(AcceleratedNodes.Conf, Token);
        await AddPodsAsync(nodes, perNode: 2);
        var pods = nodes.Cluster.Pods;
        var node = nodes.Lab.Nodes[0];
        using (var rtnl = RtnlSocket.Open(nodes.Lab.Namespaces.Thread, pods[0].Sandbox.NetNs))
        using (var batch = new RtnlBatch())
        {
            batch.AddressAdd(new() { LinkIndex = rtnl.GetLink("eth0")!.Index, Address = IpPrefix.Parse($"{pods[1].Address}/32") });
            rtnl.ExecuteOrThrow(batch);
        }

        var at = new IPEndPoint(pods[2].Address, EchoServer.DefaultPort);
        var probe = await Probe.UdpAsync(
            nodes.Lab.Namespaces.Thread, pods[0].Sandbox.NetNs, at, TimeSpan.FromSeconds(1), source: pods[1].Address, ct: Token);
        Assert.False(probe.Ok);
        Assert.True(AcceleratedNodes.Drops(node) > 0);
        // Not even the VPC has seen it.
        Assert.Empty(nodes.Lab.Vpc.LastDrops());
    }

    [Fact]
    public async Task A_pods_ingress_limit_holds_on_the_fast_way()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        const int BytesPerSecond = 2_000_000, Payload = 4_000_000;
        await using var nodes = await AcceleratedNodes.StartAsync(AcceleratedNodes.Conf, Token);
        await AddPodsAsync(nodes, perNode: 1);
        var (node, other) = (nodes.Lab.Nodes[0], nodes.Lab.Nodes[1]);
        var limit = new JsonObject { ["bandwidth"] = new JsonObject { ["ingressRate"] = 8 * BytesPerSecond, ["ingressBurst"] = 8 * BytesPerSecond } };
        var limited = await nodes.Cluster.AddPodAsync(node, "limited", Token, limit);
        foreach (var (from, way) in new[] { (node, Way.PodToPod), (other, Way.VpcToPod) })
        {
            var (passed, flows) = (AcceleratedNodes.Count(node, way), AcceleratedNodes.Count(node, Way.StackFlow));
            var pod = nodes.Cluster.Pods.First(p => p.Node == from && p != limited);
            var probe = await Probe.TcpAsync(
                nodes.Lab.Namespaces.Thread, pod.Sandbox.NetNs, new IPEndPoint(limited.Address, EchoServer.DefaultPort), TimeSpan.FromSeconds(60), payload: Payload, ct: Token);
            Assert.True(probe.Ok, probe.Error);
            // The bucket, of a packet or of a millisecond, lets the start go at once.
            Assert.InRange(probe.Elapsed.TotalSeconds, 0.9 * Payload / BytesPerSecond, double.MaxValue);
            Assert.True(AcceleratedNodes.Count(node, way) > passed);
            // What came through the queue was not taken for the stack's.
            Assert.Equal(flows, AcceleratedNodes.Count(node, Way.StackFlow));
        }

        await nodes.RemovePodsAsync(Token);
        await nodes.AssertCleanAsync(Token);
    }

    [Fact]
    public async Task A_pods_egress_limit_holds_to_the_vpc_and_to_pods_of_its_node_and_leaves_nothing()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        const int BytesPerSecond = 2_000_000, Payload = 4_000_000;
        await using var nodes = await AcceleratedNodes.StartAsync(AcceleratedNodes.Conf, Token);
        await AddPodsAsync(nodes, perNode: 1);
        var (node, other) = (nodes.Lab.Nodes[0], nodes.Lab.Nodes[1]);
        using var links = RtnlSocket.Open(nodes.Lab.Namespaces.Thread, node.NetNs);
        // As many as pods, where the kernel has any: by departure times each pod's link has one, and an ENI only for a limited pod.
        var byTime = FairQueue.IsInKernel();
        Assert.Equal(byTime ? 1 : 0, FairQueues());
        var limit = new JsonObject { ["bandwidth"] = new JsonObject { ["egressRate"] = 8 * BytesPerSecond, ["egressBurst"] = 8 * BytesPerSecond } };
        var limited = await nodes.Cluster.AddPodAsync(node, "limited", Token, limit);
        Assert.Equal(byTime ? 3 : 0, FairQueues());
        await HoldsAsync();
        // Pods keep their limits when the daemon starts again.
        await RestartAsync(nodes, AcceleratedNodes.Conf);
        Assert.Equal(byTime ? 3 : 0, FairQueues());
        await HoldsAsync();
        await nodes.Cluster.RemovePodAsync("limited", Token);
        await PoolNodes.WaitDetachedAsync(node, attachments: 1, Token);
        Assert.Equal(byTime ? 1 : 0, FairQueues());
        await nodes.RemovePodsAsync(Token);
        await nodes.AssertCleanAsync(Token);

        int FairQueues() => links.DumpQdiscs().Count(static q => q is { Kind: "fq", Parent: TcHandle.Root });

        async Task HoldsAsync()
        {
            foreach (var to in new[] { node, other })
            {
                var pod = nodes.Cluster.Pods.First(p => p.Node == to && p != limited);
                var probe = await Probe.TcpAsync(
                    nodes.Lab.Namespaces.Thread, limited.Sandbox.NetNs, new IPEndPoint(pod.Address, EchoServer.DefaultPort), TimeSpan.FromSeconds(60), payload: Payload, ct: Token);
                Assert.True(probe.Ok, probe.Error);
                Assert.InRange(probe.Elapsed.TotalSeconds, 0.9 * Payload / BytesPerSecond, double.MaxValue);
            }
        }
    }

    private static (long Local, long ToVpc, long FromVpc, long Stack, long ToPod) Figures(AcceleratedNodes nodes, LabNode node) => (
        AcceleratedNodes.Count(node, Way.PodToPod), AcceleratedNodes.Count(node, Way.PodToVpc), AcceleratedNodes.Count(node, Way.VpcToPod),
        nodes.ForwardedByStack(node), AcceleratedNodes.Count(node, Way.StackToPod));

    private static async Task AddPodsAsync(AcceleratedNodes nodes, int perNode, string name = "pod")
    {
        foreach (var node in nodes.Lab.Nodes)
        {
            for (var i = 0; i < perNode; i++) await nodes.Cluster.AddPodAsync(node, $"{name}-{node.Name}-{i}", Token);
        }
    }

    private static async Task RestartAsync(AcceleratedNodes nodes, string eniConf)
    {
        foreach (var node in nodes.Lab.Nodes)
        {
            nodes.Cluster.Daemon(node).EniConf = eniConf;
            Assert.True(await nodes.Cluster.Daemon(node).StopAsync(Token));
            await nodes.Cluster.StartDaemonAsync(node, Token);
        }
    }

    /// <summary>Until each stream and flow has got some further.</summary>
    private static async Task ProceedAsync(IReadOnlyList<SequencedStream> streams, IReadOnlyList<DatagramFlow> flows)
    {
        var goals = streams.Select(static s => s.Messages + 20).ToList();
        var sent = flows.Select(static f => f.Sent + 200).ToList();
        var clock = Stopwatch.StartNew();
        while (streams.Where((s, i) => !s.Interrupted && s.Messages < goals[i]).Any() || flows.Where((f, i) => f.Sent < sent[i]).Any())
        {
            Assert.True(clock.Elapsed < s_stall, $"no further for {s_stall.TotalSeconds} s: streams {string.Join(", ", streams.Select((s, i) => goals[i] - s.Messages))} messages behind");
            await Task.Delay(20, Token);
        }

        Assert.All(streams, static s => Assert.Null(s.Failure));
    }
}
