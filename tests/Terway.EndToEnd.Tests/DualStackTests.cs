using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Runtime;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.EndToEnd.Tests;

/// <summary>Pods with an IPv6 address beside the IPv4 one: packets, repair, and a node on which the plugin comes and goes.</summary>
public sealed class DualStackTests
{
    private const int PodsPerNode = 4;

    private static readonly TimeSpan s_probe = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(15);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pods_of_two_nodes_talk_over_both_families_from_the_first_packet_and_leave_nothing()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var folder = Directory.CreateTempSubdirectory("terway-dual-");
        try
        {
            await using var lab = await RunningLab.StartAsync(Quick(LabConfig.DualStack), $"t{Guid.NewGuid():N}"[..9], folder.FullName, ct: Token);
            await using var cluster = new LabCluster(lab, DistFolder.Find().Options(PoolConfig.DualWith(minPool: 4, maxPool: 12)));
            var thread = lab.Namespaces.Thread;
            foreach (var node in lab.Nodes)
            {
                await cluster.StartDaemonAsync(node, Token);
                for (var i = 0; i < PodsPerNode; i++)
                {
                    var pod = await cluster.AddPodAsync(node, $"{node.Name}-{i}", Token);
                    // Without a retry: one datagram to another node, from an address that could not be bound to while it is tentative.
                    await EchoOnceAsync(lab, pod, lab.Nodes.Last(n => n != node).PrimaryIpv6!);
                    AssertNothingTentative(thread, pod.Sandbox.NetNs);
                    AssertResult(pod);
                }
            }

            var enis = lab.Cloud.Region.Enis;
            Assert.All(cluster.Pods, pod => Assert.Single(enis, e => e.PrivateIps.Contains(pod.Address) && e.Ipv6Addresses.Contains(pod.Ipv6!)));
            await AssertConnectedAsync(cluster, families: 2);

            // Connections over IPv6, on one node and across, outlive the daemons of both ends.
            var (a, b, c) = (cluster.Pods[0], cluster.Pods[1], cluster.Pods[^1]);
            var near = await SequencedStream.OpenAsync(thread, a.Sandbox.NetNs, Echo(b.Ipv6!), TimeSpan.FromMilliseconds(5), TimeProvider.System, Token);
            var far = await SequencedStream.OpenAsync(thread, a.Sandbox.NetNs, Echo(c.Ipv6!), TimeSpan.FromMilliseconds(5), TimeProvider.System, Token);
            foreach (var node in lab.Nodes)
            {
                await cluster.Daemon(node).KillAsync(Token);
                await cluster.StartDaemonAsync(node, Token);
                await cluster.AddPodAsync(node, $"{node.Name}-after", Token);
                Assert.True(await cluster.Daemon(node).StopAsync(Token));
                await cluster.StartDaemonAsync(node, Token);
            }

            Assert.False(near.Interrupted, near.Failure);
            Assert.False(far.Interrupted, far.Failure);
            Assert.Equal(4 * (PodsPerNode + 1), cluster.Pods.SelectMany(static p => p.Addresses).Distinct().Count());
            await AssertConnectedAsync(cluster, families: 2);

            // Ended before their pods: a stream that loses its peer says so and fails the test.
            await near.DisposeAsync();
            await far.DisposeAsync();
            foreach (var pod in cluster.Pods)
                await cluster.RemovePodAsync(pod.Name, Token);
            Assert.Empty((await LeakAudit.FindAsync(lab, s_settle, Token)).All);
            Assert.Empty(lab.Vpc.LastDrops());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Pods_of_prefixes_have_an_address_of_each_familys_prefix()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var one = await OneNode.StartAsync(Token, eniConf: PoolConfig.Dual(PoolConfig.PrefixesWith(minPool: 4, maxPool: 16)), region: LabConfig.DualStack);
        for (var i = 0; i < 3; i++) await one.Cluster.AddPodAsync(one.Node, $"p{i}", Token);

        Assert.All(one.Cluster.Pods, pod =>
        {
            var eni = Assert.Single(one.Lab.Cloud.Region.Enis, e => e.Ipv4Prefixes.Any(p => p.Contains(pod.Address)));
            Assert.True(Assert.Single(eni.Ipv6Prefixes).Contains(pod.Ipv6!));
            Assert.Empty(eni.Ipv6Addresses);
        });
        await AssertConnectedAsync(one.Cluster, families: 2);
        await one.Cluster.Daemon(one.Node).KillAsync(Token);
        await one.Cluster.StartDaemonAsync(one.Node, Token);
        await one.Cluster.AddPodAsync(one.Node, "after", Token);
        await AssertConnectedAsync(one.Cluster, families: 2);
        await RemoveAllAsync(one);
    }

    [Fact]
    public async Task What_somebody_removes_of_ipv6_comes_back()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var one = await OneNode.StartAsync(Token, eniConf: PoolConfig.DualWith(4, 12), region: LabConfig.DualStack);
        var pod = await one.Cluster.AddPodAsync(one.Node, "pod", Token);
        var other = await one.Cluster.AddPodAsync(one.Node, "other", Token);
        foreach (var harm in (string[][])
        [
            ["ip", "-6", "rule", "flush", "priority", "2048"], ["ip", "-6", "rule", "del", "priority", "512", "to", $"{pod.Ipv6}"],
            ["ip", "-6", "route", "del", $"{pod.Ipv6}"], ["ip", "-6", "route", "flush", "table", "all", "proto", "201"],
        ])
        {
            await ExecAsync(one.Node.NetNsPath, harm);
            await UntilCheckedAsync(one.Cluster.Daemon(one.Node), pod, other);
            await AssertEchoAsync(one.Lab, one.Node.NetNs, pod.Ipv6!, string.Join(' ', harm));
            await AssertEchoAsync(one.Lab, pod.Sandbox.NetNs, other.Ipv6!, string.Join(' ', harm));
            await AssertEchoAsync(one.Lab, pod.Sandbox.NetNs, one.Node.PrimaryIpv6!, string.Join(' ', harm));
        }

        await RemoveAllAsync(one);
    }

    [Fact]
    public async Task Foreign_ipv6_sources_are_dropped_by_the_vpc_and_counted()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var folder = Directory.CreateTempSubdirectory("terway-dual-");
        try
        {
            await using var lab = await RunningLab.StartAsync(Quick(LabConfig.DualStack), $"t{Guid.NewGuid():N}"[..9], folder.FullName, ct: Token);
            await using var cluster = new LabCluster(lab, DistFolder.Find().Options(PoolConfig.DualWith(minPool: 2, maxPool: 6)));
            await cluster.StartDaemonAsync(lab.Nodes[0], Token);
            var pod = await cluster.AddPodAsync(lab.Nodes[0], "pod", Token);
            var foreign = IPAddress.Parse("2408:4005:1000:10::dead");
            await ExecAsync(pod.Sandbox.NetNsPath, "ip", "-6", "address", "add", $"{foreign}/128", "dev", "eth0", "nodad");
            Assert.Empty(lab.Vpc.LastDrops());

            using var socket = NetNsSocket.Create(lab.Namespaces.Thread, pod.Sandbox.NetNs, AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(foreign, 0));
            await socket.SendToAsync(new byte[] { 1 }, Echo(lab.Nodes[1].PrimaryIpv6!), Token);

            for (var begun = Stopwatch.StartNew(); lab.Vpc.Drops()["spoofed-source"] == 0 && begun.Elapsed < s_settle;) await Task.Delay(20, Token);
            Assert.Equal(1, lab.Vpc.Drops()["spoofed-source"]);
            Assert.Equal(foreign, Assert.Single(lab.Vpc.LastDrops()).Source);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Node_without_the_plugin_shows_no_trace_of_ipv6()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var folder = Directory.CreateTempSubdirectory("terway-single-");
        try
        {
            // Everything could have IPv6, and nobody asks for it.
            var region = Quick(LabConfig.DualStack) with { Nodes = [LabConfig.DualStack.Nodes[0]] };
            await using var lab = await RunningLab.StartAsync(region, $"t{Guid.NewGuid():N}"[..9], folder.FullName, ct: Token);
            var (thread, node) = (lab.Namespaces.Thread, lab.Nodes[0]);
            var before = await Ipv6Trace.CaptureAsync(thread, node.NetNsPath, Token);
            Assert.Contains("conf/eth0/accept_ra", before.Sysctls.Keys);
            var sandbox = lab.AddSandbox(node, "untouched");
            var empty = await Ipv6Trace.CaptureAsync(thread, sandbox.NetNsPath, Token);
            await lab.RemoveSandboxAsync(sandbox);
            await using var cluster = new LabCluster(lab, DistFolder.Find().Options(PoolConfig.SharedWith(2, 8)));

            await cluster.StartDaemonAsync(node, Token);
            var pod = await cluster.AddPodAsync(node, "single", Token);

            Assert.Null(pod.Ipv6);
            Assert.Empty((await Ipv6Trace.CaptureAsync(thread, node.NetNsPath, Token)).DifferencesTo(before));
            Assert.Empty((await Ipv6Trace.CaptureAsync(thread, pod.Sandbox.NetNsPath, Token)).DifferencesTo(empty));
            Assert.All(lab.Cloud.Region.Enis.Where(static e => e.Type != Lab.Cloud.EniType.Primary), static e => Assert.Empty(e.Ipv6Addresses));
            Assert.DoesNotContain(lab.Cloud.Calls.Counts.Keys, static a => a.Contains("Ipv6", StringComparison.Ordinal));
            await cluster.RemovePodAsync("single", Token);
            Assert.Empty((await LeakAudit.FindAsync(lab, s_settle, Token)).All);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Plugin_turned_on_and_off_leaves_pods_as_they_are_and_new_ones_follow()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var (single, dual) = (PoolConfig.SharedWith(2, 6), PoolConfig.DualWith(2, 6));
        await using var one = await OneNode.StartAsync(Token, eniConf: single, region: LabConfig.DualStack);
        var thread = one.Lab.Namespaces.Thread;
        var old = await one.Cluster.AddPodAsync(one.Node, "old", Token);
        var before = await Ipv6Trace.CaptureAsync(thread, one.Node.NetNsPath, Token);
        var inOld = await Ipv6Trace.CaptureAsync(thread, old.Sandbox.NetNsPath, Token);

        await ReconfigureAsync(one, dual);
        var first = await one.Cluster.AddPodAsync(one.Node, "first", Token);
        var second = await one.Cluster.AddPodAsync(one.Node, "second", Token);
        Assert.NotNull(first.Ipv6);
        Assert.Empty((await Ipv6Trace.CaptureAsync(thread, old.Sandbox.NetNsPath, Token)).DifferencesTo(inOld));
        await AssertConnectedAsync(one.Cluster, families: 2);

        // Off: nobody knows IPv6 any more, and the pods that have it go on, through repair and restart as well.
        await ReconfigureAsync(one, single);
        var third = await one.Cluster.AddPodAsync(one.Node, "third", Token);
        Assert.Null(third.Ipv6);
        await AssertConnectedAsync(one.Cluster, families: 2);
        await ExecAsync(one.Node.NetNsPath, "ip", "-6", "route", "flush", "table", "all", "proto", "201");
        await UntilCheckedAsync(one.Cluster.Daemon(one.Node), first, second);
        await AssertEchoAsync(one.Lab, first.Sandbox.NetNs, one.Node.PrimaryIpv6!, "after the repair");
        await one.Cluster.RemovePodAsync("first", Token);
        await AssertEchoAsync(one.Lab, second.Sandbox.NetNs, one.Node.PrimaryIpv6!, "while it is the last");
        await one.Cluster.RemovePodAsync("second", Token);
        await UntilAsync(async () => (await Ipv6Trace.CaptureAsync(thread, one.Node.NetNsPath, Token)).DifferencesTo(before));

        // And on again: what the ENIs still have of IPv6 is used, and given to nobody twice.
        await ReconfigureAsync(one, dual);
        var fourth = await one.Cluster.AddPodAsync(one.Node, "fourth", Token);
        Assert.NotNull(fourth.Ipv6);
        await AssertConnectedAsync(one.Cluster, families: 2);
        await RemoveAllAsync(one, audit: false);
        Assert.Empty(one.Lab.LeaksOf(one.Node));
    }

    [Fact]
    public async Task VSwitch_without_ipv6_keeps_the_node_from_new_pods_and_is_named()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var region = LabConfig.DualStack with { VSwitches = [LabConfig.DualStack.VSwitches[0], LabConfig.DualStack.VSwitches[1] with { Ipv6Cidr = null }] };
        await using var one = await OneNode.StartAsync(Token, eniConf: PoolConfig.DualWith(2, 6), region: region, ready: false);

        for (var begun = Stopwatch.StartNew(); ; await Task.Delay(50, Token))
        {
            try
            {
                var status = await NodeAgent.StatusAsync(one.Node.Paths.Run, Token);
                if (!status.Ready && status.Reason.Contains("vsw-lab-pods has no IPv6 CIDR", StringComparison.Ordinal))
                {
                    Assert.Equal("Error", Assert.Single(status.Findings, static f => f.Path == "IPv6DualStack/vswitch/vsw-lab-pods").Severity);
                    return;
                }
            }
            catch (Grpc.Core.RpcException) when (begun.Elapsed < s_settle)
            {
                // The daemon is starting.
            }

            Assert.True(begun.Elapsed < s_settle, "no finding names the vSwitch");
        }
    }

    private static LabConfig Quick(LabConfig config) => config with
    {
        Delays = DelayConfig.None with { Attach = TimeSpan.FromMilliseconds(100), Detach = TimeSpan.FromMilliseconds(50) },
    };

    private static IPEndPoint Echo(IPAddress address) => new(address, EchoServer.DefaultPort);

    private static void AssertResult(ClusterPod pod)
    {
        Assert.Equal([AddressFamily.InterNetwork, AddressFamily.InterNetworkV6], pod.Addresses.Select(static a => a.AddressFamily));
        Assert.Equal($"{pod.Ipv6}/128", pod.Result["ips"]![1]!["address"]!.GetValue<string>());
        Assert.Equal("fe80::1", pod.Result["ips"]![1]!["gateway"]!.GetValue<string>());
        Assert.Equal("::/0", pod.Result["routes"]![1]!["dst"]!.GetValue<string>());
        Assert.Equal("fe80::1", pod.Result["routes"]![1]!["gw"]!.GetValue<string>());
    }

    private static async Task EchoOnceAsync(RunningLab lab, ClusterPod pod, IPAddress to)
    {
        using var socket = NetNsSocket.Create(lab.Namespaces.Thread, pod.Sandbox.NetNs, AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(pod.Ipv6!, 0));
        await socket.SendToAsync(Encoding.ASCII.GetBytes("first"), Echo(to), Token);
        var buffer = new byte[256];
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(s_settle);
        try
        {
            var answer = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.IPv6Any, 0), limit.Token);
            Assert.EndsWith("first", Encoding.ASCII.GetString(buffer, 0, answer.ReceivedBytes), StringComparison.Ordinal);
        }
        catch (OperationCanceledException)
        {
            var neighbours = await NamespaceCommand.RunAsync(pod.Node.NetNsPath, "ip", ["-6", "neighbour", "show"], null, null, CancellationToken.None);
            Assert.Fail($"{pod.Name} at {pod.Ipv6} has no answer from {to}; the VPC dropped {string.Join("; ", lab.Vpc.LastDrops())}; the node has {neighbours.Output}");
        }
    }

    private static void AssertNothingTentative(NetNsThread thread, NetNs ns)
    {
        using var rtnl = RtnlSocket.Open(thread, ns);
        Assert.All(
            rtnl.DumpAddresses(family: AddressFamily.InterNetworkV6).Where(static a => !a.Address.Address.IsIPv6LinkLocal && !IPAddress.IsLoopback(a.Address.Address)),
            static a => Assert.Equal(AddressFlags.NoDad, a.Flags & (AddressFlags.NoDad | AddressFlags.Tentative)));
    }

    private static async Task AssertEchoAsync(RunningLab lab, NetNs from, IPAddress to, string when)
    {
        var result = await Probe.TcpAsync(lab.Namespaces.Thread, from, Echo(to), s_probe, ct: Token);
        Assert.True(result.Ok, $"{when}: {to}: {result.Error}");
    }

    private static async Task AssertConnectedAsync(LabCluster cluster, int families)
    {
        var cells = await cluster.MatrixAsync(s_probe, Token);
        Assert.Equal(families, cells.Select(static c => c.Family).Distinct().Count());
        Assert.All(cells, static c => Assert.True(c.Ok, $"{c.From} -> {c.To} over {c.Family}: {c.Error}"));
    }

    private static async Task ReconfigureAsync(OneNode one, string eniConf)
    {
        var daemon = one.Cluster.Daemon(one.Node);
        Assert.True(await daemon.StopAsync(Token));
        daemon.EniConf = eniConf;
        await one.Cluster.StartDaemonAsync(one.Node, Token);
    }

    private static async Task RemoveAllAsync(OneNode one, bool audit = true)
    {
        foreach (var pod in one.Cluster.Pods) await one.Cluster.RemovePodAsync(pod.Name, Token);
        if (audit) Assert.Empty((await LeakAudit.FindAsync(one.Lab, s_settle, Token)).All);
        else await UntilAsync(() => Task.FromResult<IReadOnlyList<string>>([.. one.Lab.LeaksOf(one.Node).Select(static l => l.ToString())]));
        Assert.Empty(one.Lab.Vpc.LastDrops());
    }

    private static async Task UntilCheckedAsync(TerwaydProcess daemon, params ClusterPod[] pods)
    {
        foreach (var pod in pods)
        {
            for (var begun = Stopwatch.StartNew(); ;)
            {
                try
                {
                    await daemon.Runtime.CheckAsync(daemon.Network, pod.Attachment, Token);
                    break;
                }
                catch (CniCallException) when (begun.Elapsed < s_settle)
                {
                    await Task.Delay(20, Token);
                }
            }
        }
    }

    private static async Task UntilAsync(Func<Task<IReadOnlyList<string>>> problems)
    {
        for (var begun = Stopwatch.StartNew(); ; await Task.Delay(50, Token))
        {
            var found = await problems();
            if (found.Count == 0) return;
            Assert.True(begun.Elapsed < s_settle, string.Join("; ", found));
        }
    }

    private static async Task ExecAsync(string ns, params string[] command)
    {
        var result = await NamespaceCommand.RunAsync(ns, command[0], command[1..], null, null, Token);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', command)}: {result.Error}");
    }
}
