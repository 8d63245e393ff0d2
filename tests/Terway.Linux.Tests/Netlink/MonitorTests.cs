using System.Collections.Concurrent;
using System.Threading.Channels;
using Terway.Linux.Netlink;

namespace Terway.Linux.Tests.Netlink;

public sealed class MonitorTests : RtnlTest
{
    private const RtnlGroups All = RtnlGroups.Links | RtnlGroups.Addresses | RtnlGroups.Routes | RtnlGroups.Rules | RtnlGroups.Neighbours
        | RtnlGroups.TrafficControl;

    [Fact]
    public void Monitor_tells_of_every_kind_of_change_in_its_namespace_only()
    {
        using var events = new BlockingCollection<RtnlEvent>();
        using var monitor = RtnlMonitor.Start(Box.Thread, NodeNs, All, events.Add, e => Assert.Fail(e.ToString()));
        var (link, _) = Veth("n0", "p0", addressed: true);
        Do(Pod, b => b.RuleAdd(new() { Family = System.Net.Sockets.AddressFamily.InterNetwork, Priority = 1234, Table = 9 }));
        Do(Node, b =>
        {
            b.RouteAdd(new() { Destination = Net("10.9.9.9"), LinkIndex = link, Protocol = 99 });
            b.RouteAdd(new() { Destination = Net("2001:db8::9"), LinkIndex = link, Protocol = 99 });
            b.RuleAdd(new() { Family = System.Net.Sockets.AddressFamily.InterNetworkV6, Priority = 600, Table = 9 });
            b.NeighbourAdd(new() { LinkIndex = link, Address = Ip("10.0.0.9"), Mac = MacAddress.Random() });
            b.QdiscAdd(QdiscSpec.ForClsact(link));
            b.RuleDelete(new() { Family = System.Net.Sockets.AddressFamily.InterNetworkV6, Priority = 600, Table = 9 });
            b.RouteDelete(new() { Destination = Net("10.9.9.9") });
            b.LinkDelete(link);
        });

        var seen = Until(events, e => e is RtnlEvent.LinkChanged { Removed: true });
        Assert.Contains(seen, e => e is RtnlEvent.LinkChanged { Removed: false, Link.Name: "n0" });
        Assert.Contains(seen, e => e is RtnlEvent.AddressChanged a && a.Address.Address == Net("10.0.0.1/24") && !a.Removed);
        Assert.Contains(seen, e => e is RtnlEvent.RouteChanged { Removed: false } r && r.Route.Destination == Net("10.9.9.9"));
        Assert.Contains(seen, e => e is RtnlEvent.RouteChanged { Removed: true } r && r.Route.Destination == Net("10.9.9.9") && r.Route.Protocol == 99);
        Assert.Contains(seen, e => e is RtnlEvent.RouteChanged { Removed: false } r && r.Route.Destination == Net("2001:db8::9"));
        Assert.Contains(seen, e => e is RtnlEvent.RuleChanged { Removed: true, Rule.Priority: 600 });
        Assert.Contains(seen, e => e is RtnlEvent.NeighbourChanged n && n.Neighbour.Address.Equals(Ip("10.0.0.9")));
        Assert.Contains(seen, e => e is RtnlEvent.QdiscChanged { Qdisc.Kind: "clsact", Removed: false });
        Assert.DoesNotContain(seen, e => e is RtnlEvent.RuleChanged { Rule.Priority: 1234 });
        Assert.DoesNotContain(seen, e => e is RtnlEvent.Resync);
    }

    [Fact]
    public void Monitor_for_removals_hears_of_nothing_else()
    {
        using var events = new BlockingCollection<RtnlEvent>();
        using var monitor = Box.Thread.Run(NodeNs, () => RtnlMonitor.StartForRemovals(All, events.Add, e => Assert.Fail(e.ToString())));
        var (link, _) = Veth("n0", "p0", addressed: true);
        Do(Node, b =>
        {
            b.RouteAdd(new() { Destination = Net("10.9.9.9"), LinkIndex = link, Protocol = 99 });
            b.RuleAdd(new() { Family = System.Net.Sockets.AddressFamily.InterNetworkV6, Priority = 600, Table = 9 });
            b.QdiscAdd(QdiscSpec.ForClsact(link));
            b.QdiscDelete(QdiscSpec.ForClsact(link));
            b.RuleDelete(new() { Family = System.Net.Sockets.AddressFamily.InterNetworkV6, Priority = 600, Table = 9 });
            b.RouteDelete(new() { Destination = Net("10.9.9.9") });
            b.LinkDelete(link);
        });

        var seen = Until(events, e => e is RtnlEvent.LinkChanged);
        Assert.Contains(seen, e => e is RtnlEvent.LinkChanged { Removed: true });
        Assert.Contains(seen, e => e is RtnlEvent.RouteChanged { Removed: true } r && r.Route.Destination == Net("10.9.9.9"));
        Assert.Contains(seen, e => e is RtnlEvent.RuleChanged { Removed: true, Rule.Priority: 600 });
        Assert.Contains(seen, e => e is RtnlEvent.QdiscChanged { Removed: true, Qdisc.Kind: "clsact" });
        Assert.DoesNotContain(seen, e => e is RtnlEvent.RouteChanged { Removed: false } or RtnlEvent.RuleChanged { Removed: false } or RtnlEvent.QdiscChanged { Removed: false });
    }

    [Fact]
    public void Overflow_of_the_kernels_buffer_becomes_a_resync()
    {
        using var gate = new ManualResetEventSlim();
        using var events = new BlockingCollection<RtnlEvent>();
        using var monitor = RtnlMonitor.Start(
            Box.Thread,
            NodeNs,
            RtnlGroups.Routes,
            e =>
            {
                gate.Wait();
                events.Add(e);
            },
            e => Assert.Fail(e.ToString()));
        var (link, _) = Veth(addressed: true);
        for (var round = 0; round < 8; round++)
        {
            Do(Node, b =>
            {
                for (var i = 0; i < 1000; i++)
                    b.RouteReplace(new() { Destination = Net($"10.7.{i >> 8}.{i & 255}"), LinkIndex = link, Table = 50, Protocol = (byte)(100 + round) });
            });
        }

        gate.Set();
        Until(events, e => e is RtnlEvent.Resync);
        Do(Node, b => b.RouteAdd(new() { Destination = Net("10.8.0.1"), LinkIndex = link, Table = 51 }));
        Until(events, e => e is RtnlEvent.RouteChanged { Route.Table: 51 });
    }

    [Fact]
    public void Full_channel_becomes_a_resync_once_there_is_room()
    {
        var channel = Channel.CreateBounded<RtnlEvent>(2);
        using var monitor = RtnlMonitor.Start(Box.Thread, NodeNs, RtnlGroups.Routes, channel.Writer);
        var (link, _) = Veth(addressed: true);
        Do(Node, b =>
        {
            for (var i = 0; i < 50; i++)
                b.RouteAdd(new() { Destination = Net($"10.7.0.{i}"), LinkIndex = link, Table = 50 });
        });
        List<RtnlEvent> seen = [];
        SpinWait.SpinUntil(
            () =>
            {
                while (channel.Reader.TryRead(out var e))
                    seen.Add(e);
                return seen.Any(e => e is RtnlEvent.Resync);
            },
            TimeSpan.FromSeconds(20));
        Assert.Contains(seen, e => e is RtnlEvent.Resync);
        Assert.True(seen.Count < 50);
    }

    [Fact]
    public void Handler_that_throws_ends_the_monitor_with_its_error()
    {
        using var faults = new BlockingCollection<Exception>();
        using var monitor = RtnlMonitor.Start(Box.Thread, NodeNs, RtnlGroups.Links, _ => throw new InvalidDataException("boom"), faults.Add);
        Veth();
        Assert.True(faults.TryTake(out var fault, TimeSpan.FromSeconds(20)));
        Assert.Equal("boom", fault.Message);
    }

    [Fact]
    public void Dispose_ends_the_thread_and_may_be_repeated()
    {
        var calls = 0;
        var monitor = RtnlMonitor.Start(Box.Thread, NodeNs, RtnlGroups.Links, _ => calls++, _ => { });
        monitor.Dispose();
        monitor.Dispose();
        Veth();
        Assert.Equal(0, calls);
    }

    private static List<RtnlEvent> Until(BlockingCollection<RtnlEvent> events, Predicate<RtnlEvent> last)
    {
        List<RtnlEvent> seen = [];
        while (events.TryTake(out var e, TimeSpan.FromSeconds(20)))
        {
            seen.Add(e);
            if (last(e))
                return seen;
        }

        throw new Xunit.Sdk.XunitException($"the event did not come; seen:\n{string.Join('\n', seen.TakeLast(20))}");
    }
}
