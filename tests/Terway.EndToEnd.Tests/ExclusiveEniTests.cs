using System.Globalization;
using System.Net;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab;
using Terway.Lab.Cloud;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Runtime;

namespace Terway.EndToEnd.Tests;

/// <summary>Nodes whose pods have an ENI each: the NIC moves into the pod, and comes back whatever happens.</summary>
public sealed class ExclusiveEniTests
{
    private const string Type = "ecs.g7.4xlarge";
    private const string Service = "172.21.0.10";

    // Bytes that a probe sends and gets back; and what links carry beside it, as the kernel solicits routers and asks for neighbours.
    private const int Payload = 200_000;
    private const int Chatter = 4_000;

    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_answer = TimeSpan.FromSeconds(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pods_talk_over_the_VPC_past_the_node_and_reach_Services_by_way_of_it()
    {
        await using var two = await Nodes.StartAsync(2, Pool(minPool: 1, maxPool: 2));
        var (here, there) = (two.Lab.Nodes[0], two.Lab.Nodes[1]);
        var a = await two.Cluster.AddPodAsync(here, "a", Token);
        var b = await two.Cluster.AddPodAsync(here, "b", Token);
        var c = await two.Cluster.AddPodAsync(there, "c", Token);
        Assert.Equal(3, new[] { a, b, c }.Select(p => two.EniOf(p).Id).Distinct().Count());
        Assert.Equal(two.EniOf(a).Mac, a.Result["interfaces"]![1]!["mac"]!.GetValue<string>());
        Assert.Equal(two.EniOf(a).Gateway.ToString(), a.Result["ips"]![0]!["gateway"]!.GetValue<string>());

        // Pod to pod, on this node and on the other one: only the two ENIs see it.
        foreach (var peer in (ClusterPod[])[b, c])
        {
            var before = await two.CountAsync(a);
            two.AssertOk(await two.TcpAsync(a.Sandbox.NetNs, peer.Address));
            var after = await two.CountAsync(a);
            Assert.Equal(before.Forwarded, after.Forwarded);
            Assert.InRange(after.Veth - before.Veth, 0, Chatter);
            Assert.True(after.Eni - before.Eni >= 2 * Payload, "the ENI did not carry it");
        }

        // Services and the node's own address: over the second link, and not over the ENI.
        await Nodes.ExecAsync(here, "ip", "addr", "add", $"{Service}/32", "dev", "lo", "scope", "host");
        foreach (var address in (IPAddress[])[IPAddress.Parse(Service), here.PrimaryIp!])
        {
            var before = await two.CountAsync(a);
            var probe = await two.TcpAsync(a.Sandbox.NetNs, address);
            two.AssertOk(probe);
            Assert.Equal(a.Address, probe.SeenAs!.Address);
            var after = await two.CountAsync(a);
            Assert.True(after.Veth - before.Veth >= 2 * Payload, $"{address}: it did not cross the link to the node");
            Assert.InRange(after.Eni - before.Eni, 0, Chatter);
        }

        await Nodes.ExecAsync(here, "ip", "addr", "del", $"{Service}/32", "dev", "lo");

        // The node's probes keep the node's address; other nodes come over the VPC.
        var fromNode = await two.TcpAsync(here.NetNs, a.Address);
        two.AssertOk(fromNode);
        Assert.Equal(here.PrimaryIp, fromNode.SeenAs!.Address);
        Assert.All(await two.Cluster.MatrixAsync(s_answer, Token), cell => Assert.True(cell.Ok, $"{cell.From} -> {cell.To}: {cell.Error}"));
        await two.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Without_a_second_link_a_pod_has_its_NIC_alone()
    {
        await using var one = await Nodes.StartAsync(1, Pool(0, 1, ", \"disable_host_peer\": true"));
        var pod = await one.Cluster.AddPodAsync(one.Node, "alone", Token);
        Assert.Equal(["eth0"], pod.Result["interfaces"]!.AsArray().Select(static i => i!["name"]!.GetValue<string>()));
        Assert.DoesNotContain("cali", await Nodes.ReadAsync(one.Node.NetNsPath, "/proc/net/dev"), StringComparison.Ordinal);
        var outside = await one.TcpAsync(one.Lab.Nat!.Outside, pod.Address, expectOk: false);
        Assert.False(outside.Ok);
        one.AssertOk(await one.TcpAsync(pod.Sandbox.NetNs, Lab.Vpc.Infrastructure.OutsideHost));
        await one.Cluster.Daemon(one.Node).Runtime.CheckAsync(pod.Network, pod.Attachment, Token);
        await one.Cluster.RemovePodAsync("alone", Token);
        Assert.Empty((await LeakAudit.FindAsync(one.Lab, s_settle, Token)).All);
    }

    [Fact]
    public async Task DEL_has_the_NIC_back_when_it_answers_and_the_next_pod_gets_it_without_a_cloud_call()
    {
        await using var one = await Nodes.StartAsync(1, Pool(0, 2));
        var first = await one.Cluster.AddPodAsync(one.Node, "first", Token);
        var mac = one.EniOf(first).Mac;
        Assert.Null(one.Node.LinkOf(mac));

        await one.Cluster.Daemon(one.Node).Runtime.DeleteAsync(first.Network, first.Attachment, Token);
        var home = one.Node.LinkOf(mac);
        Assert.NotNull(home);
        Assert.False(home.IsUp);
        Assert.Equal("eth1", home.Name);
        await one.Cluster.RemovePodAsync("first", Token);

        var calls = one.Lab.Cloud.Calls.Counts.Values.Sum();
        var second = await one.Cluster.AddPodAsync(one.Node, "second", Token);
        Assert.Equal(calls, one.Lab.Cloud.Calls.Counts.Values.Sum());
        Assert.Equal((first.Address, mac), (second.Address, one.EniOf(second).Mac));
        one.AssertOk(await one.TcpAsync(second.Sandbox.NetNs, Lab.Vpc.Infrastructure.OutsideHost));
        await one.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Namespace_that_dies_without_a_DEL_hands_the_NIC_back_and_GC_returns_the_ENI()
    {
        await using var one = await Nodes.StartAsync(1, Pool(0, 2));
        var lost = await one.Cluster.AddPodAsync(one.Node, "lost", Token);
        var eni = one.EniOf(lost);
        await one.Lab.RemoveSandboxAsync(lost.Sandbox);
        await Nodes.UntilAsync(() => one.Node.LinkOf(eni.Mac) is not null, "the kernel hands the NIC back");
        var daemon = one.Cluster.Daemon(one.Node);
        await daemon.Runtime.CollectGarbageAsync(daemon.Network, [], Token);
        await Nodes.UntilAsync(() => one.Node.LinkOf(eni.Mac)!.Name == "eth1", "the NIC has its old name");

        var next = await one.Cluster.AddPodAsync(one.Node, "next", Token);
        Assert.Equal(eni.Id, one.EniOf(next).Id);
        one.AssertOk(await one.TcpAsync(next.Sandbox.NetNs, Lab.Vpc.Infrastructure.OutsideHost));
        await one.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Restarts_and_kills_leave_pods_alone_and_a_DEL_meanwhile_is_done_later()
    {
        await using var one = await Nodes.StartAsync(1, Pool(0, 3));
        var daemon = one.Cluster.Daemon(one.Node);
        var stays = await one.Cluster.AddPodAsync(one.Node, "stays", Token);
        var goes = await one.Cluster.AddPodAsync(one.Node, "goes", Token);
        var dies = await one.Cluster.AddPodAsync(one.Node, "dies", Token);
        var eni = one.EniOf(goes);
        await daemon.KillAsync(Token);
        one.AssertOk(await one.TcpAsync(stays.Sandbox.NetNs, Lab.Vpc.Infrastructure.OutsideHost));

        // Spooled; then the runtime deletes the namespace with the NIC in it.
        await one.Cluster.RemovePodAsync("goes", Token);
        await one.Lab.RemoveSandboxAsync(dies.Sandbox);
        await one.Cluster.StartDaemonAsync(one.Node, Token);
        await daemon.Runtime.CheckAsync(daemon.Network, stays.Attachment, Token);
        one.AssertOk(await one.TcpAsync(stays.Sandbox.NetNs, Lab.Vpc.Infrastructure.OutsideHost));
        await daemon.Runtime.CollectGarbageAsync(daemon.Network, [stays.Attachment], Token);

        var again = await one.Cluster.AddPodAsync(one.Node, "again", Token);
        Assert.NotEqual(one.EniOf(stays).Id, one.EniOf(again).Id);
        Assert.Contains(eni.Id, one.Lab.Cloud.Region.Enis.Select(static e => e.Id));
        await one.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Pods_survive_the_loss_of_the_state_file_and_their_ENIs_are_nobody_elses()
    {
        await using var one = await Nodes.StartAsync(1, Pool(0, 1));
        var daemon = one.Cluster.Daemon(one.Node);
        var old = await one.Cluster.AddPodAsync(one.Node, "old", Token);
        var eni = one.EniOf(old).Id;
        await daemon.KillAsync(Token);
        foreach (var file in Directory.EnumerateFiles(one.Node.Paths.State, "state.db*")) File.Delete(file);

        await one.Cluster.StartDaemonAsync(one.Node, Token);
        var young = await one.Cluster.AddPodAsync(one.Node, "young", Token);
        Assert.NotEqual(eni, one.EniOf(young).Id);
        one.AssertOk(await one.TcpAsync(old.Sandbox.NetNs, Lab.Vpc.Infrastructure.OutsideHost));
        await daemon.Runtime.CollectGarbageAsync(daemon.Network, [old.Attachment, young.Attachment], Token);
        await daemon.Runtime.CheckAsync(daemon.Network, old.Attachment, Token);
        one.AssertOk(await one.TcpAsync(one.Node.NetNs, old.Address));
        await one.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Node_that_lost_power_has_its_NICs_again_and_gives_them_to_the_pods_that_are_begun_anew()
    {
        await using var one = await Nodes.StartAsync(1, Pool(0, 3), started: false);
        var (node, daemon) = (one.Node, one.Cluster.Daemon(one.Node));
        await using var disk = await PowerDisk.CreateAsync(Path.Combine(node.Paths.Root, "disk"), [node.Paths.State, node.Paths.CniConf], one.Lab.Ledger, Token);
        await one.Cluster.StartDaemonAsync(node, Token);
        var known = await one.Cluster.AddPodAsync(node, "known", Token);
        var forgotten = await one.Cluster.AddPodAsync(node, "forgotten", Token);
        EniSnapshot[] enis = [one.EniOf(known), one.EniOf(forgotten)];
        Assert.All(enis, e => Assert.Null(node.LinkOf(e.Mac)));
        await daemon.KillAsync(Token);
        await one.Lab.LosePowerAsync(node);
        await disk.LosePowerAsync(Token);
        foreach (var file in Directory.EnumerateFiles(node.Paths.Run)) File.Delete(file);

        // Of its pods it knows, and of their ENIs, which are the node's: nobody else gets them before a DEL or GC has told of each.
        Assert.All(enis, e => Assert.NotNull(node.LinkOf(e.Mac)));
        await one.Cluster.StartDaemonAsync(node, Token);
        Assert.Equal(2, (await NodeAgent.StatusAsync(node.Paths.Run, Token)).Attachments);
        var young = await one.Cluster.AddPodAsync(node, "young", Token);
        Assert.DoesNotContain(one.EniOf(young).Id, enis.Select(static e => e.Id));
        await daemon.Runtime.DeleteAsync(known.Network, known.Attachment, Token);
        await daemon.Runtime.CollectGarbageAsync(daemon.Network, [young.Attachment], Token);
        await PoolNodes.WaitDetachedAsync(node, attachments: 1, Token);

        var calls = one.Lab.Cloud.Calls.Counts.GetValueOrDefault("CreateNetworkInterface");
        ClusterPod[] again = [await one.Cluster.AddPodAsync(node, "again-0", Token), await one.Cluster.AddPodAsync(node, "again-1", Token)];
        Assert.Equal(enis.Select(static e => e.Id).Order(), again.Select(p => one.EniOf(p).Id).Order());
        Assert.Equal(calls, one.Lab.Cloud.Calls.Counts.GetValueOrDefault("CreateNetworkInterface"));
        foreach (var pod in again.Append(young)) one.AssertOk(await one.TcpAsync(pod.Sandbox.NetNs, Lab.Vpc.Infrastructure.OutsideHost));
        await one.AssertNothingLeftAsync();
        await daemon.KillAsync(Token);
    }

    [Fact]
    public async Task NIC_that_somebody_takes_out_of_a_pod_is_put_back()
    {
        await using var one = await Nodes.StartAsync(1, Pool(0, 1));
        var pod = await one.Cluster.AddPodAsync(one.Node, "robbed", Token);
        var daemon = one.Cluster.Daemon(one.Node);
        var mac = one.EniOf(pod).Mac;
        await Nodes.ExecInAsync(pod.Sandbox.NetNsPath, "ip", "link", "set", "dev", "eth0", "netns", one.Node.NetNsPath, "name", "stolen");
        await Nodes.UntilAsync(() => one.Node.LinkOf(mac) is null, "the NIC is in the pod again");
        await Nodes.UntilCheckedAsync(daemon, pod);
        one.AssertOk(await one.TcpAsync(pod.Sandbox.NetNs, Lab.Vpc.Infrastructure.OutsideHost));
        await one.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Failed_ADD_leaves_the_NIC_on_the_node()
    {
        await using var one = await Nodes.StartAsync(1, Pool(1, 1));
        var daemon = one.Cluster.Daemon(one.Node);
        var sandbox = one.Lab.AddSandbox(one.Node, "taken");
        var attachment = new CniAttachment(sandbox.Identity, sandbox.NetNsPath);
        foreach (var name in (string[])["eth0", "veth1"])
        {
            // The first stops the NIC on its way, the second one what comes after it.
            await Nodes.ExecInAsync(sandbox.NetNsPath, "ip", "link", "add", name, "type", "veth", "peer", "name", "other");
            var refused = await Assert.ThrowsAsync<CniCallException>(() => daemon.Runtime.AddAsync(daemon.Network, attachment, Token));
            Assert.Contains($"already has an interface {name}", refused.Message, StringComparison.Ordinal);
            Assert.Contains(one.Lab.Cloud.Region.Enis, e => e.Type == EniType.Secondary && one.Node.LinkOf(e.Mac) is { IsUp: false });
            await daemon.Runtime.DeleteAsync(daemon.Network, attachment, Token);
            await Nodes.ExecInAsync(sandbox.NetNsPath, "ip", "link", "del", name);
        }

        await one.Lab.RemoveSandboxAsync(sandbox);
        Assert.Empty((await LeakAudit.FindAsync(one.Lab, s_settle, Token)).All);
    }

    [Fact]
    public async Task Full_node_refuses_with_try_again_later_and_the_reason()
    {
        await using var one = await Nodes.StartAsync(1, Pool(0, 7));
        for (var i = 0; i < 7; i++) await one.Cluster.AddPodAsync(one.Node, string.Create(CultureInfo.InvariantCulture, $"p{i}"), Token);
        var refused = await Assert.ThrowsAsync<CniCallException>(() => one.Cluster.AddPodAsync(one.Node, "eighth", Token));
        Assert.Equal(11, refused.Code);
        Assert.Contains("7 of 7", refused.Message, StringComparison.Ordinal);
        await one.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Node_whose_list_has_both_modes_takes_no_pods_and_names_both()
    {
        await using var one = await Nodes.StartAsync(
            1, """{"version": "1", "plugins": [{"name": "ExclusiveEni"}, {"name": "SharedEni"}]}""", ready: false);
        await Nodes.UntilAsync(
            () => one.StatusReason() is { } reason && reason.Contains("ExclusiveEni", StringComparison.Ordinal)
                && reason.Contains("SharedEni", StringComparison.Ordinal) && reason.Contains("pool", StringComparison.Ordinal),
            "the daemon says what excludes what, and the way out");
        Assert.Empty(Directory.EnumerateFiles(one.Node.Paths.CniConf));
    }

    private static string Pool(int minPool, int maxPool, string more = "") =>
        PoolConfig.ExclusiveWith(minPool, maxPool).TrimEnd().TrimEnd('}') + $", \"ip_cooldown\": 0, \"ip_pool_sync_period\": \"1s\"{more} }}";

    private sealed class Nodes : IAsyncDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("terway-exclusive-");

        public RunningLab Lab { get; private set; } = null!;

        public LabCluster Cluster { get; private set; } = null!;

        public LabNode Node => Lab.Nodes[0];

        public static async Task<Nodes> StartAsync(int count, string eniConf, bool ready = true, bool started = true)
        {
            Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
            var nodes = new Nodes();
            try
            {
                var config = LabConfig.Default with
                {
                    Nodes = [.. LabConfig.Default.Nodes.Take(count).Select(static n => n with { InstanceType = Type })],
                    Delays = DelayConfig.None with { Attach = TimeSpan.FromMilliseconds(100), Detach = TimeSpan.FromMilliseconds(50) },
                };
                nodes.Lab = await RunningLab.StartAsync(config, $"t{Guid.NewGuid():N}"[..9], nodes._folder.FullName, ct: Token);
                nodes.Cluster = new LabCluster(nodes.Lab, DistFolder.Find().Options(eniConf));
                foreach (var node in started ? nodes.Lab.Nodes : [])
                {
                    if (ready) await nodes.Cluster.StartDaemonAsync(node, Token);
                    else nodes.Cluster.Daemon(node).Start();
                }

                return nodes;
            }
            catch
            {
                await nodes.DisposeAsync();
                throw;
            }
        }

        public EniSnapshot EniOf(ClusterPod pod) =>
            Assert.Single(Lab.Cloud.Region.Enis, e => e.Type == EniType.Secondary && e.PrivateIps.Contains(pod.Address));

        /// <summary>Bytes over the pod's link to its node, IPv4 packets that the node forwarded, bytes that the VPC saw of the pod's ENI.</summary>
        public async Task<(long Veth, long Forwarded, long Eni)> CountAsync(ClusterPod pod)
        {
            var link = Bytes(await ReadAsync(pod.Sandbox.NetNsPath, "/proc/net/dev"), "veth1");
            var ip = (await ReadAsync(pod.Node.NetNsPath, "/proc/net/snmp")).Split('\n').Where(static l => l.StartsWith("Ip:", StringComparison.Ordinal)).ToArray();
            var at = Array.IndexOf(ip[0].Split(' '), "ForwDatagrams");
            var traffic = Lab.Vpc.TrafficOf(EniOf(pod).Id)!;
            return (link, long.Parse(ip[1].Split(' ')[at], CultureInfo.InvariantCulture), traffic.FromBytes + traffic.ToBytes);
        }

        public static async Task<string> ReadAsync(string netns, string file)
        {
            var result = await NamespaceCommand.RunAsync(netns, "cat", [file], null, null, Token);
            Assert.True(result.ExitCode == 0, result.Error);
            return result.Output;
        }

        public Task<ProbeResult> TcpAsync(Linux.Namespaces.NetNs from, IPAddress to, bool expectOk = true) =>
            Probe.TcpAsync(Lab.Namespaces.Thread, from, new IPEndPoint(to, EchoServer.DefaultPort), expectOk ? s_answer : TimeSpan.FromSeconds(1), payload: Payload, ct: Token);

        public void AssertOk(ProbeResult probe) => Assert.True(probe.Ok, $"{probe.Error}; the VPC dropped {string.Join("; ", Lab.Vpc.LastDrops().Take(5))}");

        public static Task ExecAsync(LabNode node, params string[] command) => ExecInAsync(node.NetNsPath, command);

        public static async Task ExecInAsync(string netns, params string[] command)
        {
            var result = await NamespaceCommand.RunAsync(netns, command[0], command[1..], null, null, Token);
            Assert.True(result.ExitCode == 0, $"{string.Join(' ', command)}: {result.Error}");
        }

        public static async Task UntilCheckedAsync(TerwaydProcess daemon, ClusterPod pod)
        {
            string? last = null;
            for (var i = 0; i < 200; i++)
            {
                try
                {
                    await daemon.Runtime.CheckAsync(daemon.Network, pod.Attachment, Token);
                    return;
                }
                catch (CniCallException e)
                {
                    last = e.Message;
                    await Task.Delay(50, Token);
                }
            }

            Assert.Fail($"not repaired: {last}");
        }

        public static async Task UntilAsync(Func<bool> condition, string what)
        {
            for (var i = 0; !condition(); i++)
            {
                Assert.True(i < 400, $"not reached: {what}");
                await Task.Delay(50, Token);
            }
        }

        public string StatusReason()
        {
            try
            {
                var status = NodeAgent.StatusAsync(Node.Paths.Run, Token).GetAwaiter().GetResult();
                return status.Ready ? "" : status.Reason;
            }
            catch (Grpc.Core.RpcException)
            {
                return "";
            }
        }

        /// <summary>All pods go, and nothing is left of them, nor was a packet lost.</summary>
        public async Task AssertNothingLeftAsync()
        {
            foreach (var pod in Cluster.Pods.Where(p => Lab.Pods.Contains(p.Sandbox))) await Cluster.RemovePodAsync(pod.Name, Token);
            Assert.Empty((await LeakAudit.FindAsync(Lab, s_settle, Token)).All);
            Assert.Empty(Lab.Vpc.LastDrops());
        }

        public async ValueTask DisposeAsync()
        {
            if (Cluster is not null) await Cluster.DisposeAsync();
            if (Lab is not null) await Lab.DisposeAsync();
            _folder.Delete(recursive: true);
        }

        private static long Bytes(string devices, string link)
        {
            var fields = devices.Split('\n').Single(l => l.TrimStart().StartsWith(link + ":", StringComparison.Ordinal))
                .Split(':')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return long.Parse(fields[0], CultureInfo.InvariantCulture) + long.Parse(fields[8], CultureInfo.InvariantCulture);
        }
    }
}
