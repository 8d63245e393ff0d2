using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab.Probing;
using Terway.Linux.Namespaces;

namespace Terway.EndToEnd.Tests;

/// <summary>What is sent to a pod that is gone, while its ENI still has the address.</summary>
[Collection(PoolNodes.Name)]
public sealed class GonePodTests(PoolNodes nodes) : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        await nodes.StartAsync(Token);
    }

    public async ValueTask DisposeAsync() => await nodes.RemovePodsAsync();

    [Fact]
    public async Task Senders_are_told_and_the_node_does_not_send_it_on_by_another_ENI()
    {
        var gone = await nodes.Cluster.AddPodAsync(nodes.Shared, "gone", Token);
        var near = await nodes.Cluster.AddPodAsync(nodes.Shared, "near", Token);
        var far = await nodes.Cluster.AddPodAsync(nodes.Exclusive, "far", Token);
        await nodes.Cluster.RemovePodAsync("gone", Token);
        await PoolNodes.WaitDetachedAsync(nodes.Shared, attachments: 1, Token);
        // The ENI keeps it for the next pod.
        var eni = nodes.EniOf(gone.Address);
        Assert.Contains(gone.Ipv6, eni.Ipv6Addresses);

        foreach (var to in gone.Addresses)
        {
            foreach (var from in (NetNs[])[far.Sandbox.NetNs, near.Sandbox.NetNs])
            {
                var begun = Stopwatch.StartNew();
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
                limit.CancelAfter(s_patience);
                var refused = await Assert.ThrowsAsync<SocketException>(
                    () => Probe.ConnectAsync(nodes.Lab.Namespaces.Thread, from, new IPEndPoint(to, EchoServer.DefaultPort), null, limit.Token));
                Assert.True(refused.SocketErrorCode is SocketError.NetworkUnreachable or SocketError.HostUnreachable, $"{to}: {refused.SocketErrorCode}");
                TestContext.Current.TestOutputHelper?.WriteLine($"{to}: {refused.SocketErrorCode} after {begun.ElapsedMilliseconds} ms");
            }
        }

        Assert.Empty(nodes.Lab.Vpc.LastDrops());

        // The next pod that has them is reached at once.
        var next = await nodes.Cluster.AddPodAsync(nodes.Shared, "next", Token);
        foreach (var to in next.Addresses)
        {
            var result = await Probe.TcpAsync(nodes.Lab.Namespaces.Thread, far.Sandbox.NetNs, new IPEndPoint(to, EchoServer.DefaultPort), s_patience, ct: Token);
            Assert.True(result.Ok, $"{to}: {result.Error}");
        }

        await nodes.AssertNothingLeftAsync(Token);
    }
}
