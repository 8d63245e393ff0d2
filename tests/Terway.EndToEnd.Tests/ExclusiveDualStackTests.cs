using System.Net;
using System.Net.Sockets;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab;
using Terway.Lab.Cloud;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Linux.Namespaces;

namespace Terway.EndToEnd.Tests;

/// <summary>Both plugins together, in packets: an ENI of a pod's own with an address of each family.</summary>
[Collection(PoolNodes.Name)]
public sealed class ExclusiveDualStackTests(PoolNodes nodes) : IAsyncLifetime
{
    private const string Service = "fd00:21::a";
    private static readonly TimeSpan s_answer = TimeSpan.FromSeconds(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RunningLab Lab => nodes.Lab;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await nodes.StartAsync(Token);
    }

    public async ValueTask DisposeAsync() => await nodes.RemovePodsAsync();

    [Fact]
    public async Task Pods_talk_over_both_families_with_shared_pods_and_their_node_and_leave_no_trace()
    {
        var (node, cluster) = (nodes.Exclusive, nodes.Cluster);
        var a = await cluster.AddPodAsync(node, "a", Token);
        var b = await cluster.AddPodAsync(node, "b", Token);
        var shared = await cluster.AddPodAsync(nodes.Shared, "shared", Token);

        // Of one ENI, whose gateways they have.
        var eni = nodes.EniOf(a.Address);
        Assert.Equal([a.Ipv6!], eni.Ipv6Addresses);
        Assert.Equal($"{a.Ipv6}/128", a.Result["ips"]![1]!["address"]!.GetValue<string>());
        Assert.Equal(eni.Mac, a.Result["interfaces"]![1]!["mac"]!.GetValue<string>());

        await AssertConnectedAsync();
        foreach (var (own, far, near, ofNode) in ((IPAddress, IPAddress, IPAddress, IPAddress)[])
            [(a.Address, shared.Address, b.Address, node.PrimaryIp!), (a.Ipv6!, shared.Ipv6!, b.Ipv6!, node.PrimaryIpv6!)])
        {
            foreach (var peer in (IPAddress[])[far, near])
            {
                var (forwarded, carried) = (await ForwardedAsync(node, own.AddressFamily), Bytes(eni));
                Assert.Equal(own, (await TcpAsync(a.Sandbox.NetNs, peer)).Address);
                Assert.Equal(forwarded, await ForwardedAsync(node, own.AddressFamily));
                Assert.True(Bytes(eni) > carried, $"{peer}: the ENI did not carry it");
            }

            // The node's own address by the second link: the VPC sees none of it.
            var before = Bytes(eni);
            Assert.Equal(own, (await TcpAsync(a.Sandbox.NetNs, ofNode)).Address);
            Assert.Equal(ofNode, (await TcpAsync(node.NetNs, own)).Address);
            Assert.InRange(Bytes(eni) - before, 0, 4_000);
        }

        await ExecAsync(node, "ip", "-6", "address", "add", $"{Service}/128", "dev", "lo");
        Assert.Equal(a.Ipv6, (await TcpAsync(a.Sandbox.NetNs, IPAddress.Parse(Service))).Address);
        await ExecAsync(node, "ip", "-6", "address", "del", $"{Service}/128", "dev", "lo");

        // Nothing of it depends on the daemon that made it.
        await cluster.Daemon(node).KillAsync(Token);
        await AssertConnectedAsync();
        await cluster.StartDaemonAsync(node, Token);
        await cluster.Daemon(node).Runtime.CheckAsync(a.Network, a.Attachment, Token);
        await AssertConnectedAsync();

        await cluster.RemovePodAsync("a", Token);
        Assert.False(node.LinkOf(eni.Mac)!.IsUp);
        await AssertConnectedAsync();
        await nodes.AssertNothingLeftAsync(Token);
        await AssertTurnedOffLeavesNoTraceAsync(node);
    }

    /// <summary>Without the plugin and its pods the node is as it was before there was a daemon; afterwards it has the plugin again.</summary>
    private async Task AssertTurnedOffLeavesNoTraceAsync(LabNode node)
    {
        var daemon = nodes.Cluster.Daemon(node);
        var dual = daemon.EniConf;
        Assert.NotEmpty((await Ipv6Trace.CaptureAsync(Lab.Namespaces.Thread, node.NetNsPath, Token)).DifferencesTo(nodes.Untouched(node)));
        Assert.True(await daemon.StopAsync(Token));
        daemon.EniConf = PoolNodes.ExclusivePool;
        try
        {
            await nodes.Cluster.StartDaemonAsync(node, Token);
            for (var i = 0; ; i++)
            {
                var left = (await Ipv6Trace.CaptureAsync(Lab.Namespaces.Thread, node.NetNsPath, Token)).DifferencesTo(nodes.Untouched(node));
                if (left.Count == 0) break;
                Assert.True(i < 200, string.Join("; ", left));
                await Task.Delay(50, Token);
            }
        }
        finally
        {
            await daemon.StopAsync(Token);
            daemon.EniConf = dual;
            await nodes.Cluster.StartDaemonAsync(node, Token);
        }
    }

    private async Task AssertConnectedAsync()
    {
        var cells = await nodes.Cluster.MatrixAsync(s_answer, Token);
        Assert.Equal(2, cells.Select(static c => c.Family).Distinct().Count());
        Assert.All(cells, static c => Assert.True(c.Ok, $"{c.From} -> {c.To} over {c.Family}: {c.Error}"));
    }

    private async Task<IPEndPoint> TcpAsync(NetNs from, IPAddress to)
    {
        var result = await Probe.TcpAsync(Lab.Namespaces.Thread, from, new IPEndPoint(to, EchoServer.DefaultPort), s_answer, payload: 20_000, ct: Token);
        Assert.True(result.Ok, $"{to}: {result.Error}; the VPC dropped {string.Join("; ", Lab.Vpc.LastDrops().Take(5))}");
        return result.SeenAs!;
    }

    private long Bytes(EniSnapshot eni)
    {
        var traffic = Lab.Vpc.TrafficOf(eni.Id)!;
        return traffic.FromBytes + traffic.ToBytes;
    }

    /// <summary>Packets of a family that the node's stack forwarded.</summary>
    private static async Task<string> ForwardedAsync(LabNode node, AddressFamily family)
    {
        var result = await NamespaceCommand.RunAsync(node.NetNsPath, "cat", [family == AddressFamily.InterNetwork ? "/proc/net/snmp" : "/proc/net/snmp6"], null, null, Token);
        Assert.True(result.ExitCode == 0, result.Error);
        if (family == AddressFamily.InterNetworkV6)
            return result.Output.Split('\n').Single(static l => l.StartsWith("Ip6OutForwDatagrams", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        var lines = result.Output.Split('\n').Where(static l => l.StartsWith("Ip:", StringComparison.Ordinal)).Select(static l => l.Split(' ')).ToArray();
        return lines[1][Array.IndexOf(lines[0], "ForwDatagrams")];
    }

    private static async Task ExecAsync(LabNode node, params string[] command)
    {
        var result = await NamespaceCommand.RunAsync(node.NetNsPath, command[0], command[1..], null, null, Token);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', command)}: {result.Error}");
    }
}
