using System.Net;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab.Cluster;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Runtime;

namespace Terway.EndToEnd.Tests;

/// <summary>The disk with the state file is full: what is not journaled is not done, and all goes on by itself when there is room.</summary>
public sealed class FullDiskTests
{
    private const int TryAgainLater = 11;
    private static readonly TimeSpan s_probe = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_full_disk_refuses_new_pods_keeps_running_ones_and_needs_nobody_when_there_is_room_again()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var ct = TestContext.Current.CancellationToken;
        await using var one = await OneNode.StartAsync(ct);
        var daemon = one.Cluster.Daemon(one.Node);
        var state = one.Node.Paths.State;
        await daemon.StopAsync(ct);
        await RunAsync(one.Node, ct, "mount", "-t", "tmpfs", "-o", "size=2m", "twt-state", state);
        try
        {
            await one.Cluster.StartDaemonAsync(one.Node, ct);
            var running = await one.Cluster.AddPodAsync(one.Node, "running", ct);
            var leaving = await one.Cluster.AddPodAsync(one.Node, "leaving", ct);
            var filler = Path.Combine(state, "filler");
            Fill(filler);

            // The log has room for some more commits, in pages that it has already.
            var refusal = await FirstRefusalAsync(one, ct);
            Assert.Equal(TryAgainLater, refusal.Code);
            Assert.Contains(Path.Combine(state, "state.db"), refusal.Message, StringComparison.Ordinal);
            Assert.Contains("full", refusal.Message, StringComparison.Ordinal);
            await ReachesAsync(one, running.Address, ct);

            // A DEL is either journaled or refused, so that the runtime repeats it; it is never lost.
            try
            {
                await one.Cluster.RemovePodAsync("leaving", ct);
            }
            catch (CniCallException e)
            {
                Assert.Equal(TryAgainLater, e.Code);
                await ReachesAsync(one, leaving.Address, ct);
            }

            File.Delete(filler);
            var next = await one.Cluster.AddPodAsync(one.Node, "next", ct);
            await ReachesAsync(one, next.Address, ct);
            await ReachesAsync(one, running.Address, ct);
            foreach (var pod in one.Cluster.Pods) await one.Cluster.RemovePodAsync(pod.Name, ct);
            Assert.Empty((await LeakAudit.FindAsync(one.Lab, s_settle, ct)).All);
        }
        finally
        {
            await daemon.KillAsync(CancellationToken.None);
            await RunAsync(one.Node, CancellationToken.None, "umount", "-l", state);
        }
    }

    private static async Task<CniCallException> FirstRefusalAsync(OneNode one, CancellationToken ct)
    {
        for (var i = 0; i < 300; i++)
        {
            try
            {
                await one.Cluster.AddPodAsync(one.Node, $"pod{i}", ct);
                await one.Cluster.RemovePodAsync($"pod{i}", ct);
            }
            catch (CniCallException e)
            {
                if (one.Cluster.Pods.Any(p => p.Name == $"pod{i}")) await Assert.ThrowsAnyAsync<CniCallException>(() => one.Cluster.AddPodAsync(one.Node, "refused", ct));
                return e;
            }
        }

        throw new InvalidOperationException("300 pods came and went on a full disk");
    }

    private static async Task ReachesAsync(OneNode one, IPAddress pod, CancellationToken ct)
    {
        var result = await Probe.TcpAsync(one.Lab.Namespaces.Thread, one.Node.NetNs, new IPEndPoint(pod, EchoServer.DefaultPort), s_probe, ct: ct);
        Assert.True(result.Ok, $"the node cannot reach {pod}: {result.Error}");
    }

    private static void Fill(string path)
    {
        using var file = File.Create(path, 1);
        var chunk = new byte[4096];
        try
        {
            while (true) file.Write(chunk);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static async Task RunAsync(LabNode node, CancellationToken ct, params string[] command)
    {
        var result = await NamespaceCommand.RunAsync(node.NetNsPath, command[0], command[1..], null, null, ct);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', command)}: {result.Error}");
    }
}
