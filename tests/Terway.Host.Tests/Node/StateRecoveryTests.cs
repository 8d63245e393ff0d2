using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.AlibabaCloud.Metadata;
using Terway.Host.Kernel;
using Terway.Host.Node;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Host.Tests.Fixtures;
using Terway.Host.Tests.Kernel;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Tests.Node;

/// <summary>A journal that is lost while pods run, on a real node namespace.</summary>
public sealed class StateRecoveryTests : IAsyncLifetime
{
    private static readonly AttachmentKey s_key = new("0123abcd", "eth0");
    private static readonly IPAddress s_address = IPAddress.Parse("10.0.0.7");

    private readonly NodeBox _box = new();
    private readonly TempFolder _folder = new();
    private readonly FakeProvider _provider = new(new World(), new Steps(), 1);
    private StateStore _store = null!;
    private int _files;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    // Of an ENI that is attached, and whose link is in a pod.
    private const string InPodMac = "00:16:3e:00:00:09";

    private static string PodMac => LinkNaming.PodMac(s_key.ContainerId, s_key.IfName);

    private int Table => 1000 + _box.Index(NodeBox.Eni);

    public async ValueTask InitializeAsync()
    {
        await _box.Kernel.ApplyAsync(
            [
                new KernelObject.Veth("cali0123456789a", "eth0", "02:00:00:00:01:01", PodMac, 1500),
                new KernelObject.Neighbour("cali0123456789a", s_address, PodMac),
                new KernelObject.Route("cali0123456789a", new IPNetwork(s_address, 32)),
                new KernelObject.Rule(512, null, new IPNetwork(s_address, 32), 254),
                new KernelObject.Rule(2048, new IPNetwork(s_address, 32), null, Table),
            ],
            _box.PodPath);
        _store = Open();
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _box.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Pods_of_a_lost_journal_keep_their_addresses_and_are_journaled_again()
    {
        var record = Assert.Single(await RecoverAsync()).Record;

        Assert.Equal("eni-7", record.Attachment.Allocation.EniId);
        Assert.Equal(_box.Node.GetLink(NodeBox.Eni)!.Mac.ToString(), record.Attachment.Allocation.EniMac);
        Assert.Equal(new PodAddress(s_address, IPNetwork.Parse("10.0.0.0/24"), IPAddress.Parse("10.0.0.253")), Assert.Single(record.Attachment.Allocation.Addresses));
        Assert.Equal("Fake/1.0.0", record.Provider);
        Assert.Empty((await _box.Kernel.FindMissingOnNodeAsync([record.Objects])).Single());

        // The next start has nothing to recover and knows the pod from its own journal.
        await _store.DisposeAsync();
        _store = StateStore.Open(_folder[$"{_files}.db"], TimeProvider.System, NullLogger.Instance);
        Assert.True(StateRecovery.IsDone(_store));
        var journaled = Assert.Single(_store.Initial.Attachments);
        Assert.Equal((record.Key, AttachmentPhase.Attached), (journaled.Record.Key, journaled.Phase));
        Assert.True(journaled.Record.IsRecovered);
    }

    [Fact]
    public async Task Rules_that_are_gone_as_well_come_back_by_what_the_metadata_service_says()
    {
        NodeBox.Do(_box.Node, b =>
        {
            foreach (var rule in _box.Node.DumpRules(AddressFamily.InterNetwork).Where(static r => r.Protocol == OwnMarks.RouteProtocol)) b.RuleDelete(rule);
        });

        var record = Assert.Single(await RecoverAsync()).Record;

        Assert.Equal("eni-7", record.Attachment.Allocation.EniId);
        Assert.Contains(new KernelObject.Rule(2048, new IPNetwork(s_address, 32), null, Table), record.Objects);
    }

    [Fact]
    public async Task Pod_whose_NIC_moved_into_it_keeps_its_ENI()
    {
        var (path, _) = _box.NewNs();
        var address = IPAddress.Parse("10.0.0.9");
        await _box.Kernel.ApplyAsync(
            [
                new KernelObject.Veth("cali0123456789b", "veth1", "02:00:00:00:02:01", "02:00:00:00:02:02", 1500),
                new KernelObject.Neighbour("cali0123456789b", address, "02:00:00:00:02:02"),
                new KernelObject.Route("cali0123456789b", new IPNetwork(address, 32)),
            ],
            path);

        var record = (await RecoverAsync()).Single(static r => r.Record.Attachment.HostLinkName == "cali0123456789b").Record;
        Assert.Equal("eni-9", record.Attachment.Allocation.EniId);
        Assert.Equal(InPodMac, Assert.Single(record.Nics).On.Mac);
        Assert.DoesNotContain(record.Objects, static o => o is KernelObject.Rule);
        Assert.Empty((await _box.Kernel.FindMissingOnNodeAsync([record.Objects])).Single());
    }

    [Fact]
    public async Task Without_the_metadata_service_the_daemon_does_not_serve_and_tries_again_at_its_next_start()
    {
        var error = await Assert.ThrowsAsync<StateException>(() => RecoverAsync(static (_, _) => throw new MetadataException("meta-data", null, "unreachable")));
        Assert.Contains("10.0.0.7", error.Message, StringComparison.Ordinal);
        Assert.Contains("metadata service", error.Message, StringComparison.Ordinal);

        await _store.DisposeAsync();
        _store = StateStore.Open(_folder[$"{_files}.db"], TimeProvider.System, NullLogger.Instance);
        Assert.False(StateRecovery.IsDone(_store));
        Assert.Single(await RecoverAsync());
    }

    [Fact]
    public async Task An_empty_node_has_nothing_to_recover_and_foreign_links_are_no_pods()
    {
        await _box.Kernel.RemoveAsync([[new KernelObject.Veth("cali0123456789a", "eth0", "", "", 0)]]);
        // Another CNI's pod: the same shape without our mark.
        NodeBox.Do(_box.Node, b => b.VethAdd(new VethSpec
        {
            Link = new LinkSpec { Name = "califfffffffff", Up = true },
            Peer = new LinkSpec { Name = "eth0", NetNs = _box.PodNs },
        }));
        NodeBox.Do(_box.Node, b => b.RouteAdd(new() { Destination = IpPrefix.Parse("10.0.0.9/32"), LinkIndex = _box.Index("califfffffffff"), Protocol = 3, Scope = RouteScope.Link }));

        Assert.Empty(await RecoverAsync());
    }

    [Fact]
    public async Task A_recovered_pod_is_found_by_its_real_sandbox_and_by_no_other()
    {
        var record = Assert.Single(await RecoverAsync()).Record;
        var table = new AttachmentTable();
        table.Put(record, AttachmentPhase.Attached);

        Assert.Same(record, table.FindAlsoRecovered(s_key)!.Value.Record);
        Assert.Null(table.FindAlsoRecovered(s_key with { ContainerId = "other" }));
        table.Remove(record);
        Assert.Null(table.FindAlsoRecovered(s_key));
    }

    [Fact]
    public async Task A_recovered_pod_is_handed_over_to_this_starts_datapath_unless_it_has_a_limit_that_nobody_knows()
    {
        Assert.Equal("Fake", Assert.Single(await RecoverAsync()).Record.Datapath);
        var link = Assert.Single(await _box.Kernel.FindPodTracesAsync());
        Assert.False(link.IsShaped);
        await _box.Kernel.ApplyAsync([new KernelObject.TokenBucket(link.HostLink, 1_000_000, 100_000, 200_000)], netNsPath: null);
        Assert.True(Assert.Single(await _box.Kernel.FindPodTracesAsync()).IsShaped);
        Assert.Equal("Fake/1.0.0", Assert.Single(await new StateRecovery(
            Open(), new ActivePlugins([new PluginPart<IAddressProvider>("Fake/1.0.0", _provider)], [new PluginPart<IDatapath>("Fake/1.0.0", new FakeDatapath())], [], []),
            _box.Links, FindEniAsync, _ => Task.FromResult<IReadOnlyList<string>>([InPodMac]), TimeProvider.System, NullLogger.Instance)
            .RunAsync(await _box.Kernel.FindPodTracesAsync(), Cancelled)).Record.Datapath);
    }

    private StateStore Open() => StateStore.Open(_folder[$"{++_files}.db"], TimeProvider.System, NullLogger.Instance);

    private async Task<IReadOnlyList<(AttachmentRecord Record, AttachmentPhase Phase)>> RecoverAsync(Func<string, CancellationToken, Task<MetadataEni?>>? metadata = null)
    {
        var active = new ActivePlugins(
            [new PluginPart<IAddressProvider>("Fake/1.0.0", _provider)], [new PluginPart<IDatapath>("Fake/1.0.0", new FakeDatapath())], [], []);
        return await new StateRecovery(_store, active, _box.Links, metadata ?? FindEniAsync, _ => Task.FromResult<IReadOnlyList<string>>([InPodMac]), TimeProvider.System, NullLogger.Instance)
            .RunAsync(await _box.Kernel.FindPodTracesAsync(), Cancelled);
    }

    private Task<MetadataEni?> FindEniAsync(string mac, CancellationToken cancellationToken) => Task.FromResult(
        mac == _box.Node.GetLink(NodeBox.Eni)!.Mac.ToString() ? Eni(mac, "eni-7", "10.0.0.5", "10.0.0.7")
            : mac == InPodMac ? Eni(mac, "eni-9", "10.0.0.9") : null);

    private static MetadataEni? Eni(string mac, string id, params string[] addresses) =>
        new()
        {
            Mac = mac,
            NetworkInterfaceId = id,
            PrimaryIPAddress = IPAddress.Parse(addresses[0]),
            PrivateIpv4s = [.. addresses.Select(IPAddress.Parse)],
            Ipv6s = [],
            Gateway = IPAddress.Parse("10.0.0.253"),
            Ipv6Gateway = null,
            VSwitchId = "vsw-1",
            VSwitchCidrBlock = IPNetwork.Parse("10.0.0.0/24"),
            VSwitchIpv6CidrBlock = null,
        };
}
