using System.Net;
using System.Net.Sockets;
using Terway.Linux.Netlink;

namespace Terway.Linux.Tests.Netlink;

public sealed class BatchTests : RtnlTest
{
    [Theory]
    [InlineData(300)]
    [InlineData(1500)] // more than go out in one send
    public void Execute_many_requests_answers_each(int count)
    {
        var (link, _) = Veth(addressed: true);
        Do(Node, b =>
        {
            for (var i = 0; i < count; i++)
                b.RouteAdd(new() { Destination = IpPrefix.Host(new IPAddress([10, 200, (byte)(i >> 8), (byte)i])), LinkIndex = link, Table = 99, Protocol = 77 });
        });

        Assert.Equal(count, Node.DumpRoutes(AddressFamily.InterNetwork, 99).Count);
    }

    [Fact]
    public void Execute_goes_on_behind_a_failure_and_says_which_failed()
    {
        var (link, _) = Veth(addressed: true);
        Batch.Clear();
        Batch.RouteAdd(new() { Destination = Net("10.7.0.1"), LinkIndex = link, Table = 50 });
        Batch.RouteAdd(new() { Destination = Net("10.7.0.2"), Gateway = Ip("192.0.2.1"), LinkIndex = link, Table = 50 });
        Batch.RouteAdd(new() { Destination = Net("10.7.0.3"), LinkIndex = link, Table = 50 });

        var results = Node.Execute(Batch);
        Assert.Equal([0, Errno.ENETUNREACH, 0], results.Select(r => r.Errno));
        Assert.Equal(2, Node.DumpRoutes(AddressFamily.InterNetwork, 50).Count);
    }

    [Fact]
    public void ExecuteOrThrow_names_the_request_and_the_kernels_reason()
    {
        var (link, _) = Veth(addressed: true);
        var error = Assert.Throws<NetlinkException>(() => Do(Node, b => b.RouteAdd(new()
        {
            Destination = Net("10.7.0.2"),
            Gateway = Ip("192.0.2.1"),
            LinkIndex = link,
        })));

        Assert.Equal("route add 10.7.0.2/32 via 192.0.2.1 dev n0 table main", error.Operation);
        Assert.Equal("Nexthop has invalid gateway", error.KernelMessage);
        Assert.Equal(
            "route add 10.7.0.2/32 via 192.0.2.1 dev n0 table main: ENETUNREACH (Network is unreachable): Nexthop has invalid gateway",
            error.Message);
    }

    [Fact]
    public void Ignored_errors_are_success_and_others_are_not()
    {
        var (link, _) = Veth(addressed: true);
        var route = new IpRoute { Destination = Net("10.7.0.1"), LinkIndex = link };
        Batch.Clear();
        Batch.RouteDelete(route).Ignore(Errno.ENOENT, Errno.ESRCH, Errno.ENODEV);
        Batch.RouteAdd(route);
        Batch.RouteAdd(route).Ignore(Errno.EEXIST);
        Node.ExecuteOrThrow(Batch);
        var results = Node.Execute(Batch);
        Assert.Equal((0, Errno.EEXIST), (results[1].Errno, results[2].Errno));
        Assert.True(results[2].Ignored);

        Batch.Clear();
        Batch.RouteAdd(route).Ignore(Errno.ENOENT);
        Assert.Equal(Errno.EEXIST, Assert.Throws<NetlinkException>(() => Node.ExecuteOrThrow(Batch)).Errno);
    }

    [Fact]
    public void Execute_of_an_empty_batch_does_nothing() => Assert.Empty(Node.Execute(Batch));

    [Fact]
    public void Reused_batch_does_not_allocate_per_request()
    {
        var (link, _) = Veth(addressed: true);
        var route = new IpRoute { Destination = Net("10.7.0.1"), LinkIndex = link, Gateway = Ip("10.0.0.2") };
        Round();
        Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Round();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 200, $"{allocated} bytes for 100 requests");

        void Round()
        {
            Batch.Clear();
            for (var i = 0; i < 100; i++)
                Batch.RouteReplace(route);
            Node.ExecuteOrThrow(Batch);
        }
    }

    [Fact]
    public void Describe_reads_like_ip_and_tc()
    {
        Batch.RuleAdd(new() { Family = AddressFamily.InterNetwork, Priority = 2048, From = Net("10.0.0.5"), InputInterface = "cali1", Table = 1003 });
        Batch.NeighbourReplace(new() { LinkIndex = 4, Address = Ip("169.254.1.1"), Mac = MacAddress.Parse("ee:ee:ee:ee:ee:ee") });
        Batch.AddressDelete(new() { LinkIndex = 4, Address = Net("10.0.0.5/32") });
        Batch.LinkSet(new() { Index = 3, Up = true, Mtu = 1400 });
        Batch.RouteDelete(new() { Destination = IpPrefix.AnyV4, Table = 1003 });
        Batch.LinkDeleteGroup(7);
        Batch.TbfReplace(TbfSpec.FromLatency(4, 125_000, 5000, TimeSpan.FromMilliseconds(25)));
        Batch.QdiscAdd(QdiscSpec.ForClsact(4));
        Batch.BpfFilterDelete(new() { LinkIndex = 4, Parent = TcHandle.Ingress, Priority = 10, Handle = 1 });

        Assert.Equal(
            [
                "rule add priority 2048 from 10.0.0.5/32 iif cali1 lookup 1003",
                "neighbour replace 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev #4",
                "address delete 10.0.0.5/32 dev #4",
                "link set #3 mtu 1400 up",
                "route delete default table 1003",
                "link delete group 7",
                "qdisc replace tbf dev #4 parent root rate 125000 B/s burst 5000 limit 8125",
                "qdisc add clsact dev #4 parent clsact",
                "filter delete bpf dev #4 parent ingress pref 10 handle 1",
            ],
            Enumerable.Range(0, Batch.Count).Select(Batch.Describe));
    }
}
