using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Terway.Host.State;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Tests.Kernel;

/// <summary>A NIC of the node that moves into a pod and back. The veth that stands for it dies with a namespace; hardware does not.</summary>
public sealed class NicTests : IDisposable
{
    private const string Mac = "02:00:00:00:09:09";

    private readonly NodeBox _box = new();
    private readonly ulong _inode;

    public NicTests()
    {
        _box.AddEni("eth9", Mac);
        _inode = _box.PodNs.Inode;
    }

    private static KernelObject.Nic Nic { get; } = new(new NodeLink("eth9", 9, Mac, 1500), "eth0", 1400);

    private static IReadOnlyList<KernelObject> Plan { get; } =
    [
        Nic,
        new KernelObject.Address("eth0", IPAddress.Parse("10.0.0.7"), 32) { InPod = true },
        new KernelObject.Route("eth0", IPNetwork.Parse("0.0.0.0/0"), IPAddress.Parse("10.0.0.253")) { InPod = true },
        new KernelObject.TokenBucket("eth0", 1_250_000, 125_000, 312_500) { InPod = true },
    ];

    public void Dispose() => _box.Dispose();

    [Fact]
    public async Task Moves_into_the_pod_and_back_as_it_was()
    {
        NodeBox.Do(_box.Node, b => b.LinkSet(new LinkChange { Name = "eth9", Up = false }));
        var before = _box.Snapshot();
        await _box.Kernel.ApplyAsync(Plan, _box.PodPath);
        Assert.Null(_box.Node.GetLink("eth9"));
        var inside = _box.Pod.GetLink("eth0")!;
        Assert.Equal((Mac, 1400, true), (inside.Mac.ToString(), inside.Mtu, inside.IsUp));
        Assert.Contains(_box.Pod.DumpRoutes(AddressFamily.InterNetwork, 254), static r => r.Gateway?.ToString() == "10.0.0.253");
        Assert.Empty(await _box.Kernel.FindMissingAsync(Plan, _box.PodPath));

        // Made again, by a repeated ADD or a repair, it stays where it is.
        await _box.Kernel.ApplyAsync(Plan, _box.PodPath);
        Assert.Equal(inside.Index, _box.Pod.GetLink("eth0")!.Index);

        for (var i = 0; i < 2; i++) await _box.Kernel.ReturnNicsAsync([Nic], _box.PodPath, _inode);
        Assert.Null(_box.Pod.GetLink("eth0"));
        Assert.Equal(before, _box.Snapshot());
        Assert.False(_box.Node.GetLink("eth9")!.IsUp);
        Assert.DoesNotContain(_box.Node.DumpQdiscs(_box.Index("eth9")), static q => q.Kind == "tbf");
    }

    [Fact]
    public async Task On_the_node_it_is_missing_and_in_the_pod_only_the_pod_can_tell()
    {
        var onNode = Assert.Single(await _box.Kernel.FindMissingOnNodeAsync([Plan]));
        Assert.Contains("its NIC is eth9 on the node", Assert.Single(onNode).Text, StringComparison.Ordinal);
        await _box.Kernel.ApplyAsync(Plan, _box.PodPath);
        Assert.Empty(Assert.Single(await _box.Kernel.FindMissingOnNodeAsync([Plan])));
        NodeBox.Do(_box.Pod, b => b.LinkSet(new LinkChange { Name = "eth0", Up = false }));
        Assert.Contains("interface eth0 in the pod", await _box.Kernel.FindMissingAsync(Plan, _box.PodPath));
    }

    [Fact]
    public async Task Old_name_that_is_taken_is_left_to_who_has_it()
    {
        await _box.Kernel.ApplyAsync(Plan, _box.PodPath);
        _box.AddEni("eth8", "02:00:00:00:09:10");
        NodeBox.Do(_box.Node, b => b.LinkSet(new LinkChange { Name = "eth8", Up = false }));
        NodeBox.Do(_box.Node, b => b.LinkSet(new LinkChange { Index = _box.Index("eth8"), NewName = "eth9" }));
        _box.AddEni("eth0", "02:00:00:00:09:11");
        await _box.Kernel.ReturnNicsAsync([Nic], _box.PodPath, _inode);
        Assert.Equal("02:00:00:00:09:10", _box.Node.GetLink("eth9")!.Mac.ToString());
        Assert.Equal(Mac, _box.Node.GetLink("eni020000000909")!.Mac.ToString());

        // And found under that name by the next pod.
        await _box.Kernel.ApplyAsync(Plan, _box.PodPath);
        Assert.Equal(Mac, _box.Pod.GetLink("eth0")!.Mac.ToString());
    }

    [Fact]
    public async Task What_the_kernel_handed_back_is_put_in_order()
    {
        // As a NIC is after its namespace died, and after a network service of the node has seen it.
        NodeBox.Do(_box.Node, b => b.LinkSet(new LinkChange { Name = "eth9", Up = false }));
        NodeBox.Do(_box.Node, b => b.LinkSet(new LinkChange { Index = _box.Index("eth9"), NewName = "dev9", Mtu = 1400 }));
        NodeBox.Do(_box.Node, b => b.LinkSet(new LinkChange { Name = "dev9", Up = true }));
        NodeBox.Do(_box.Node, b => b.AddressAdd(new LinkAddress { LinkIndex = _box.Index("dev9"), Address = IpPrefix.Parse("10.9.0.1/24") }));

        await _box.Kernel.ReturnNicsAsync([Nic], "/run/netns/twt-gone", _inode);
        var link = _box.Node.GetLink("eth9")!;
        Assert.Equal((Mac, 1500, false), (link.Mac.ToString(), link.Mtu, link.IsUp));
        Assert.DoesNotContain(_box.Node.DumpAddresses(link.Index), static a => a.Address.ToString() == "10.9.0.1/24");
    }

    [Fact]
    public async Task Another_sandbox_at_the_same_path_keeps_what_it_has()
    {
        await _box.Kernel.ApplyAsync(Plan, _box.PodPath);
        await _box.Kernel.ReturnNicsAsync([Nic], _box.PodPath, _inode + 1);
        Assert.NotNull(_box.Pod.GetLink("eth0"));
    }

    [Fact]
    public async Task Interface_that_is_there_already_is_not_replaced_and_the_NIC_stays_on_the_node()
    {
        NodeBox.Do(_box.Pod, b => b.VethAdd(new VethSpec { Link = new LinkSpec { Name = "eth0" }, Peer = new LinkSpec { Name = "other" } }));
        var refused = await Assert.ThrowsAsync<PodNetworkException>(() => _box.Kernel.ApplyAsync(Plan, _box.PodPath));
        Assert.Contains("already has an interface eth0", refused.Message, StringComparison.Ordinal);
        Assert.NotNull(_box.Node.GetLink("eth9"));
        await _box.Kernel.ReturnNicsAsync([Nic], _box.PodPath, _inode);
        Assert.NotNull(_box.Pod.GetLink("eth0"));
    }

    [Fact]
    public async Task Nic_that_is_nowhere_is_said_on_the_way_in_and_is_no_error_on_the_way_back()
    {
        NodeBox.Do(_box.Node, b => b.LinkDelete("eth9"));
        var refused = await Assert.ThrowsAsync<PodNetworkException>(() => _box.Kernel.ApplyAsync(Plan, _box.PodPath));
        Assert.Contains($"no link with MAC {Mac}", refused.Message, StringComparison.Ordinal);
        await _box.Kernel.ReturnNicsAsync([Nic], _box.PodPath, _inode);
    }

    [Fact]
    public void Journal_keeps_it_as_it_is()
    {
        var text = JsonSerializer.Serialize(Plan, StateJson.Default.IReadOnlyListKernelObject);
        Assert.Equal(Plan, JsonSerializer.Deserialize(text, StateJson.Default.IReadOnlyListKernelObject));
        Assert.Contains("\"kind\":\"nic\"", text, StringComparison.Ordinal);
    }
}
