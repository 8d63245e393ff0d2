using System.Net;
using System.Net.Sockets;
using Terway.Host.Kernel;
using Terway.Host.Tests.Fixtures;
using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Tests.Kernel;

public sealed class NodeKernelByFiltersTests() : NodeKernelTests(byTcx: false);

public sealed class NodeKernelByTcxTests() : NodeKernelTests(byTcx: true);

public abstract class NodeKernelTests(bool byTcx) : IDisposable
{
    private const string HostLink = "cali0123456789a";

    private readonly NodeBox _box = new(byTcx);
    private readonly IReadOnlyList<KernelObject> _plan = Samples.EveryKind(NodeBox.Eni);

    public static TheoryData<int> EveryObject => [.. Enumerable.Range(0, Samples.EveryKind().Count)];

    public void Dispose()
    {
        _box.Dispose();
        GC.SuppressFinalize(this);
    }

    // But NICs, which are no part of what RemoveAsync takes away (see NicTests), and fair queues, which not every kernel has (see FairQueueTests).
    [Fact]
    public void Samples_have_every_kind() =>
        Assert.Equal(
            typeof(KernelObject).GetNestedTypes().Where(static t => t != typeof(KernelObject.Nic) && t != typeof(KernelObject.FairQueue)).OrderBy(static t => t.Name, StringComparer.Ordinal),
            _plan.Select(static o => o.GetType()).Distinct().OrderBy(static t => t.Name, StringComparer.Ordinal));

    [Fact]
    public async Task Plan_is_made_as_it_says_and_marked_as_ours()
    {
        await _box.Kernel.ApplyAsync(_plan, _box.PodPath);
        var node = _box.Node.GetLink(HostLink)!;
        var pod = _box.Pod.GetLink("eth0")!;
        Assert.True(node.IsUp && pod.IsUp);
        Assert.Equal("02:00:00:00:01:01", node.Mac.ToString());
        Assert.Equal("02:00:00:00:01:02", pod.Mac.ToString());
        Assert.Equal((1400, 1400), (node.Mtu, pod.Mtu));
        Assert.Contains(_box.Pod.DumpAddresses(pod.Index), static a => a.Address.ToString() == "10.0.0.7/32");
        var inPod = Assert.Single(_box.Pod.DumpRoutes(AddressFamily.InterNetwork, 254));
        Assert.Equal("169.254.1.1", inPod.Gateway!.ToString());
        Assert.Contains(_box.Pod.DumpNeighbours(pod.Index), static n => n.Address.ToString() == "169.254.1.1" && n.State.HasFlag(NeighbourStates.Permanent));
        var toPod = Assert.Single(_box.Node.DumpRoutes(AddressFamily.InterNetwork, 254), r => r.LinkIndex == node.Index);
        Assert.Equal(("10.0.0.7/32", RouteScope.Link, OwnMarks.RouteProtocol), (toPod.Destination.ToString(), toPod.Scope!.Value, toPod.Protocol));
        var outside = Assert.Single(_box.Node.DumpRoutes(AddressFamily.InterNetwork, 1005));
        Assert.Equal(("10.0.0.253", OwnMarks.RouteProtocol), (outside.Gateway!.ToString(), outside.Protocol));
        var rules = _box.Node.DumpRules(AddressFamily.InterNetwork).Where(static r => r.Protocol == OwnMarks.RouteProtocol).ToList();
        Assert.Equal(
            [(512u, null, "10.0.0.7/32", null, 254u), (2047u, null, null, "eth1", 0u), (2048u, "10.0.0.7/32", null, null, 1005u)],
            rules.Select(static r => (r.Priority, r.From?.ToString(), r.To?.ToString(), r.InputInterface, r.Table)));
        Assert.Equal(Linux.Netlink.RuleAction.Unreachable, rules[1].Action);
        var bucket = Assert.Single(_box.Node.DumpQdiscs(node.Index), static q => q.Kind == "tbf");
        Assert.Equal(1_250_000ul, bucket.RateBytesPerSecond);
        Assert.Equal("1", Sysctl.Read(_box.Threads, _box.NodeNs, $"net/ipv4/conf/{HostLink}/proxy_arp"));
        Assert.Equal("1", Sysctl.Read(_box.Threads, _box.PodNs, "net/ipv4/conf/eth0/arp_notify"));
        Assert.Empty(await _box.Kernel.FindMissingAsync(_plan, _box.PodPath));
    }

    [Fact]
    public async Task Plan_made_again_changes_nothing()
    {
        await _box.Kernel.ApplyAsync(_plan, _box.PodPath);
        var before = _box.Snapshot();
        await _box.Kernel.ApplyAsync(_plan, _box.PodPath);
        Assert.Equal(before, _box.Snapshot());
    }

    [Theory]
    [MemberData(nameof(EveryObject))]
    public async Task Object_removed_by_hand_is_named_and_made_again(int index)
    {
        await _box.Kernel.ApplyAsync(_plan, _box.PodPath);
        var o = _plan[index];
        TakeAway(o);
        var missing = await _box.Kernel.FindMissingAsync(_plan, _box.PodPath);
        Assert.Contains(TextOf(o), missing);
        await _box.Kernel.ApplyAsync(_plan, _box.PodPath);
        Assert.Empty(await _box.Kernel.FindMissingAsync(_plan, _box.PodPath));
    }

    [Fact]
    public async Task Removal_leaves_the_node_as_it_was_and_can_be_repeated()
    {
        var before = _box.Snapshot();
        await _box.Kernel.ApplyAsync(_plan, _box.PodPath);
        Assert.NotEqual(before, _box.Snapshot());
        await _box.Kernel.RemoveAsync([_plan]);
        Assert.Equal(before, _box.Snapshot());
        Assert.Null(_box.Pod.GetLink("eth0"));
        await _box.Kernel.RemoveAsync([_plan, _plan]);
        Assert.Equal(before, _box.Snapshot());
    }

    [Theory]
    [MemberData(nameof(EveryObject))]
    public async Task Removal_of_a_half_made_plan_leaves_nothing(int made)
    {
        var before = _box.Snapshot();
        await _box.Kernel.ApplyAsync([.. _plan.Take(made)], _box.PodPath);
        await _box.Kernel.RemoveAsync([_plan]);
        Assert.Equal(before, _box.Snapshot());
    }

    [Fact]
    public async Task Removal_after_the_pods_namespace_is_gone_leaves_nothing()
    {
        var before = _box.Snapshot();
        await _box.Kernel.ApplyAsync(_plan, _box.PodPath);
        _box.Pod.Dispose();
        _box.PodNs.Dispose();
        _box.DropPodName();
        await _box.Kernel.RemoveAsync([_plan]);
        Assert.Equal(before, _box.Snapshot());
        Assert.Contains($"network namespace {_box.PodPath}", await _box.Kernel.FindMissingAsync(_plan, _box.PodPath));
        var e = await Assert.ThrowsAsync<PodNetworkException>(() => _box.Kernel.ApplyAsync(_plan, _box.PodPath));
        Assert.False(e.CanRetry);
    }

    [Fact]
    public async Task A_hundred_pods_go_in_one_step_with_everything_on_them()
    {
        var before = _box.Snapshot();
        var plans = new List<IReadOnlyList<KernelObject>>();
        for (var i = 0; i < 100; i++)
        {
            var ip = IPAddress.Parse($"10.0.1.{i}");
            IReadOnlyList<KernelObject> plan =
            [
                new KernelObject.Veth($"cali{i:x11}", $"e{i}", $"02:00:00:01:00:{i:x2}", $"02:00:00:02:00:{i:x2}", 1500),
                new KernelObject.Address($"e{i}", ip, 32) { InPod = true },
                new KernelObject.Route($"cali{i:x11}", new IPNetwork(ip, 32)),
                new KernelObject.Rule(512, null, new IPNetwork(ip, 32), 254),
                new KernelObject.Rule(2048, new IPNetwork(ip, 32), null, 1005),
            ];
            plans.Add(plan);
            await _box.Kernel.ApplyAsync(plan, _box.PodPath);
        }

        await _box.Kernel.RemoveAsync(plans);
        Assert.Equal(before, _box.Snapshot());
    }

    [Fact]
    public async Task What_others_made_stays()
    {
        NodeBox.Do(_box.Node, b =>
        {
            // With a link's last address the kernel takes its routes away, whoever made them.
            b.AddressAdd(new LinkAddress { LinkIndex = _box.Index(NodeBox.Eni), Address = IpPrefix.Parse("192.168.8.1/24") });
            b.RuleAdd(new IpRule { Family = AddressFamily.InterNetwork, Priority = 512, To = IpPrefix.Parse("10.0.0.8/32"), Table = 254, Protocol = 3 });
            b.RouteAdd(new IpRoute { Destination = IpPrefix.Parse("10.9.0.0/16"), LinkIndex = _box.Index(NodeBox.Eni), Table = 1005, Protocol = 4, Scope = RouteScope.Link });
            b.RouteAdd(new IpRoute { Destination = IpPrefix.Parse("10.8.0.0/16"), LinkIndex = _box.Index(NodeBox.Eni), Table = 254, Protocol = 4, Scope = RouteScope.Link });
        });
        var before = _box.Snapshot();
        await _box.Kernel.ApplyAsync(_plan, _box.PodPath);
        Assert.Equal(0, await _box.Kernel.RemoveUnplannedAsync(() => [_plan]));
        Assert.Empty(await _box.Kernel.FindMissingAsync(_plan, _box.PodPath));
        await _box.Kernel.RemoveAsync([_plan]);
        Assert.Equal(0, await _box.Kernel.RemoveUnplannedAsync(static () => []));
        Assert.Equal(before, _box.Snapshot());
    }

    [Fact]
    public async Task What_carries_our_mark_and_is_in_no_plan_is_removed()
    {
        await _box.Kernel.ApplyAsync(_plan, _box.PodPath);
        var before = _box.Snapshot();
        await _box.Kernel.ApplyAsync(
            [
                new KernelObject.Rule(512, null, IPNetwork.Parse("10.0.0.99/32"), 254),
                new KernelObject.Rule(2048, IPNetwork.Parse("10.0.0.7/32"), null, 1006),
                new KernelObject.Route(NodeBox.Eni, IPNetwork.Parse("10.0.0.99/32")),
                new KernelObject.Route(NodeBox.Eni, IPNetwork.Parse("0.0.0.0/0"), IPAddress.Parse("10.0.0.253"), 1006),
            ],
            null);
        Assert.Equal(4, await _box.Kernel.RemoveUnplannedAsync(() => [_plan]));
        Assert.Equal(before, _box.Snapshot());
    }

    [Fact]
    public async Task Left_over_link_of_the_same_name_is_replaced()
    {
        NodeBox.Do(_box.Node, b => b.VethAdd(new VethSpec { Link = new LinkSpec { Name = HostLink }, Peer = new LinkSpec { Name = "stale" } }));
        await _box.Kernel.ApplyAsync(_plan, _box.PodPath);
        Assert.Empty(await _box.Kernel.FindMissingAsync(_plan, _box.PodPath));
        Assert.Null(_box.Node.GetLink("stale"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sandbox_that_has_the_interface_already_is_a_clear_error_and_keeps_it(bool leftOverOnNode)
    {
        NodeBox.Do(_box.Pod, b => b.VethAdd(new VethSpec { Link = new LinkSpec { Name = "eth0" }, Peer = new LinkSpec { Name = "other" } }));
        if (leftOverOnNode) NodeBox.Do(_box.Node, b => b.VethAdd(new VethSpec { Link = new LinkSpec { Name = HostLink }, Peer = new LinkSpec { Name = "stale" } }));
        var e = await Assert.ThrowsAsync<PodNetworkException>(() => _box.Kernel.ApplyAsync(_plan, _box.PodPath));
        Assert.Contains("already has an interface eth0", e.Message, StringComparison.Ordinal);
        Assert.NotNull(_box.Pod.GetLink("eth0"));
        await _box.Kernel.RemoveAsync([_plan]);
        Assert.Null(_box.Node.GetLink(HostLink));
        Assert.NotNull(_box.Pod.GetLink("eth0"));
    }

    [Fact]
    public async Task Plan_for_a_link_that_is_not_there_names_it()
    {
        var e = await Assert.ThrowsAsync<PodNetworkException>(() => _box.Kernel.ApplyAsync([new KernelObject.Route("eth9", IPNetwork.Parse("10.0.0.0/8"))], null));
        Assert.Contains("eth9", e.Message, StringComparison.Ordinal);
        Assert.Contains("node", e.Message, StringComparison.Ordinal);
    }

    public static TheoryData<KernelObject> Impossible =>
    [
        new KernelObject.Rule(512, null, null, 254), new KernelObject.Veth("a-name-that-is-too-long", "eth0", "02:00:00:00:00:01", "02:00:00:00:00:02", 1500),
        new KernelObject.Neighbour(NodeBox.Eni, IPAddress.Loopback, "no mac"), new KernelObject.Address(NodeBox.Eni, IPAddress.Loopback, 77),
    ];

    [Theory]
    [MemberData(nameof(Impossible))]
    public async Task Plan_that_no_kernel_can_have_is_refused_and_can_be_removed(KernelObject impossible)
    {
        var before = _box.Snapshot();
        IReadOnlyList<KernelObject> plan = [.. _plan, impossible];
        await Assert.ThrowsAsync<PodNetworkException>(() => _box.Kernel.ApplyAsync(plan, _box.PodPath));
        await _box.Kernel.RemoveAsync([plan]);
        Assert.Equal(before, _box.Snapshot());
    }

    [Fact]
    public async Task Link_of_an_ENI_is_found_when_it_comes_and_forgotten_when_it_goes()
    {
        const string mac = "02:00:00:00:07:07";
        Assert.Null(_box.Kernel.FindLink(mac));
        await Assert.ThrowsAsync<TimeoutException>(() => _box.Kernel.WaitForLinkAsync(mac, TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken));
        var waiting = _box.Kernel.WaitForLinkAsync(mac, TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        _box.AddEni("eth7", mac);
        var link = await waiting;
        Assert.Equal(("eth7", _box.Index("eth7")), (link.Name, link.Index));
        Assert.Equal(link, await _box.Kernel.WaitForLinkAsync(mac.ToUpperInvariant(), TimeSpan.Zero, TestContext.Current.CancellationToken));
        NodeBox.Do(_box.Node, b => b.AddressAdd(new LinkAddress { LinkIndex = link.Index, Address = IpPrefix.Parse("10.7.0.1/24") }));
        Assert.Equal(["10.7.0.1"], _box.Kernel.AddressesOf(mac).Select(static a => a.ToString()));
        NodeBox.Do(_box.Node, b => b.LinkDelete("eth7"));
        for (var i = 0; _box.Kernel.FindLink(mac) is not null; i++)
        {
            Assert.True(i < 1000, "the link is not forgotten");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    private void TakeAway(KernelObject o)
    {
        var socket = o.InPod ? _box.Pod : _box.Node;
        int Link(string name) => socket.GetLink(name)!.Index;
        switch (o)
        {
            case KernelObject.Veth veth:
                NodeBox.Do(socket, b => b.LinkDelete(veth.Name));
                break;
            case KernelObject.Link link:
                NodeBox.Do(socket, b => b.LinkSet(new LinkChange { Name = link.Name, Up = false }));
                break;
            case KernelObject.Address address:
                NodeBox.Do(socket, b => b.AddressDelete(new LinkAddress { LinkIndex = Link(address.LinkName), Address = new IpPrefix(address.Ip, address.PrefixLength) }));
                break;
            case KernelObject.Route route:
                NodeBox.Do(socket, b => b.RouteDelete(new IpRoute { Destination = route.Destination, LinkIndex = Link(route.LinkName), Table = (uint)route.Table }));
                break;
            case KernelObject.Rule rule:
                NodeBox.Do(socket, b => b.RuleDelete(new IpRule
                {
                    Family = AddressFamily.InterNetwork,
                    Priority = (uint)rule.Priority,
                    From = rule.From is { } f ? IpPrefix.FromNetwork(f) : null,
                    To = rule.To is { } t ? IpPrefix.FromNetwork(t) : null,
                    Table = (uint)rule.Table,
                }));
                break;
            case KernelObject.Refusal refusal:
                NodeBox.Do(socket, b => b.RuleDelete(new IpRule { Family = refusal.Family, Priority = (uint)refusal.Priority, InputInterface = refusal.LinkName }));
                break;
            case KernelObject.Neighbour neighbour:
                NodeBox.Do(socket, b => b.NeighbourDelete(new IpNeighbour { LinkIndex = Link(neighbour.LinkName), Address = neighbour.Ip }));
                break;
            case KernelObject.TokenBucket bucket:
                NodeBox.Do(socket, b => b.QdiscDelete(new QdiscSpec { LinkIndex = Link(bucket.LinkName), Kind = "tbf", Parent = TcHandle.Root, Handle = TcHandle.Of(1, 0) }));
                break;
            case KernelObject.Sysctl sysctl:
                Sysctl.Write(_box.Threads, o.InPod ? _box.PodNs : _box.NodeNs, sysctl.Path, "0");
                break;
            case KernelObject.PinFolder folder:
                Directory.Delete(Path.Combine(_box.Pins.Folder, folder.Path));
                break;
            case KernelObject.TcProgram program when byTcx:
                using (var link = BpfLink.OpenPinned(Directory.GetFiles(
                    Path.Combine(_box.Pins.Folder, "tcx", program.LinkName), program.Ingress ? "ingress-*" : "egress-*").Single())!)
                {
                    link.Detach();
                }

                break;
            case KernelObject.TcProgram program:
                NodeBox.Do(socket, b => b.QdiscDelete(QdiscSpec.ForClsact(Link(program.LinkName))));
                break;
            case KernelObject.MapEntry entry:
                Assert.True(_box.Pins.Map.Delete(Convert.FromHexString(entry.Key)));
                break;
            default:
                Assert.Fail($"no way to take a {o.GetType().Name} away");
                break;
        }
    }

    private static string TextOf(KernelObject o) => o switch
    {
        KernelObject.Veth => $"veth {HostLink}",
        KernelObject.Link => "link eth1 up mtu 1500",
        KernelObject.Address a => $"address {a.Ip}/{a.PrefixLength} dev {a.LinkName}",
        KernelObject.Route { Gateway: null } => $"route 10.0.0.7/32 dev {HostLink} table 254",
        KernelObject.Route r => $"route 0.0.0.0/0 via {r.Gateway} dev {r.LinkName} table {r.Table}",
        KernelObject.Rule { Priority: 512 } => "rule 512 to 10.0.0.7/32 lookup 254",
        KernelObject.Rule => "rule 2048 from 10.0.0.7/32 lookup 1005",
        KernelObject.Refusal r => $"rule 2047 iif {r.LinkName} unreachable",
        KernelObject.Neighbour n => $"neighbour {n.Ip} lladdr {n.Mac} dev {n.LinkName}",
        KernelObject.TokenBucket => $"tbf 1250000 bytes/s dev {HostLink}",
        KernelObject.Sysctl s => $"sysctl {s.Path} = 1",
        KernelObject.PinFolder => "eBPF pins made-v1",
        KernelObject.TcProgram p => $"tc {(p.Ingress ? "ingress" : "egress")} program sample-v1/count_tc dev {p.LinkName}",
        KernelObject.MapEntry => "entry 0a000007 of eBPF map sample-v1/packets",
        _ => throw new ArgumentException($"no text for a {o.GetType().Name}", nameof(o)),
    };
}
