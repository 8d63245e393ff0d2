using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Grpc.Core;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Host.Api.V1;
using Terway.Lab;
using Terway.Lab.Cluster;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Runtime;

namespace Terway.EndToEnd.Tests;

/// <summary>The daemon as a process on a node of the region: what a kubelet's runtime and an operator meet.</summary>
public sealed class DaemonTests
{
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(15);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Node_with_too_small_an_instance_type_takes_no_pods_and_says_the_arithmetic()
    {
        await using var one = await OneNode.StartAsync(Token, instanceType: "ecs.t6-c1m1.large", ready: false);
        var status = await StatusAsync(one.Node);
        Assert.False(status.Ready);
        // (EniQuantity - 1) x EniPrivateIpAddressQuantity of that type.
        Assert.Contains("(2 - 1) x 2 = 2", status.Reason, StringComparison.Ordinal);
        Assert.Contains("11", status.Reason, StringComparison.Ordinal);
        // The runtime sees no network rather than a broken one.
        Assert.Empty(Directory.EnumerateFiles(one.Node.Paths.CniConf));
    }

    [Fact]
    public async Task Wrong_configuration_keeps_the_daemon_up_and_names_the_place()
    {
        await using var one = await OneNode.StartAsync(
            Token, ready: false, eniConf: """{"version": "1", "plugins": [{"name": "SharedEni", "version": "[9.0,10.0)"}]}""");
        var status = await StatusAsync(one.Node);
        Assert.False(status.Ready);
        Assert.Contains("plugins[0]", status.Reason, StringComparison.Ordinal);
        Assert.Contains("1.0.0", status.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deletes_succeed_twice_without_an_add_and_after_the_sandbox_is_gone()
    {
        await using var one = await OneNode.StartAsync(Token);
        var daemon = one.Cluster.Daemon(one.Node);
        var network = daemon.Network;

        var never = one.Lab.AddSandbox(one.Node, "never");
        await daemon.Runtime.DeleteAsync(network, new CniAttachment(never.Identity, never.NetNsPath), Token);

        var pod = await one.Cluster.AddPodAsync(one.Node, "twice", Token);
        await daemon.Runtime.DeleteAsync(network, pod.Attachment, Token);
        await daemon.Runtime.DeleteAsync(network, pod.Attachment, Token);
        await one.Lab.RemoveSandboxAsync(pod.Sandbox);

        var gone = await one.Cluster.AddPodAsync(one.Node, "gone", Token);
        await one.Lab.RemoveSandboxAsync(gone.Sandbox);
        await daemon.Runtime.DeleteAsync(network, gone.Attachment, Token);
        await one.Lab.RemoveSandboxAsync(never);

        Assert.Empty((await LeakAudit.FindAsync(one.Lab, s_settle, Token)).All);
    }

    [Fact]
    public async Task What_somebody_removes_comes_back_and_check_names_what_the_kernel_does_not_tell_of()
    {
        await using var one = await OneNode.StartAsync(Token);
        var daemon = one.Cluster.Daemon(one.Node);
        var pod = await one.Cluster.AddPodAsync(one.Node, "checked", Token);
        await daemon.Runtime.CheckAsync(daemon.Network, pod.Attachment, Token);
        var host = pod.Result["interfaces"]![0]!["name"]!.GetValue<string>();

        // First, while nothing is under repair: one on its way would bring the neighbour back too.
        await ExecAsync(one.Node, "ip", "neigh", "del", pod.Address.ToString(), "dev", host);
        var broken = await Assert.ThrowsAsync<CniCallException>(() => daemon.Runtime.CheckAsync(daemon.Network, pod.Attachment, Token));
        Assert.Contains($"neighbour {pod.Address}", broken.Message, StringComparison.Ordinal);

        await daemon.KillAsync(Token);
        await one.Cluster.StartDaemonAsync(one.Node, Token);
        await daemon.Runtime.CheckAsync(daemon.Network, pod.Attachment, Token);

        foreach (var harm in (string[][])[["ip", "rule", "flush", "priority", "2048"], ["ip", "route", "flush", "proto", "201"], ["ip", "link", "del", host]])
        {
            await ExecAsync(one.Node, harm);
            await UntilCheckedAsync(daemon, pod);
            var probe = await Probe.TcpAsync(
                one.Lab.Namespaces.Thread, one.Node.NetNs, new IPEndPoint(pod.Address, EchoServer.DefaultPort), TimeSpan.FromSeconds(5), ct: Token);
            Assert.True(probe.Ok, $"after {string.Join(' ', harm)}: {probe.Error}");
        }

        await one.Cluster.RemovePodAsync("checked", Token);
        Assert.Empty((await LeakAudit.FindAsync(one.Lab, s_settle, Token)).All);
    }

    [Theory]
    [InlineData("damaged")]
    [InlineData("truncated")]
    [InlineData("deleted")]
    public async Task Pods_survive_the_loss_of_the_state_file_and_nobody_else_gets_their_addresses(string how)
    {
        await using var one = await OneNode.StartAsync(Token);
        var daemon = one.Cluster.Daemon(one.Node);
        var old = new List<ClusterPod>();
        for (var i = 0; i < 4; i++) old.Add(await one.Cluster.AddPodAsync(one.Node, $"old-{i}", Token));
        // One that stops brings its log into the file.
        await daemon.StopAsync(Token);
        var state = Path.Combine(one.Node.Paths.State, "state.db");
        if (how == "damaged") await File.WriteAllTextAsync(state, new string('x', 9000), Token);
        else if (how == "truncated") Truncate(state);
        else File.Delete(state);
        File.Delete(state + "-wal");
        // Only half of what the pods need is left in the kernel.
        await ExecAsync(one.Node, "ip", "rule", "flush", "priority", "512");

        await one.Cluster.StartDaemonAsync(one.Node, Token);
        Assert.Equal(how == "deleted" ? 0 : 1, Directory.GetFiles(one.Node.Paths.State, "state.db.damaged-*").Length);
        var young = new List<ClusterPod>();
        for (var i = 0; i < 12; i++) young.Add(await one.Cluster.AddPodAsync(one.Node, $"new-{i}", Token));

        Assert.Equal(16, old.Concat(young).Select(static p => p.Address).Distinct().Count());
        foreach (var pod in old)
        {
            var probe = await Probe.TcpAsync(
                one.Lab.Namespaces.Thread, one.Node.NetNs, new IPEndPoint(pod.Address, EchoServer.DefaultPort), TimeSpan.FromSeconds(5), ct: Token);
            Assert.True(probe.Ok, $"{pod.Name} at {pod.Address}: {probe.Error}");
        }

        // The runtime knows them by ids that the daemon has forgotten.
        await daemon.Runtime.CollectGarbageAsync(daemon.Network, [.. old.Concat(young).Select(static p => p.Attachment)], Token);
        foreach (var pod in old) await daemon.Runtime.CheckAsync(daemon.Network, pod.Attachment, Token);
        foreach (var pod in old.Concat(young)) await one.Cluster.RemovePodAsync(pod.Name, Token);
        Assert.Empty((await LeakAudit.FindAsync(one.Lab, s_settle, Token)).All);
        Assert.Empty(one.Lab.Vpc.LastDrops());
    }

    private static void Truncate(string path)
    {
        using var file = File.OpenWrite(path);
        file.SetLength(file.Length / 2);
    }

    private static async Task UntilCheckedAsync(TerwaydProcess daemon, ClusterPod pod)
    {
        for (var begun = Stopwatch.StartNew(); ;)
        {
            try
            {
                await daemon.Runtime.CheckAsync(daemon.Network, pod.Attachment, Token);
                return;
            }
            catch (CniCallException) when (begun.Elapsed < s_settle)
            {
                await Task.Delay(20, Token);
            }
        }
    }

    [Fact]
    public async Task Garbage_collection_takes_what_the_runtime_does_not_know()
    {
        await using var one = await OneNode.StartAsync(Token);
        var daemon = one.Cluster.Daemon(one.Node);
        var kept = await one.Cluster.AddPodAsync(one.Node, "kept", Token);
        var lost = await one.Cluster.AddPodAsync(one.Node, "lost", Token);

        await daemon.Runtime.CollectGarbageAsync(daemon.Network, [kept.Attachment], Token);
        await daemon.Runtime.CheckAsync(daemon.Network, kept.Attachment, Token);
        await Assert.ThrowsAsync<CniCallException>(() => daemon.Runtime.CheckAsync(daemon.Network, lost.Attachment, Token));

        await one.Cluster.RemovePodAsync("kept", Token);
        await one.Cluster.RemovePodAsync("lost", Token);
        Assert.Empty((await LeakAudit.FindAsync(one.Lab, s_settle, Token)).All);
    }

    [Fact]
    public async Task Plugins_chained_after_ours_find_what_they_need_in_the_result()
    {
        await using var one = await OneNode.StartAsync(Token);
        var daemon = one.Cluster.Daemon(one.Node);
        var own = JsonNode.Parse(daemon.Network.Json)!.AsObject();
        // What Debian's plugins speak.
        own.Remove("cniVersions");
        var chain = own["plugins"]!.AsArray();
        // tuning works on the pod's interface by name; bandwidth looks the node's link up in prevResult.
        chain.Add(new JsonObject { ["type"] = "tuning", ["sysctl"] = new JsonObject { ["net.core.somaxconn"] = "77" } });
        chain.Add(new JsonObject { ["type"] = "bandwidth", ["ingressRate"] = 8_000_000, ["ingressBurst"] = 80_000_000 });
        var network = CniConfigList.Parse(own.ToJsonString(), "test");
        var sandbox = one.Lab.AddSandbox(one.Node, "chained");
        var attachment = new CniAttachment(sandbox.Identity, sandbox.NetNsPath);

        var result = await daemon.Runtime.AddAsync(network, attachment, Token);
        Assert.Equal("77", (await NamespaceAsync(sandbox.NetNsPath, "cat", "/proc/sys/net/core/somaxconn")).Trim());
        var link = result["interfaces"]!.AsArray()[0]!["name"]!.GetValue<string>();
        Assert.Contains("tbf", await ExecAsync(one.Node, "tc", "qdisc", "show", "dev", link), StringComparison.Ordinal);
        await daemon.Runtime.CheckAsync(network, attachment, Token);

        await daemon.Runtime.DeleteAsync(network, attachment, Token);
        await one.Lab.RemoveSandboxAsync(sandbox);
        Assert.Empty((await LeakAudit.FindAsync(one.Lab, s_settle, Token)).All);
    }

    [Fact]
    public async Task Every_version_of_the_specification_is_spoken()
    {
        await using var one = await OneNode.StartAsync(Token);
        var daemon = one.Cluster.Daemon(one.Node);
        foreach (var version in (string[])["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"])
        {
            var conf = JsonNode.Parse(daemon.Network.Json)!.AsObject();
            conf.Remove("cniVersions");
            conf["cniVersion"] = version;
            var network = CniConfigList.Parse(conf.ToJsonString(), version);
            var sandbox = one.Lab.AddSandbox(one.Node, $"v{version.Replace('.', '-')}");
            var attachment = new CniAttachment(sandbox.Identity, sandbox.NetNsPath);
            var result = await daemon.Runtime.AddAsync(network, attachment, Token);
            Assert.Equal(version, result["cniVersion"]!.GetValue<string>());
            var ip = result["ips"]![0]!.AsObject();
            Assert.Equal(version is "0.3.0" or "0.3.1" or "0.4.0", ip.ContainsKey("version"));
            var address = IPNetwork.Parse(ip["address"]!.GetValue<string>()).BaseAddress;
            one.Lab.Serve(sandbox);
            var probe = await Probe.TcpAsync(
                one.Lab.Namespaces.Thread, one.Node.NetNs, new IPEndPoint(address, EchoServer.DefaultPort), TimeSpan.FromSeconds(3), ct: Token);
            Assert.True(probe.Ok, $"{version}: {probe}");
            await daemon.Runtime.DeleteAsync(network, attachment, Token);
            await one.Lab.RemoveSandboxAsync(sandbox);
        }
    }

    private static async Task<NodeStatus> StatusAsync(LabNode node)
    {
        for (var begin = Stopwatch.GetTimestamp(); ;)
        {
            try
            {
                return await NodeAgent.StatusAsync(node.Paths.Run, Token);
            }
            catch (RpcException) when (Stopwatch.GetElapsedTime(begin) < s_settle)
            {
                // Still starting.
                await Task.Delay(50, Token);
            }
        }
    }

    private static Task<string> ExecAsync(LabNode node, params string[] command) => NamespaceAsync(node.NetNsPath, command);

    private static async Task<string> NamespaceAsync(string netNsPath, params string[] command)
    {
        var start = new ProcessStartInfo("nsenter") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[$"--net={netNsPath}", "--", .. command]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(Token);
        var output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', command)}: {await errors}");
        return output;
    }
}
