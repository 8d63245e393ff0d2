using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab.Cluster;
using Terway.Lab.Nodes;
using Terway.Linux;

namespace Terway.EndToEnd.Tests;

/// <summary>
/// What the daemon and the entrypoint leave on a disk is there when the power comes back. The journal's commits are tried, one by one, by
/// <see cref="CrashPointTests"/>.
/// </summary>
public sealed class PowerLossTests
{
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_that_was_replaced_is_whole_after_the_power_went_and_one_that_was_not_synced_is_not_there()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var root = Directory.CreateTempSubdirectory("terway-power-");
        await using (var disk = await PowerDisk.CreateAsync(Path.Combine(root.FullName, "disk"), [], null, Token))
        {
            var folder = Path.Combine(root.FullName, "disk", "new", "folder");
            var file = Path.Combine(folder, "file");
            DurableFile.CreateFolder(folder);
            await disk.LosePowerAsync(Token);
            Assert.True(Directory.Exists(folder));

            DurableFile.Replace(file, "first"u8);
            await disk.LosePowerAsync(Token);
            Assert.Equal("first", await File.ReadAllTextAsync(file, Token));

            DurableFile.Replace(file, "second"u8);
            await File.WriteAllTextAsync(file + ".not-synced", "third", Token);
            await disk.LosePowerAsync(Token);
            Assert.Equal("second", await File.ReadAllTextAsync(file, Token));
            // Else this disk forgets nothing, and proves nothing.
            Assert.False(File.Exists(file + ".not-synced"));
        }

        root.Delete(recursive: true);
    }

    [Fact]
    public async Task What_was_answered_is_known_after_the_node_lost_power_a_DEL_that_no_daemon_heard_too()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await using var one = await OneNode.StartAsync(Token);
        var daemon = one.Cluster.Daemon(one.Node);
        await daemon.StopAsync(Token);
        await using (var disk = await PowerDisk.CreateAsync(Path.Combine(one.Node.Paths.Root, "disk"), [one.Node.Paths.State, one.Node.Paths.CniConf], one.Lab.Ledger, Token))
        {
            await one.Cluster.StartDaemonAsync(one.Node, Token);
            var network = daemon.Network;
            var pod = await one.Cluster.AddPodAsync(one.Node, "old", Token);
            var forgotten = await one.Cluster.AddPodAsync(one.Node, "forgotten", Token);
            await daemon.KillAsync(Token);
            await one.Cluster.RemovePodAsync("old", Token);
            await one.Lab.LosePowerAsync(one.Node);
            await disk.LosePowerAsync(Token);

            var spooled = await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(Path.Combine(one.Node.Paths.State, "spool"))), Token);
            Assert.Contains(pod.Attachment.Pod.ContainerId, spooled, StringComparison.Ordinal);
            Assert.Equal(network.Json, daemon.Network.Json);
            await one.Cluster.StartDaemonAsync(one.Node, Token);
            // The one that nobody deleted yet keeps its address, though nothing of it is on the node.
            Assert.Equal(1, (await NodeAgent.StatusAsync(one.Node.Paths.Run, Token)).Attachments);
            var young = await one.Cluster.AddPodAsync(one.Node, "new", Token);
            Assert.NotEqual(forgotten.Address, young.Address);
            await one.Cluster.RemovePodAsync("new", Token);
            await one.Cluster.RemovePodAsync("forgotten", Token);
            Assert.Empty((await LeakAudit.FindAsync(one.Lab, s_settle, Token)).All);
            await daemon.KillAsync(Token);
        }
    }
}
