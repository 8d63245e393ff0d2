using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Terway.EndToEnd.Tests.Callers;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab;
using Terway.Lab.Cloud;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Linux.Netlink;
using Terway.Linux.Namespaces;

namespace Terway.EndToEnd.Tests;

/// <summary>Real container runtimes on nodes of dual-stack pools, shared and exclusive.</summary>
[Collection(PoolNodes.Name)]
public sealed class PoolCallersTests(PoolNodes nodes) : IAsyncLifetime
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private NetNsThread Thread => nodes.Lab.Namespaces.Thread;

    public async ValueTask InitializeAsync()
    {
        Machine.Require("containerd");
        Machine.Require("podman");
        await nodes.StartAsync(Token);
    }

    public async ValueTask DisposeAsync() => await nodes.RemovePodsAsync();

    [Theory]
    [InlineData("containerd")]
    [InlineData("podman")]
    public async Task Container_that_shares_an_ENI_has_both_addresses_and_is_reached_over_IPv6_at_once(string runtime)
    {
        var peer = await nodes.Cluster.AddPodAsync(nodes.Exclusive, "peer", Token);
        var pod = await nodes.RunAsync(runtime, nodes.Shared, "dual", Token);
        await AssertNoSynWasLostAsync(peer, pod.Ipv6);

        Assert.Equal([AddressFamily.InterNetwork, AddressFamily.InterNetworkV6], pod.Addresses.Select(static a => a.AddressFamily));
        Assert.Contains(pod.Ipv6, nodes.EniOf(pod.Address).Ipv6Addresses);
        await AssertInsideAsync(pod);
        await AssertConnectedAsync(pod, peer, nodes.Shared);

        await pod.Remove();
        Assert.False(NetNs.Exists(pod.NetNsPath));
        await nodes.AssertNothingLeftAsync(Token);
    }

    [Theory]
    [InlineData("containerd")]
    [InlineData("podman")]
    public async Task Container_with_an_ENI_of_its_own_has_the_NIC_and_the_node_has_it_back_afterwards(string runtime)
    {
        await NodesUntilAsync(() => IdleNics().Count >= 2, "ENIs are attached ahead");
        var peer = await nodes.Cluster.AddPodAsync(nodes.Shared, "peer", Token);
        var before = IdleNics();
        var pod = await nodes.RunAsync(runtime, nodes.Exclusive, "alone", Token);
        await AssertNoSynWasLostAsync(peer, pod.Ipv6);

        var eni = nodes.EniOf(pod.Address);
        Assert.Contains(pod.Ipv6, eni.Ipv6Addresses);
        Assert.Null(nodes.Exclusive.LinkOf(eni.Mac));
        Assert.Equal(eni.Mac, (await pod.Exec(["/bin/busybox", "cat", "/sys/class/net/eth0/address"])).Trim());
        await AssertInsideAsync(pod);
        await AssertConnectedAsync(pod, peer, nodes.Exclusive);
        // What it sends to the VPC is the ENI's traffic, and no link of the node carries it.
        var traffic = nodes.Lab.Vpc.TrafficOf(eni.Id)!;
        Assert.True(traffic is { FromBytes: > 0, ToBytes: > 0 });

        await pod.Remove();
        AssertIsBack(eni, before[eni.Mac]);
        await nodes.AssertNothingLeftAsync(Token);
    }

    [Theory]
    [InlineData("containerd")]
    [InlineData("podman")]
    public async Task NIC_of_a_container_whose_processes_are_killed_and_whose_namespace_is_gone_comes_back(string runtime)
    {
        await NodesUntilAsync(() => IdleNics().Count >= 2, "ENIs are attached ahead");
        var before = IdleNics();
        var pod = await nodes.RunAsync(runtime, nodes.Exclusive, "killed", Token);
        var eni = nodes.EniOf(pod.Address);
        pod.KillProcesses();
        if (runtime == "containerd")
        {
            // podman takes the namespace away itself when a container ends; containerd keeps it for the kubelet's next container.
            var unmounted = await NamespaceCommand.RunAsync(nodes.Exclusive.NetNsPath, "umount", ["--lazy", pod.NetNsPath], null, null, Token);
            Assert.True(unmounted.ExitCode == 0, unmounted.Error);
        }

        await NodesUntilAsync(() => nodes.Exclusive.LinkOf(eni.Mac) is not null, "the NIC is on the node");
        await pod.HasEnded();
        await pod.Remove();
        await NodesUntilAsync(() => HasItsName(eni, before[eni.Mac]), $"the NIC has its name {before[eni.Mac]} again");
        AssertIsBack(eni, before[eni.Mac]);

        // It serves the next one, by the same runtime.
        var peer = await nodes.Cluster.AddPodAsync(nodes.Shared, "peer", Token);
        var next = await nodes.RunAsync(runtime, nodes.Exclusive, "next", Token);
        await AssertConnectedAsync(next, peer, nodes.Exclusive);
        await next.Remove();
        await nodes.AssertNothingLeftAsync(Token);
    }

    /// <summary>Names of the NICs that wait on the exclusive node, by MAC.</summary>
    private Dictionary<string, string> IdleNics() => nodes.Lab.Cloud.Region.Enis
        .Where(e => e.Type == EniType.Secondary && e.InstanceId == nodes.Exclusive.InstanceId)
        .Select(e => nodes.Exclusive.LinkOf(e.Mac) is { } link ? (e.Mac, link.Name) : default)
        .Where(static nic => nic.Mac is not null).ToDictionary(static nic => nic.Mac, static nic => nic.Name, StringComparer.Ordinal);

    // An ENI attached meanwhile may have been given the free name: then the NIC keeps what the kernel called it.
    private bool HasItsName(EniSnapshot eni, string name)
    {
        using var rtnl = RtnlSocket.Open(nodes.Lab.Namespaces.Thread, nodes.Exclusive.NetNs);
        return rtnl.GetLink(name) is { } holder && (holder.Mac == MacAddress.Parse(eni.Mac) || nodes.Lab.Cloud.Region.Enis.Any(e => MacAddress.Parse(e.Mac) == holder.Mac));
    }

    private void AssertIsBack(EniSnapshot eni, string name)
    {
        var link = nodes.Exclusive.LinkOf(eni.Mac);
        Assert.NotNull(link);
        Assert.True(HasItsName(eni, name), $"it is {link.Name}, not {name}");
        Assert.False(link.IsUp);
        Assert.Contains(nodes.Lab.Cloud.Region.Enis, e => e.Id == eni.Id);
    }

    /// <summary>What the container sees of its own network.</summary>
    private static async Task AssertInsideAsync(CallerPod pod)
    {
        var seen = await pod.Exec(["/bin/busybox", "ip", "-o", "address", "show", "dev", "eth0"]);
        Assert.Contains($"inet {pod.Address}/32 ", seen, StringComparison.Ordinal);
        Assert.Contains($"inet6 {pod.Ipv6}/128 ", seen, StringComparison.Ordinal);
        // Its link-local address, which nobody talks to, is the kernel's business.
        Assert.DoesNotContain("scope global tentative", seen, StringComparison.Ordinal);
    }

    /// <summary>Both families, both ways, with a pod of the other node and with the container's own node.</summary>
    private async Task AssertConnectedAsync(CallerPod pod, ClusterPod peer, LabNode node)
    {
        foreach (var (own, other, ofNode) in ((IPAddress, IPAddress, IPAddress)[])[(pod.Address, peer.Address, node.PrimaryIp!), (pod.Ipv6, peer.Ipv6!, node.PrimaryIpv6!)])
        {
            foreach (var to in (IPAddress[])[other, ofNode])
                Assert.Equal(own, IPEndPoint.Parse((await pod.Exec(ContainerImage.AskWhoIAm(to))).Split('\n')[0]).Address);
            foreach (var from in (NetNs[])[peer.Sandbox.NetNs, node.NetNs])
                Assert.Equal(pod.Name, await WebProbe.GetAsync(Thread, from, own, Token));
        }
    }

    /// <summary>
    /// The first packet to an address arrives: a connection comes about, or is refused because the server does not listen yet, without a second SYN.
    /// </summary>
    private async Task AssertNoSynWasLostAsync(ClusterPod peer, IPAddress address)
    {
        var before = await SynRetransmissionsAsync(peer);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
            limit.CancelAfter(TimeSpan.FromSeconds(10));
            using var socket = await Probe.ConnectAsync(Thread, peer.Sandbox.NetNs, new IPEndPoint(address, 80), null, limit.Token);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            // An answer too.
        }

        Assert.Equal(before, await SynRetransmissionsAsync(peer));
    }

    private static async Task<long> SynRetransmissionsAsync(ClusterPod pod)
    {
        var result = await NamespaceCommand.RunAsync(pod.Sandbox.NetNsPath, "cat", ["/proc/net/netstat"], null, null, Token);
        var lines = result.Output.Split('\n').Where(static l => l.StartsWith("TcpExt:", StringComparison.Ordinal)).Select(static l => l.Split(' ')).ToArray();
        return long.Parse(lines[1][Array.IndexOf(lines[0], "TCPSynRetrans")], CultureInfo.InvariantCulture);
    }

    private static async Task NodesUntilAsync(Func<bool> condition, string what)
    {
        for (var i = 0; !condition(); i++)
        {
            Assert.True(i < 1200, $"not reached within a minute: {what}");
            await Task.Delay(50, Token);
        }
    }
}
