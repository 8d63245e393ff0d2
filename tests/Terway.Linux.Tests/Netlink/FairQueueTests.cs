using System.Diagnostics;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Linux.Tests.Netlink;

public sealed class FairQueueTests : RtnlTest
{
    private const string Lack = "the kernel has no fair queue (sch_fq, CONFIG_NET_SCH_FQ)";

    public static TheoryData<string, RootQueue> Roots => new()
    {
        // kind, handle and parent of each, as a dump has them
        { "", RootQueue.Default },
        { "clsact ffff: fffffff1", RootQueue.Default },
        { "pfifo_fast 0: ffffffff", RootQueue.Default },
        { "fq_codel 0: ffffffff, clsact ffff: fffffff1", RootQueue.Default },
        { "mq 0: ffffffff, fq_codel 0: 1, fq_codel 0: 2", RootQueue.Default },
        { "fq 7e57: ffffffff", RootQueue.Fair },
        { "fq 8001: ffffffff, clsact ffff: fffffff1", RootQueue.Fair },
        { "fq 0: ffffffff", RootQueue.Fair },
        { "mq 0: ffffffff, fq 0: 1, fq 0: 2", RootQueue.Fair },
        { "mq 5: ffffffff, fq 8001: 50001, fq 8002: 50002", RootQueue.Fair },
        { "mq 7e57: ffffffff, fq 8001: 7e570001, pfifo_fast 0: 7e570002", RootQueue.Unfinished },
        { "mq 7e57: ffffffff", RootQueue.Unfinished },
        { "mq 5: ffffffff, fq 8001: 50001, pfifo 8002: 50002", RootQueue.Foreign },
        { "tbf 1: ffffffff", RootQueue.Foreign },
        { "htb 1: ffffffff, fq 8001: 10001", RootQueue.Foreign },
        { "pfifo_fast 8001: ffffffff", RootQueue.Foreign },
    };

    [Theory]
    [MemberData(nameof(Roots))]
    public void A_links_root_is_judged_by_who_made_it(string qdiscs, RootQueue expected) => Assert.Equal(
        expected, FairQueue.Judge([.. qdiscs.Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(static text => text.Split(' ')).Select(static q => new QdiscInfo
        {
            LinkIndex = 1,
            Kind = q[0],
            Handle = Convert.ToUInt32(q[1].TrimEnd(':'), 16) << 16,
            Parent = Convert.ToUInt32(q[2], 16),
        })]));

    [Fact]
    public void An_unnamed_namespace_is_new_and_has_nothing_but_a_loopback()
    {
        using var ns = NetNs.CreateUnnamed();
        using var home = NetNs.OpenCurrent();
        Assert.NotEqual(home.Inode, ns.Inode);
        using var socket = Box.Socket(ns);
        Assert.Equal("lo", Assert.Single(socket.DumpLinks()).Name);
    }

    [Fact]
    public void A_link_tells_its_root_whether_it_is_the_kernels_or_somebodys()
    {
        var (link, _) = Veth();
        Assert.Equal("noqueue", Node.GetLink(link)!.RootQdisc);
        Do(Node, b => b.QdiscAdd(new() { LinkIndex = link, Kind = "pfifo" }));
        Assert.Equal("pfifo", Node.GetLink(link)!.RootQdisc);
    }

    [Fact]
    public void What_somebody_put_there_stays_and_is_named()
    {
        var (link, _) = Veth();
        Do(Node, b => b.QdiscAdd(new() { LinkIndex = link, Kind = "pfifo", Handle = TcHandle.Of(5, 0) }));
        Assert.Equal("pfifo 5:", FairQueue.Make(Node, Node.GetLink(link)!, static _ => false));
        Do(Node, b => FairQueue.Remove(b, link));
        Assert.Equal("pfifo", Assert.Single(Node.DumpQdiscs(link)).Kind);
    }

    [Fact]
    public void A_kernel_without_fair_queues_says_so_and_keeps_what_it_has()
    {
        Assert.SkipWhen(FairQueue.IsInKernel(), "the kernel has a fair queue (sch_fq): what one without it says cannot be seen");
        var (link, _) = Veth();
        Assert.Equal(Errno.ENOENT, Assert.Throws<NetlinkException>(() => FairQueue.Make(Node, Node.GetLink(link)!, static _ => false)).Errno);
        Assert.Equal("noqueue", Node.GetLink(link)!.RootQdisc);
    }

    [Fact]
    public void A_fair_queue_takes_the_defaults_place_and_gives_it_back()
    {
        Assert.SkipUnless(FairQueue.IsInKernel(), Lack);
        var (link, _) = Veth();
        for (var i = 0; i < 2; i++) Assert.Null(FairQueue.Make(Node, Node.GetLink(link)!, static _ => false));
        Assert.Equal(("fq", FairQueue.Handle), (Assert.Single(Node.DumpQdiscs(link)).Kind, Node.DumpQdiscs(link)[0].Handle));
        for (var i = 0; i < 2; i++) Do(Node, b => FairQueue.Remove(b, link));
        Assert.Equal("noqueue", Node.GetLink(link)!.RootQdisc);
    }

    [Fact]
    public void A_fair_queue_of_somebody_else_is_used_and_left()
    {
        Assert.SkipUnless(FairQueue.IsInKernel(), Lack);
        var (link, _) = Veth();
        Do(Node, b => b.QdiscAdd(new() { LinkIndex = link, Kind = "fq", Handle = TcHandle.Of(9, 0) }));
        Assert.Null(FairQueue.Make(Node, Node.GetLink(link)!, static _ => false));
        Do(Node, b => FairQueue.Remove(b, link));
        Assert.Equal(TcHandle.Of(9, 0), Assert.Single(Node.DumpQdiscs(link)).Handle);
    }

    [Fact]
    public void Hardware_with_several_queues_has_a_fair_one_for_each()
    {
        Assert.SkipUnless(FairQueue.IsInKernel(), Lack);
        // A tap is a device with queues; veths have none by default, and so no mq.
        using (var ip = Process.Start("nsenter", [$"--net={NodeNs.Description}", "ip", "tuntap", "add", "dev", "tap0", "mode", "tap", "multi_queue"]))
        {
            ip.WaitForExit();
            Assert.Equal(0, ip.ExitCode);
        }

        Do(Node, b => b.LinkSet(new LinkChange { Name = "tap0", Up = true }));
        var link = Node.GetLink("tap0")!;
        Assert.Equal("mq", link.RootQdisc);
        // Begun and not ended once.
        Do(Node, b => b.QdiscAdd(new() { LinkIndex = link.Index, Kind = "mq", Handle = FairQueue.Handle }));
        for (var i = 0; i < 2; i++) Assert.Null(FairQueue.Make(Node, Node.GetLink(link.Index)!, static _ => false));
        var all = Node.DumpQdiscs(link.Index);
        Assert.Equal(("mq", FairQueue.Handle), all.Where(static q => q.Parent == TcHandle.Root).Select(static q => (q.Kind, q.Handle)).Single());
        Assert.All(all.Where(static q => q.Parent != TcHandle.Root), static q => Assert.Equal("fq", q.Kind));
        Assert.Equal(RootQueue.Fair, FairQueue.Judge(all));
        Do(Node, b => FairQueue.Remove(b, link.Index));
        Assert.Equal(RootQueue.Default, FairQueue.Judge(Node.DumpQdiscs(link.Index)));
    }
}
