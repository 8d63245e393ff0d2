using System.Net;
using System.Text.Json.Nodes;
using Grpc.Core;
using Terway.EndToEnd.Tests.Callers;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Linux.Namespaces;

namespace Terway.EndToEnd.Tests;

/// <summary>containerd makes pods through its CRI, driven as a kubelet drives it, with the conflist that terwayd wrote.</summary>
[Collection(TwoNodes.Name)]
public sealed class ContainerdTests(ContainerdOnNode containerd, TwoNodes nodes) : IClassFixture<ContainerdOnNode>, IAsyncLifetime
{
    private static readonly TimeSpan s_ready = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Containerd Cri => containerd.Containerd;

    private NetNsThread Thread => nodes.Lab.Namespaces.Thread;

    public async ValueTask InitializeAsync()
    {
        Machine.Require("containerd");
        await nodes.StartAsync(Token);
        await containerd.StartAsync(Token);
    }

    public async ValueTask DisposeAsync()
    {
        // Whatever the test was about, the next one finds a daemon.
        if (nodes.IsUp && !nodes.Daemon.IsRunning)
            await StartDaemonAsync();
    }

    [Fact]
    public async Task Pod_gets_its_VPC_address_talks_both_ways_and_leaves_nothing()
    {
        var pod = await Cri.RunPodAsync("web-0", Token);
        var container = await Cri.RunWebServerAsync(pod, Token);

        // What the kubelet is told is what the cloud assigned to an ENI of this node.
        var assigned = nodes.Lab.Cloud.Region.FindInstance(nodes.Node.InstanceId)!.Enis.SelectMany(static eni => eni.PrivateIps);
        Assert.Contains(pod.Address, assigned);
        Assert.Equal(pod.Name, await WebProbe.GetAsync(Thread, nodes.Peer.NetNs, pod.Address, Token));
        Assert.Equal(pod.Name, await WebProbe.GetAsync(Thread, nodes.Node.NetNs, pod.Address, Token));
        var greeting = await Cri.ExecAsync(container, ContainerImage.AskWhoIAm(nodes.PeerAddress), Token);
        Assert.Equal(pod.Address, IPEndPoint.Parse(greeting.Split('\n')[0]).Address);

        await Cri.StopPodAsync(pod, Token);
        Assert.False(NetNs.Exists(pod.NetNsPath));
        await Cri.RemovePodAsync(pod, Token);
        Assert.Empty(await Cri.PodsAsync(Token));
        await nodes.AssertNothingLeftAsync(Token);
    }

    [Fact]
    public async Task Bandwidth_annotations_become_a_limit_in_the_kernel()
    {
        var pod = await Cri.RunPodAsync(
            "limited",
            Token,
            new Dictionary<string, string> { ["kubernetes.io/ingress-bandwidth"] = "8M", ["kubernetes.io/egress-bandwidth"] = "16M" });

        // As the runtime reads the annotations, and hands them on by the capability of the conflist.
        var rates = await RatesOfAsync(pod);
        Assert.Equal([1_000_000, 2_000_000], rates);

        await Cri.RemovePodAsync(pod, Token);
        await nodes.AssertNothingLeftAsync(Token);
    }

    [Fact]
    public async Task Pods_started_at_once_get_an_address_each()
    {
        var pods = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Cri.RunPodAsync($"burst-{i}", Token)));

        Assert.Equal(pods.Length, pods.Select(static pod => pod.Address).Distinct().Count());
        await Task.WhenAll(pods.Select(pod => Cri.RemovePodAsync(pod, Token)));
        await nodes.AssertNothingLeftAsync(Token);
    }

    [Fact]
    public async Task Restart_of_the_daemon_goes_unnoticed_and_the_pod_can_be_removed_after_it()
    {
        var pod = await Cri.RunPodAsync("steady", Token);
        await Cri.RunWebServerAsync(pod, Token);
        using (var netns = NetNs.Open(pod.NetNsPath))
        await using (var stream = await SequencedStream.OpenAsync(
            Thread, netns, new IPEndPoint(nodes.PeerAddress, EchoServer.DefaultPort), TimeSpan.FromMilliseconds(5), TimeProvider.System, Token))
        {
            await nodes.Daemon.KillAsync(Token);
            var whileDown = stream.Messages;
            Assert.Equal(pod.Name, await WebProbe.GetAsync(Thread, nodes.Peer.NetNs, pod.Address, Token));
            await StartDaemonAsync();
            var afterStart = stream.Messages;
            Assert.True(afterStart > whileDown);
            await WaitForAsync(() => stream.Messages > afterStart + 10 || stream.Interrupted, "messages after the restart");
            Assert.False(stream.Interrupted, stream.Failure);
        }

        // The new daemon knows the pod: its address goes to nobody else.
        var other = await Cri.RunPodAsync("other", Token);
        Assert.NotEqual(pod.Address, other.Address);
        await Cri.RemovePodAsync(other, Token);
        await Cri.RemovePodAsync(pod, Token);
        await nodes.AssertNothingLeftAsync(Token);
    }

    [Fact]
    public async Task Pod_removed_while_the_daemon_is_down_is_cleaned_up_at_its_start()
    {
        var pod = await Cri.RunPodAsync("orphan", Token);
        await nodes.Daemon.KillAsync(Token);

        await Cri.RemovePodAsync(pod, Token);

        Assert.Empty(await Cri.PodsAsync(Token));
        Assert.Single(Directory.EnumerateFiles(Path.Combine(nodes.Node.Paths.State, "spool")));
        // Nobody was there to remove the rules and routes.
        Assert.NotEmpty(nodes.Lab.LeaksOf(nodes.Node));
        await StartDaemonAsync();
        await nodes.AssertNothingLeftAsync(Token);
    }

    [Fact]
    public async Task Pod_waits_for_a_daemon_that_restarts()
    {
        await nodes.Daemon.KillAsync(Token);

        var coming = Cri.RunPodAsync("early", Token);
        await Task.Delay(500, Token);
        Assert.False(coming.IsCompleted);
        await StartDaemonAsync();

        var pod = await coming;
        using (var netns = NetNs.Open(pod.NetNsPath))
        {
            var answer = await Probe.TcpAsync(Thread, netns, new IPEndPoint(nodes.PeerAddress, EchoServer.DefaultPort), TimeSpan.FromSeconds(5), ct: Token);
            Assert.Equal(pod.Address, answer.SeenAs?.Address);
        }

        await Cri.RemovePodAsync(pod, Token);
        await nodes.AssertNothingLeftAsync(Token);
    }

    [Fact]
    public async Task Pod_without_a_daemon_fails_with_try_again_and_leaves_nothing()
    {
        await nodes.Daemon.KillAsync(Token);

        var error = await Assert.ThrowsAsync<RpcException>(() => Cri.RunPodAsync("refused", Token));

        // What an operator reads in the pod's events.
        Assert.Contains("plugin type=\"terway\" failed (add): the Terway daemon of this node gave no answer", error.Status.Detail, StringComparison.Ordinal);
        Assert.Empty(await Cri.PodsAsync(Token));
        await StartDaemonAsync();
        await nodes.AssertNothingLeftAsync(Token);
    }

    private async Task StartDaemonAsync()
    {
        nodes.Daemon.Start();
        await nodes.Daemon.WaitReadyAsync(s_ready, Token);
    }

    private static async Task WaitForAsync(Func<bool> condition, string what)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        while (!condition())
        {
            Assert.False(limit.IsCancellationRequested, $"timed out: {what}");
            await Task.Delay(10, Token);
        }
    }

    /// <summary>Rates of the token bucket filters on both sides of the pod's link, bytes per second, ascending.</summary>
    private async Task<long[]> RatesOfAsync(CriPod pod)
    {
        List<long> rates = [];
        foreach (var netns in (string[])[nodes.Node.NetNsPath, pod.NetNsPath])
        {
            var listing = await NamespaceCommand.RunAsync(netns, "tc", ["-json", "-details", "qdisc", "show"], null, null, Token);
            listing.ThrowIfFailed("list qdiscs");
            rates.AddRange(JsonNode.Parse(listing.Output)!.AsArray()
                .Where(static qdisc => qdisc!["kind"]!.GetValue<string>() == "tbf")
                .Select(static qdisc => qdisc!["options"]!["rate"]!.GetValue<long>()));
        }

        rates.Sort();
        return [.. rates];
    }
}
