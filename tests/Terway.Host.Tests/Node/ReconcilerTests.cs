using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Terway.Host.Cloud;
using Terway.Host.Kernel;
using Terway.Host.Node;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Host.Tests.Fixtures;
using Terway.Host.Tests.Kernel;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Tests.Node;

/// <summary>A running reconciler on a real node namespace in which others remove things.</summary>
public sealed class ReconcilerTests : IAsyncLifetime
{
    private const byte Ours = OwnMarks.RouteProtocol;

    private readonly NodeBox _box = new();
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Samples.Now);
    private readonly AttachmentTable _table = new();
    private StateStore _store = null!;
    private NodeObjects _objects = null!;
    private PodDetacher _detacher = null!;
    private Reconciler _reconciler = null!;
    private KernelWatch _watch = null!;
    private AttachmentRecord _record = null!;
    private List<string> _healthy = [];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _record = Samples.Record();
        _record = _record with
        {
            NetNsInode = _box.PodNs.Inode,
            Attachment = _record.Attachment with { Pod = _record.Attachment.Pod with { NetNsPath = _box.PodPath } },
        };
        // Not the first life of the state file: what no plan has is nobody's.
        await using (var first = StateStore.Open(_folder["state.db"], TimeProvider.System, NullLogger.Instance))
        {
            await first.WriteAsync(new StateWrite.PutFact(StateRecovery.DoneFact, []));
        }

        JournalRefusal.Install(_folder["state.db"]);
        _store = StateStore.Open(_folder["state.db"], TimeProvider.System, NullLogger.Instance);
        _objects = new NodeObjects(_store, _box.Kernel);
        await _objects.EnsureAsync(
            "P", "eni",
            [
                new KernelObject.Link(NodeBox.Eni), new KernelObject.Address(NodeBox.Eni, System.Net.IPAddress.Parse("10.0.0.1"), 32),
                new KernelObject.Route(NodeBox.Eni, System.Net.IPNetwork.Parse("0.0.0.0/0"), System.Net.IPAddress.Parse("10.0.0.253"), 1777),
            ],
            Cancelled);
        await _box.Kernel.ApplyAsync(_record.Objects, _box.PodPath);
        await _store.WriteAsync(new StateWrite.PutAttachment(_record, AttachmentPhase.Attached));
        var active = new ActivePlugins([], [], [], [new IPv4Family(null!, null!)]);
        _detacher = new PodDetacher(active, _table, _store, _box.Kernel, TimeProvider.System, NullLogger<PodDetacher>.Instance);
        Begin(TimeProvider.System);
        await _reconciler.RunAtStartAsync([(_record, AttachmentPhase.Attached)], Cancelled);
        _healthy = _box.Snapshot();
    }

    public async ValueTask DisposeAsync()
    {
        _watch.Dispose();
        await _reconciler.DisposeAsync();
        await _detacher.DisposeAsync();
        await _store.DisposeAsync();
        _box.Dispose();
        _folder.Dispose();
    }

    public static TheoryData<string> Harms => ["rules", "one rule", "pod route", "ENI table", "host link", "host link down", "ENI link down", "ENI address", "tbf"];

    [Theory]
    [MemberData(nameof(Harms))]
    public async Task What_others_remove_comes_back_at_once_and_what_is_not_ours_stays(string harm)
    {
        NodeBox.Do(_box.Node, b => b.RuleAdd(new() { Family = AddressFamily.InterNetwork, Priority = 777, Table = 254, Protocol = 4 }));
        var foreign = _box.Snapshot().Except(_healthy).ToList();
        Assert.Single(foreign);
        var link = _box.Index(_record.Attachment.HostLinkName);
        Harm(harm);
        Assert.NotEmpty(await MissingAsync());

        // Harmed again with the reconciler at work: what was told before its start is still in its ears.
        _reconciler.Start();
        await UntilAsync(async () => (await MissingAsync()).Count == 0, TimeSpan.FromSeconds(20));
        Harm(harm);
        var begun = Stopwatch.StartNew();
        // Long before the periodic comparison: only the notification can have caused it.
        await UntilAsync(async () => (await MissingAsync()).Count == 0, TimeSpan.FromSeconds(20));
        await UntilAsync(() => Task.FromResult(harm != "host link" || _box.Index(_record.Attachment.HostLinkName) > link + 1), TimeSpan.FromSeconds(20));
        TestContext.Current.TestOutputHelper?.WriteLine($"{harm}: {begun.ElapsedMilliseconds} ms");
        Assert.Equal(WithoutIndex(_healthy.Concat(foreign)), WithoutIndex(_box.Snapshot()));
        Assert.Empty(await _box.Kernel.FindMissingAsync(_record.Objects, _box.PodPath));
    }

    [Fact]
    public async Task What_the_daemon_takes_away_itself_stays_away_whatever_the_reconciler_does_meanwhile()
    {
        _reconciler.Start();
        await _detacher.DetachAsync(_record);
        await IdleAsync();
        var empty = _box.Snapshot();
        for (var i = 0; i < 40; i++)
        {
            await _box.Kernel.ApplyAsync(_record.Objects, _box.PodPath);
            _table.Put(_record, AttachmentPhase.Attached);
            if (i % 2 == 0) Harm("rules");
            else Harm("host link");
            if (i % 3 == 0) await Task.Delay(i, Cancelled);
            await _detacher.DetachAsync(_record);
            _reconciler.Notice();
            await IdleAsync();
        }

        await Task.Delay(600, Cancelled);
        Assert.Equal(empty, _box.Snapshot());
    }

    [Fact]
    public async Task A_pod_that_goes_between_comparison_and_repair_does_not_come_back()
    {
        var kernel = new LateKernel(_box.Kernel, async () =>
        {
            await _detacher.DetachAsync(_record);
            await IdleAsync();
        });
        Harm("one rule");

        var (repaired, failed) = await new PodRepair(_table, _detacher, kernel, new ActivePlugins([], [], [], []), NullLogger.Instance).RunAsync(false, Cancelled);

        Assert.Equal((0, 0), (repaired, failed.Count));
        Assert.True(kernel.Passed);
        Assert.DoesNotContain(_box.Snapshot(), static o => o.Contains("10.0.0.7", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Our_mark_without_a_plan_goes_with_the_periodic_comparison_and_nothing_else_does()
    {
        await RestartAsync(_time);
        NodeBox.Do(_box.Node, b =>
        {
            b.RuleAdd(new() { Family = AddressFamily.InterNetwork, Priority = 2048, From = IpPrefix.Parse("10.0.0.99/32"), Table = 1005, Protocol = Ours });
            b.RuleAdd(new() { Family = AddressFamily.InterNetwork, Priority = 2048, From = IpPrefix.Parse("10.0.0.98/32"), Table = 1005, Protocol = 3 });
        });
        var foreign = _box.Snapshot().Except(_healthy).Single(static r => r.Contains("10.0.0.98", StringComparison.Ordinal));
        _reconciler.Start();

        await UntilAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(10));
                return Task.FromResult(!_box.Snapshot().Any(static r => r.Contains("10.0.0.99", StringComparison.Ordinal)));
            },
            TimeSpan.FromSeconds(20));
        Assert.Equal(_healthy.Append(foreign).Order(StringComparer.Ordinal), _box.Snapshot());
    }

    [Fact]
    public async Task A_pod_that_died_without_a_DEL_is_let_go_but_not_one_whose_namespace_only_cannot_be_seen()
    {
        await RestartAsync(_time);
        _reconciler.Start();
        _box.DropPodName();
        for (var i = 0; i < 60; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            await Task.Delay(5, Cancelled);
        }

        Assert.NotNull(_table.Find(_record.Key));

        // Its link goes as well, as when the kernel takes the namespace apart.
        Harm("host link");
        await UntilAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(10));
                return Task.FromResult(_table.Find(_record.Key) is null);
            },
            TimeSpan.FromSeconds(20));
        Assert.DoesNotContain(_box.Snapshot(), static o => o.Contains("10.0.0.7", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_pod_that_the_journal_does_not_let_go_stays_and_the_reconciler_goes_on()
    {
        await RestartAsync(_time);
        _reconciler.Start();
        await JournalRefusal.BeginAsync(_store);
        _box.DropPodName();
        Harm("host link");
        for (var i = 0; i < 60; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            await Task.Delay(5, Cancelled);
        }

        Assert.Equal(AttachmentPhase.Attached, _table.Find(_record.Key)?.Phase);
        // It works still: what it can repair it does, and the pod goes with the next comparison that can be journaled.
        Harm("ENI table");
        await UntilAsync(
            async () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return (await _box.Kernel.FindMissingOnNodeAsync(_objects.Plans)).All(static m => m.Count == 0);
            },
            TimeSpan.FromSeconds(20));
        await JournalRefusal.EndAsync(_store);
        await UntilAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(10));
                return Task.FromResult(_table.Find(_record.Key) is null);
            },
            TimeSpan.FromSeconds(20));
    }

    private void Begin(TimeProvider time)
    {
        _reconciler = new Reconciler(
            _store, _table, _detacher, _box.Kernel, _objects, new ActivePlugins([], [], [], []), new NodeReadiness(), time, NullLogger<Reconciler>.Instance);
        _watch = _box.Threads.Run(
            _box.NodeNs, () => KernelWatch.Start(_table, _objects, _box.Links, _reconciler.Notice, NullLogger<KernelWatch>.Instance));
    }

    private async Task RestartAsync(TimeProvider time)
    {
        _watch.Dispose();
        await _reconciler.DisposeAsync();
        Begin(time);
    }

    private void Harm(string what)
    {
        var host = _record.Attachment.HostLinkName;
        NodeBox.Do(_box.Node, b =>
        {
            var rules = _box.Node.DumpRules(AddressFamily.InterNetwork).Where(static r => r.Protocol == Ours).ToList();
            switch (what)
            {
                case "rules":
                    foreach (var rule in rules) b.RuleDelete(rule);
                    break;
                case "one rule":
                    b.RuleDelete(rules[0]);
                    break;
                case "pod route":
                    foreach (var route in _box.Node.DumpRoutes(AddressFamily.InterNetwork, 254).Where(static r => r.Protocol == Ours)) b.RouteDelete(route);
                    break;
                case "ENI table":
                    foreach (var route in _box.Node.DumpRoutes(AddressFamily.InterNetwork, 1777)) b.RouteDelete(route);
                    break;
                case "host link":
                    b.LinkDelete(host);
                    break;
                case "host link down":
                    b.LinkSet(new LinkChange { Name = host, Up = false });
                    break;
                case "ENI link down":
                    b.LinkSet(new LinkChange { Name = NodeBox.Eni, Up = false });
                    break;
                case "ENI address":
                    b.AddressDelete(new LinkAddress { LinkIndex = _box.Index(NodeBox.Eni), Address = new IpPrefix(System.Net.IPAddress.Parse("10.0.0.1"), 32) });
                    break;
                case "tbf":
                    b.QdiscDelete(new QdiscSpec { LinkIndex = _box.Index(host), Kind = "tbf", Parent = TcHandle.Root, Handle = TcHandle.Of(1, 0) });
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(what), what, null);
            }
        });
    }

    private async Task<IReadOnlyList<string>> MissingAsync()
    {
        var missing = await _box.Kernel.FindMissingOnNodeAsync([_record.Objects, .. _objects.Plans]);
        return [.. missing.SelectMany(static m => m).Select(static m => m.Text)];
    }

    private async Task IdleAsync() => await UntilAsync(() => Task.FromResult(_detacher.PendingCount == 0), TimeSpan.FromSeconds(20));

    private static async Task UntilAsync(Func<Task<bool>> condition, TimeSpan limit)
    {
        for (var begun = Stopwatch.StartNew(); !await condition();)
        {
            Assert.True(begun.Elapsed < limit, "not reached in time");
            await Task.Delay(5, Cancelled);
        }
    }

    // A link made again has another index, which is in the upper half of an eBPF map's value too.
    private static List<string> WithoutIndex(IEnumerable<string> objects) =>
        [.. objects.Select(static o => System.Text.RegularExpressions.Regex.Replace(o, @"link \d+ |LinkIndex = \d+|dev \d+|(?<=^entry \w+ )\w+(?=\w{8}$)", "")).Order(StringComparer.Ordinal)];

    /// <summary>The real kernel, to which repairs come late.</summary>
    private sealed class LateKernel(INodeKernel kernel, Func<Task> before) : INodeKernel
    {
        public bool Passed { get; private set; }

        public async Task<bool> RepairAsync(IReadOnlyList<KernelObject> objects, string? netNsPath, Func<bool> wanted)
        {
            await before();
            Passed = true;
            return await kernel.RepairAsync(objects, netNsPath, wanted);
        }

        public NodeLink? FindLink(string mac) => kernel.FindLink(mac);

        public Task<NodeLink> WaitForLinkAsync(string mac, TimeSpan timeout, CancellationToken cancellationToken) =>
            kernel.WaitForLinkAsync(mac, timeout, cancellationToken);

        public Task WaitForLinkGoneAsync(string mac, CancellationToken cancellationToken) => kernel.WaitForLinkGoneAsync(mac, cancellationToken);

        public Task ApplyAsync(IReadOnlyList<KernelObject> objects, string? netNsPath) => kernel.ApplyAsync(objects, netNsPath);

        public Task ReturnNicsAsync(IReadOnlyList<KernelObject.Nic> nics, string netNsPath, ulong netNsInode) =>
            kernel.ReturnNicsAsync(nics, netNsPath, netNsInode);

        public Task RemoveAsync(IReadOnlyList<IReadOnlyList<KernelObject>> plans) => kernel.RemoveAsync(plans);

        public Task<IReadOnlyList<string>> FindMissingAsync(IReadOnlyList<KernelObject> objects, string? netNsPath) => kernel.FindMissingAsync(objects, netNsPath);

        public Task<IReadOnlyList<IReadOnlyList<MissingObject>>> FindMissingOnNodeAsync(IReadOnlyList<IReadOnlyList<KernelObject>> plans) =>
            kernel.FindMissingOnNodeAsync(plans);

        public Task<int> RemoveUnplannedAsync(Func<IReadOnlyList<IReadOnlyList<KernelObject>>> plans) => kernel.RemoveUnplannedAsync(plans);

        public string? ReadSysctl(string path) => kernel.ReadSysctl(path);
    }
}
