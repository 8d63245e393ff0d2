using System.Net;
using Terway.EndToEnd.Tests.Callers;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Linux.Namespaces;

namespace Terway.EndToEnd.Tests;

/// <summary>podman's CNI backend starts containers with the conflist that terwayd wrote and the entrypoint as it is installed.</summary>
[Collection(TwoNodes.Name)]
public sealed class PodmanTests(TwoNodes nodes) : IAsyncLifetime
{
    private Podman? _podman;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Podman Podman => _podman!;

    public async ValueTask InitializeAsync()
    {
        Machine.Require("podman");
        await nodes.StartAsync(Token);
        _podman = await Podman.StartAsync(nodes.Node, nodes.FolderOf("podman"), nodes.BinaryFolders, Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (_podman is not null)
            await _podman.DisposeAsync();
    }

    [Fact]
    public async Task Containers_reach_each_other_and_the_other_node_and_leave_nothing()
    {
        Assert.Equal(["terway"], await Podman.NetworksAsync(Token));
        var first = await Podman.RunWebServerAsync("first", "terway", Token);
        var second = await Podman.RunWebServerAsync("second", "terway", Token);
        Assert.NotEqual(first.Address, second.Address);

        // Container to container, both ways, and each to itself by its own address.
        foreach (var from in (PodmanContainer[])[first, second])
        {
            foreach (var to in (PodmanContainer[])[first, second])
                Assert.Equal(to.Name, WebProbe.PageOf(await Podman.ExecAsync(from, ContainerImage.Fetch(to.Address), Token)));
            // To a pod on the other node, which says whom it sees: the container's own VPC address.
            var greeting = await Podman.ExecAsync(from, ContainerImage.AskWhoIAm(nodes.PeerAddress), Token);
            Assert.Equal(from.Address, IPEndPoint.Parse(greeting.Split('\n')[0]).Address);
            // From that pod, and from the container's own node.
            Assert.Equal(from.Name, await WebProbe.GetAsync(nodes.Lab.Namespaces.Thread, nodes.Peer.NetNs, from.Address, Token));
            Assert.Equal(from.Name, await WebProbe.GetAsync(nodes.Lab.Namespaces.Thread, nodes.Node.NetNs, from.Address, Token));
        }

        await Podman.RemoveAsync(first, Token);
        // The other's network is its own.
        Assert.Equal(second.Name, await WebProbe.GetAsync(nodes.Lab.Namespaces.Thread, nodes.Peer.NetNs, second.Address, Token));
        await Podman.RemoveAsync(second, Token);

        Assert.False(NetNs.Exists(first.NetNsPath));
        Assert.False(NetNs.Exists(second.NetNsPath));
        await nodes.AssertNothingLeftAsync(Token);
    }
}
