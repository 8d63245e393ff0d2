using Terway.Linux.Netlink;

namespace Terway.Linux.Tests.Netlink;

public sealed class LinkTests : RtnlTest
{
    [Fact]
    public void VethAdd_one_message_makes_both_ends_as_asked()
    {
        var mac = MacAddress.Parse("02:00:00:00:00:01");
        var peerMac = MacAddress.Parse("02:00:00:00:00:02");
        Do(Node, b => b.VethAdd(new()
        {
            Link = new() { Name = "cali0", Index = 71, Mac = mac, Mtu = 8500, Up = true, Group = 9, TxQueueLength = 77, TxQueues = 2, RxQueues = 2 },
            Peer = new() { Name = "eth0", Index = 2, NetNs = PodNs, Mac = peerMac, Mtu = 8400 },
        }));
        Do(Pod, b => b.LinkSet(new() { Index = 2, Up = true }));

        var link = Node.GetLink("cali0")!;
        var peer = Pod.GetLink(2)!;
        Assert.Equal(71, link.Index);
        Assert.Equal(mac, link.Mac);
        Assert.Equal(8500, link.Mtu);
        Assert.True(link.IsUp);
        Assert.True(link.HasCarrier);
        Assert.Equal(9u, link.Group);
        Assert.Equal(77, link.TxQueueLength);
        Assert.Equal("veth", link.Kind);
        Assert.Equal(2, link.PeerIndex);
        Assert.NotNull(link.LinkNetNsId);
        Assert.Equal("eth0", peer.Name);
        Assert.Equal(peerMac, peer.Mac);
        Assert.Equal(8400, peer.Mtu);
        Assert.True(peer.IsUp);
        Assert.Equal(71, peer.PeerIndex);
    }

    [Fact]
    public void Chosen_index_lets_one_batch_make_and_use_a_link()
    {
        Do(Node, b =>
        {
            b.VethAdd(new() { Link = new() { Name = "n0", Index = 40, Up = true }, Peer = new() { Name = "p0", NetNs = PodNs } });
            b.AddressAdd(new() { LinkIndex = 40, Address = Net("169.254.1.1/32") });
            b.RouteAdd(new() { Destination = Net("10.1.1.1"), LinkIndex = 40 });
        });

        Assert.Single(Node.DumpRoutes(System.Net.Sockets.AddressFamily.InterNetwork, 254), r => r.LinkIndex == 40);
    }

    [Fact]
    public void LinkSet_changes_every_member()
    {
        var (node, _) = Veth();
        Do(Node, b => b.LinkAdd("bridge", new() { Name = "br0" }));
        var bridge = Node.GetLink("br0")!.Index;
        var mac = MacAddress.Random();
        Do(Node, b => b.LinkSet(new()
        {
            Index = node,
            NewName = "n1",
            Up = false,
            Mtu = 1400,
            Mac = mac,
            Group = 3,
            Master = bridge,
            TxQueueLength = 5,
            Alias = "pod x",
        }));

        var link = Node.GetLink(node)!;
        Assert.Equal(
            ("n1", false, 1400, mac, 3u, bridge, 5, "pod x"),
            (link.Name, link.IsUp, link.Mtu, link.Mac!.Value, link.Group, link.Master, link.TxQueueLength, link.Alias));

        Do(Node, b => b.LinkSet(new() { Name = "n1", Up = true, Master = 0, Alias = "" }));
        link = Node.GetLink(node)!;
        Assert.True(link.IsUp);
        Assert.Equal(0, link.Master);
        Assert.Null(link.Alias);
    }

    [Fact]
    public void LinkSet_moves_and_renames_in_one_message()
    {
        Do(Node, b => b.VethAdd(new() { Link = new() { Name = "eni1" }, Peer = new() { Name = "eni1p" } }));
        var index = Node.GetLink("eni1")!.Index;
        Do(Node, b => b.LinkSet(new() { Index = index, NewName = "eth0", NetNs = PodNs }));

        Assert.Null(Node.GetLink("eni1"));
        Assert.Equal("veth", Pod.GetLink("eth0")!.Kind);
    }

    [Fact]
    public void LinkDelete_by_name_and_index_takes_the_peer_along()
    {
        var (first, _) = Veth("n0", "p0");
        Veth("n1", "p1");
        Do(Node, b =>
        {
            b.LinkDelete(first);
            b.LinkDelete("n1");
        });

        Assert.Equal(["lo"], Node.DumpLinks().Select(l => l.Name));
        Assert.Equal(["lo"], Pod.DumpLinks().Select(l => l.Name));
    }

    [Fact]
    public void LinkDeleteGroup_deletes_that_group_only()
    {
        Do(Node, b =>
        {
            for (var i = 0; i < 20; i++)
                b.VethAdd(new() { Link = new() { Name = $"g{i}", Group = 7 }, Peer = new() { Name = $"q{i}", NetNs = PodNs } });
            b.VethAdd(new() { Link = new() { Name = "stay", Group = 8 }, Peer = new() { Name = "stayp", NetNs = PodNs } });
        });
        Do(Node, b => b.LinkDeleteGroup(7));

        Assert.Equal(["lo", "stay"], Node.DumpLinks().Select(l => l.Name).Order());
        Assert.Throws<ArgumentOutOfRangeException>(() => Batch.LinkDeleteGroup(0));
        var error = Assert.Throws<NetlinkException>(() => Do(Node, b => b.LinkDeleteGroup(7)));
        Assert.Equal(Errno.ENODEV, error.Errno);
    }

    [Fact]
    public void GetLink_of_nothing_is_null()
    {
        Assert.Null(Node.GetLink("nope"));
        Assert.Null(Node.GetLink(4711));
        Assert.Equal("lo", Node.GetLink(1)!.Name);
    }

    [Fact]
    public void VethAdd_of_a_taken_name_names_the_request()
    {
        Veth();
        var error = Assert.Throws<NetlinkException>(() => Veth());
        Assert.Equal(Errno.EEXIST, error.Errno);
        Assert.Equal("link add n0 up type veth peer p0", error.Operation);
    }

    [Fact]
    public void Interface_names_too_long_for_the_kernel_are_refused_and_leave_the_batch_as_it_was()
    {
        Batch.LinkSet(new() { Index = 1, Mtu = 1500 });
        var error = Assert.Throws<ArgumentException>(() => Batch.LinkDelete("sixteen-bytes-xx"));
        Assert.Contains("longer than 15", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, Batch.Count);
        Batch.LinkSet(new() { Index = 1, Up = true });
        Node.ExecuteOrThrow(Batch);
        Assert.Equal((1500, true), (Node.GetLink("lo")!.Mtu, Node.GetLink("lo")!.IsUp));
    }
}
