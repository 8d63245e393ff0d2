using System.Net;
using System.Net.Sockets;
using Terway.Linux.Bpf;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;
using Terway.Linux.Tests.Netlink;

namespace Terway.Linux.Tests.Bpf;

/// <summary>Programs on real links, with real packets.</summary>
public sealed class AttachTests(BpfTestObject files) : RtnlTest, IClassFixture<BpfTestObject>
{
    [Fact]
    public void Clsact_filter_counts_drops_is_replaced_and_deleted()
    {
        var (link, _) = Veth(addressed: true);
        using var obj = BpfObject.Open(files.Count);
        obj.Load();
        using var dropping = BpfObject.Open(files.Count);
        dropping.SetConstant("drop_protocol", 17u);
        dropping.Load();
        var filter = new BpfFilterSpec
        {
            LinkIndex = link,
            Parent = TcHandle.Ingress,
            Priority = 10,
            Handle = 1,
            ProgramFd = obj.Programs["count_tc"].Fd,
            Name = "twt_count",
        };
        Assert.Equal(Errno.EINVAL, Assert.Throws<NetlinkException>(() => Do(Node, b => b.BpfFilterAdd(filter))).Errno);
        Do(Node, b =>
        {
            b.QdiscAdd(QdiscSpec.ForClsact(link));
            b.BpfFilterAdd(filter);
        });

        Assert.Contains(Node.DumpQdiscs(link), q => q.Kind == "clsact");
        var info = Assert.Single(Node.DumpFilters(link, TcHandle.Ingress), f => f.Handle != 0);
        Assert.Equal(
            ("bpf", 10, 1u, "twt_count", obj.Programs["count_tc"].Id, true),
            (info.Kind, (int)info.Priority, info.Handle, info.Name, info.ProgramId, info.DirectAction));
        Assert.Empty(Node.DumpFilters(link, TcHandle.Egress));
        Assert.Equal(Errno.EEXIST, Assert.Throws<NetlinkException>(() => Do(Node, b => b.BpfFilterAdd(filter))).Errno);

        Assert.Equal(20, Send(20));
        Assert.True(obj.Maps["packets"].TryLookup(17u, out ulong seen));
        Assert.Equal(20ul, seen);

        Do(Node, b => b.BpfFilterReplace(filter with { ProgramFd = dropping.Programs["count_tc"].Fd }));
        Assert.Equal(0, Send(20));
        Assert.True(dropping.Maps["packets"].TryLookup(17u, out seen));
        Assert.Equal(20ul, seen);
        Assert.Equal(dropping.Programs["count_tc"].Id, Node.DumpFilters(link, TcHandle.Ingress).Single(f => f.Handle != 0).ProgramId);

        Do(Node, b => b.BpfFilterDelete(filter));
        Assert.Empty(Node.DumpFilters(link, TcHandle.Ingress));
        Assert.Equal(20, Send(20));
        Do(Node, b => b.QdiscDelete(QdiscSpec.ForClsact(link)));
        Assert.DoesNotContain(Node.DumpQdiscs(link), q => q.Kind == "clsact");
    }

    [Fact]
    public void Tcx_link_is_exchanged_pinned_and_detached()
    {
        Assert.SkipUnless(Environment.OSVersion.Version >= new Version(6, 6), "tcx is in Linux since 6.6");
        using var bpffs = new BpfMount();
        var (link, _) = Veth(addressed: true);
        using var obj = BpfObject.Open(files.Count);
        obj.Load();
        using var dropping = BpfObject.Open(files.Count);
        dropping.SetConstant("drop_protocol", 17u);
        dropping.Load();
        var path = bpffs.PathOf("link");

        using (var attached = Box.Thread.Run(NodeNs, () => BpfLink.AttachTcx(obj.Programs["count_tcx"], link, BpfAttachType.TcxIngress)))
        {
            Assert.Equal(20, Send(20));
            attached.Pin(path);
        }

        using var pinned = BpfLink.OpenPinned(path)!;
        Assert.Equal(20, Send(20));
        Assert.True(obj.Maps["packets"].TryLookup(17u, out ulong seen));
        Assert.Equal(40ul, seen);
        pinned.Update(dropping.Programs["count_tcx"]);
        Assert.Equal(0, Send(20));
        pinned.Detach();
        Assert.Equal(20, Send(20));
    }

    [Fact]
    public void Tcx_programs_are_listed_in_the_order_they_run_in_and_end_with_their_link()
    {
        Assert.SkipUnless(TcxHook.IsThere(), "tcx is in Linux since 6.6");
        var (link, _) = Veth(addressed: true);
        using var counting = BpfObject.Open(files.Count);
        counting.Load();
        using var dropping = BpfObject.Open(files.Count);
        dropping.SetConstant("drop_protocol", 17u);
        dropping.Load();
        var (count, drop) = (counting.Programs["count_tcx"], dropping.Programs["count_tcx"]);
        Assert.Empty(Programs(BpfAttachType.TcxIngress));

        using var last = Box.Thread.Run(NodeNs, () => BpfLink.AttachTcx(count, link, BpfAttachType.TcxIngress));
        using var first = Box.Thread.Run(NodeNs, () => BpfLink.AttachTcx(drop, link, BpfAttachType.TcxIngress, before: last));
        Assert.Equal([drop.Id, count.Id], Programs(BpfAttachType.TcxIngress));
        Assert.Empty(Programs(BpfAttachType.TcxEgress));
        Assert.Equal(0, Send(20));
        Assert.False(counting.Maps["packets"].TryLookup(17u, out ulong _));
        Assert.Equal(link, first.TcxLinkIndex);

        Do(Node, b => b.LinkDelete(link));
        Assert.Equal(0, first.TcxLinkIndex);
        Assert.Empty(Programs(BpfAttachType.TcxIngress));

        IReadOnlyList<uint> Programs(BpfAttachType type) => Box.Thread.Run(NodeNs, () => TcxHook.Programs(link, type));
    }

    /// <summary>Sends so many datagrams from the pod to the node; how many arrive.</summary>
    private int Send(int count)
    {
        using var receiver = NetNsSocket.Create(Box.Thread, NodeNs, AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        receiver.Bind(new IPEndPoint(IPAddress.Any, 0));
        using var sender = NetNsSocket.Create(Box.Thread, PodNs, AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        sender.Connect(new IPEndPoint(Ip("10.0.0.1"), ((IPEndPoint)receiver.LocalEndPoint!).Port));
        for (var i = 0; i < count; i++)
            sender.Send([1, 2, 3]);
        var received = 0;
        var buffer = new byte[16];
        while (received < count && receiver.Poll(TimeSpan.FromMilliseconds(300), SelectMode.SelectRead))
        {
            receiver.Receive(buffer);
            received++;
        }

        return received;
    }
}
