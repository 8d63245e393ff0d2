using System.Net.Sockets;
using System.Security.Cryptography;
using Terway.Lab.Cloud;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Vpc;
using Terway.Linux.Namespaces;

namespace Terway.Lab.Tests;

/// <summary>Cloud and kernel together: what the API says is what the nodes see.</summary>
public sealed class RunningLabTests : IDisposable
{
    private static readonly LabConfig s_config = LabConfig.Default with { Delays = DelayConfig.None };
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("terway-lab-");
    private readonly string _id = "t" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nodes_reach_each_other_the_outside_and_their_own_metadata()
    {
        await using var lab = await RunningLab.StartAsync(s_config, _id, _folder.FullName, ct: Token);
        var endpoints = lab.Nodes.Select(static n => new Endpoint(n.Name, n.NetNs, n.PrimaryIp!))
            .Append(new Endpoint("outside", lab.Nat!.Outside, Infrastructure.OutsideHost, Talks: false))
            .ToArray();

        var matrix = await ConnectivityMatrix.RunAsync(lab.Namespaces.Thread, endpoints, TimeSpan.FromSeconds(10), Token);

        Assert.Equal(4, matrix.Count);
        Assert.All(matrix, static cell => Assert.True(cell.Ok, $"{cell}"));
        foreach (var node in lab.Nodes)
            Assert.Equal(node.InstanceId, await GetAsync(lab, node, new Uri(RunningLab.MetadataEndpoint, "latest/meta-data/instance-id")));
        Assert.All(lab.Vpc.Drops(), static drop => Assert.Equal(0, drop.Value));
    }

    [Fact]
    public async Task Attached_eni_is_a_link_in_the_node_and_detached_it_is_gone()
    {
        await using var lab = await RunningLab.StartAsync(s_config, _id, _folder.FullName, ct: Token);
        var node = lab.Node("node1");
        var eni = lab.Cloud.Region.CreateEni(new CreateEniRequest { VSwitchId = "vsw-lab-pods", SecurityGroupIds = ["sg-lab-cluster"] });

        lab.Cloud.Region.AttachEni(eni.Id, node.InstanceId);
        await lab.Cloud.Region.WhenIdleAsync(Token);
        Assert.Equal("eth1", node.LinkOf(eni.Mac)?.Name);
        Assert.Empty(lab.LeaksOf(node));
        Assert.Empty(lab.Cloud.Region.Troubles);

        lab.Cloud.Region.DetachEni(eni.Id, node.InstanceId);
        await lab.Cloud.Region.WhenIdleAsync(Token);
        Assert.Null(node.LinkOf(eni.Mac));
        Assert.Empty(lab.Cloud.Region.Troubles);
    }

    [Fact]
    public async Task Stream_counts_messages_and_notices_when_the_network_goes()
    {
        await using var lab = await RunningLab.StartAsync(s_config, _id, _folder.FullName, ct: Token);
        var to = new System.Net.IPEndPoint(lab.Node("node2").PrimaryIp!, EchoServer.DefaultPort);
        await using var stream = await SequencedStream.OpenAsync(
            lab.Namespaces.Thread, lab.Node("node1").NetNs, to, TimeSpan.FromMilliseconds(1), TimeProvider.System, Token);
        while (stream.Messages < 20)
            await Task.Delay(5, Token);
        Assert.False(stream.Interrupted);

        await lab.StopServingAsync(lab.Node("node2"));
        while (!stream.Interrupted)
            await Task.Delay(5, Token);
        Assert.NotNull(stream.Failure);
    }

    [Fact]
    public async Task Next_start_cleans_up_after_a_lab_that_was_killed()
    {
        // Never disposed: what its process would leave behind. The namespaces' names are in the ledger.
        var killed = await RunningLab.StartAsync(s_config, _id, _folder.FullName, ct: Token);
        var before = NamedNetNs.List().Count(Ours);
        // Its threads end with a process, and leave the nodes' cgroups.
        foreach (var node in killed.Nodes) node.Processes.Dispose();

        await using (var lab = await RunningLab.StartAsync(s_config, _id, _folder.FullName, ct: Token))
            Assert.Equal(before, NamedNetNs.List().Count(Ours));

        Assert.DoesNotContain(NamedNetNs.List(), Ours);
        Assert.All(killed.Nodes, static node => Assert.False(Directory.Exists(node.CgroupPath)));
        GC.KeepAlive(killed);

        bool Ours(string name) => name.StartsWith($"twl-{_id}-", StringComparison.Ordinal);
    }

    public void Dispose()
    {
        new LabLedger(_folder.FullName).Clean();
        _folder.Delete(recursive: true);
    }

    private static async Task<string> GetAsync(RunningLab lab, LabNode node, Uri uri)
    {
        using var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (context, ct) => new NetworkStream(
                await Probe.ConnectAsync(
                    lab.Namespaces.Thread, node.NetNs, System.Net.IPEndPoint.Parse($"{context.DnsEndPoint.Host}:{context.DnsEndPoint.Port}"), null, ct),
                ownsSocket: true),
        };
        using var http = new HttpClient(handler);
        return await http.GetStringAsync(uri, Token);
    }
}
