using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab;
using Terway.Lab.Cluster;
using Terway.Lab.Config;

namespace Terway.EndToEnd.Tests;

/// <summary>Two nodes whose ENIs carry prefixes: pods get addresses of them, and the VPC carries their traffic.</summary>
public sealed class PrefixTests
{
    private const int PodsPerNode = 5;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pods_of_prefixes_reach_everybody_survive_a_kill_and_leave_nothing()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var folder = Directory.CreateTempSubdirectory("terway-prefix-");
        try
        {
            var config = LabConfig.Default with
            {
                Delays = DelayConfig.None with { Attach = TimeSpan.FromMilliseconds(100), Detach = TimeSpan.FromMilliseconds(50) },
            };
            await using var lab = await RunningLab.StartAsync(config, $"t{Guid.NewGuid():N}"[..9], folder.FullName, ct: Token);
            await using var cluster = new LabCluster(lab, DistFolder.Find().Options(PoolConfig.PrefixesWith(minPool: 4, maxPool: 16)));
            foreach (var node in lab.Nodes)
            {
                await cluster.StartDaemonAsync(node, Token);
                for (var i = 0; i < PodsPerNode; i++)
                    await cluster.AddPodAsync(node, $"{node.Name}-{i}", Token);
            }

            var enis = lab.Cloud.Region.Enis;
            Assert.All(cluster.Pods, pod =>
            {
                var eni = Assert.Single(enis, e => e.Ipv4Prefixes.Any(p => p.Contains(pod.Address)));
                Assert.Equal(pod.Node.InstanceId, eni.InstanceId);
                Assert.Single(eni.PrivateIps);
            });
            await AssertConnectedAsync(cluster);

            // A life that remembers its prefixes, and gives none of their addresses twice.
            foreach (var node in lab.Nodes)
            {
                await cluster.Daemon(node).KillAsync(Token);
                await cluster.StartDaemonAsync(node, Token);
                await cluster.AddPodAsync(node, $"{node.Name}-after", Token);
            }

            Assert.Equal(2 * (PodsPerNode + 1), cluster.Pods.Select(p => p.Address).Distinct().Count());
            await AssertConnectedAsync(cluster);

            foreach (var pod in cluster.Pods)
                await cluster.RemovePodAsync(pod.Name, Token);
            Assert.Empty((await LeakAudit.FindAsync(lab, TimeSpan.FromSeconds(15), Token)).All);
            Assert.Empty(lab.Vpc.LastDrops());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task AssertConnectedAsync(LabCluster cluster)
    {
        var cells = await cluster.MatrixAsync(TimeSpan.FromSeconds(5), Token);
        Assert.NotEmpty(cells);
        Assert.All(cells, c => Assert.True(c.Ok, $"{c.From} -> {c.To}: {c.Error}"));
    }
}
