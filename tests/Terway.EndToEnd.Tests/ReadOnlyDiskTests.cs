using System.Diagnostics;
using System.Net;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab;
using Terway.Lab.Cluster;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Runtime;

namespace Terway.EndToEnd.Tests;

/// <summary>The disk with the state file is read-only, from the start or since the kernel found an error on it.</summary>
public sealed class ReadOnlyDiskTests
{
    private const int TryAgainLater = 11;
    private const int NotAvailable = 50;
    private static readonly TimeSpan s_probe = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_daemon_that_starts_on_a_read_only_disk_says_so_and_serves_by_itself_once_it_is_writable()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var one = await OneNode.StartAsync(Token);
        var daemon = one.Cluster.Daemon(one.Node);
        await daemon.StopAsync(Token);
        await using var disk = await DiskAsync(one);
        try
        {
            await one.Cluster.StartDaemonAsync(one.Node, Token);
            var running = await one.Cluster.AddPodAsync(one.Node, "running", Token);
            var leaving = await one.Cluster.AddPodAsync(one.Node, "leaving", Token);
            await daemon.StopAsync(Token);
            await disk.SetReadOnlyAsync(true, Token);

            daemon.Start();
            await UntilAsync(async () => await StatusAsync(daemon) is { Code: NotAvailable } e && Names(e, one.Node));
            await RefusedAsync(one, leaving);
            await ReachesAsync(one, running.Address);
            var pid = daemon.Pid;

            await disk.SetReadOnlyAsync(false, Token);
            await daemon.WaitReadyAsync(s_settle, Token);
            Assert.Equal(pid, daemon.Pid);
            await GoesOnAsync(one, running);
        }
        finally
        {
            await daemon.KillAsync(CancellationToken.None);
        }
    }

    [Fact]
    public async Task A_disk_that_becomes_read_only_costs_no_running_pod_and_its_repair_needs_only_the_daemons_restart()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var one = await OneNode.StartAsync(Token);
        var daemon = one.Cluster.Daemon(one.Node);
        await daemon.StopAsync(Token);
        await using var disk = await DiskAsync(one);
        try
        {
            await one.Cluster.StartDaemonAsync(one.Node, Token);
            var running = await one.Cluster.AddPodAsync(one.Node, "running", Token);
            var leaving = await one.Cluster.AddPodAsync(one.Node, "leaving", Token);

            disk.Fail();
            await RefusedAsync(one, leaving);
            var status = await StatusAsync(daemon);
            Assert.Equal(NotAvailable, status?.Code);
            Assert.True(Names(status!, one.Node), status!.Message);
            await ReachesAsync(one, running.Address);
            await ReachesAsync(one, leaving.Address);
            Assert.True(daemon.IsRunning);

            await disk.RepairAsync(Token);
            // Nobody calls: the daemon finds the file in the place of its own, and a kubelet starts it again.
            await UntilAsync(() => Task.FromResult(!daemon.IsRunning));
            await one.Cluster.StartDaemonAsync(one.Node, Token);
            await GoesOnAsync(one, running);
        }
        finally
        {
            await daemon.KillAsync(CancellationToken.None);
        }
    }

    private static Task<PowerDisk> DiskAsync(OneNode one) =>
        PowerDisk.CreateAsync(Path.Combine(one.Node.Paths.Root, "disk"), [one.Node.Paths.State], one.Lab.Ledger, Token);

    private static bool Names(CniCallException e, LabNode node) => e.Message.Contains(Path.Combine(node.Paths.State, "state.db"), StringComparison.Ordinal)
        && e.Message.Contains("check that its disk is there, writable and not full", StringComparison.Ordinal);

    private static async Task RefusedAsync(OneNode one, ClusterPod leaving)
    {
        var add = await Assert.ThrowsAsync<CniCallException>(() => one.Cluster.AddPodAsync(one.Node, "refused", Token));
        Assert.Equal(TryAgainLater, add.Code);
        Assert.True(Names(add, one.Node), add.Message);
        var del = await Assert.ThrowsAsync<CniCallException>(() => one.Cluster.RemovePodAsync(leaving.Name, Token));
        Assert.Equal(TryAgainLater, del.Code);
    }

    private static async Task GoesOnAsync(OneNode one, ClusterPod running)
    {
        var next = await one.Cluster.AddPodAsync(one.Node, "next", Token);
        Assert.NotEqual(running.Address, next.Address);
        await ReachesAsync(one, next.Address);
        await ReachesAsync(one, running.Address);
        foreach (var pod in one.Cluster.Pods) await one.Cluster.RemovePodAsync(pod.Name, Token);
        Assert.Empty((await LeakAudit.FindAsync(one.Lab, s_settle, Token)).All);
    }

    private static async Task<CniCallException?> StatusAsync(TerwaydProcess daemon)
    {
        try
        {
            await daemon.Runtime.StatusAsync(daemon.Network, Token);
            return null;
        }
        catch (CniCallException e)
        {
            return e;
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (var begun = Stopwatch.StartNew(); !await condition();)
        {
            Assert.True(begun.Elapsed < s_settle, "it did not come about");
            await Task.Delay(20, Token);
        }
    }

    private static async Task ReachesAsync(OneNode one, IPAddress pod)
    {
        var result = await Probe.TcpAsync(one.Lab.Namespaces.Thread, one.Node.NetNs, new IPEndPoint(pod, EchoServer.DefaultPort), s_probe, ct: Token);
        Assert.True(result.Ok, $"the node cannot reach {pod}: {result.Error}");
    }
}
