using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Services;

namespace Terway.Plugins.DataPathV2.Tests.Services;

/// <summary>Whom clients met goes with the Service, and only then.</summary>
public sealed class GoneChoicesTests
{
    [Fact]
    public async Task What_clients_met_goes_with_the_service_that_led_there()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        var (stays, goes) = (Service("stays", "172.21.0.21"), Service("goes", "172.21.0.22"));
        box.Set(stays, goes);
        using var socket = box.Open(box.Pod, AddressFamily.InterNetwork, SocketType.Dgram);
        foreach (var service in (Service[])[stays, goes]) HookBox.AskBy(socket, service.ClusterAddresses[0].ToString(), 80);
        Assert.Equal(2, Choices(box).Count);

        await using var choices = new GoneChoices(new PinnedServiceMaps(box.Maps), TimeProvider.System, NullLogger.Instance);
        choices.Forget(box.Table.TakeGoneSets());
        box.Remove(goes.Name);
        var gone = Assert.Single(box.Table.TakeGoneSets());
        Assert.Empty(box.Table.TakeGoneSets());
        Assert.Contains(Choices(box), c => c.Set == gone);
        choices.Forget(new HashSet<uint> { gone });
        Assert.True(SpinWait.SpinUntil(() => Choices(box).Count == 1, TimeSpan.FromSeconds(20)), "it is still there");
        Assert.DoesNotContain(Choices(box), c => c.Set == gone);
    }

    [Fact]
    public async Task A_restart_forgets_what_clients_met_of_services_that_went_before_it()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        var (stays, goes) = (Service("stays", "172.21.0.21"), Service("goes", "172.21.0.22"));
        box.Set(stays, goes);
        using var socket = box.Open(box.Pod, AddressFamily.InterNetwork, SocketType.Dgram);
        var kept = HookBox.AskBy(socket, "172.21.0.21", 80);
        HookBox.AskBy(socket, "172.21.0.22", 80);
        box.Remove(goes.Name);
        Assert.Equal(2, Choices(box).Count);
        await box.LoadAsync();
        Assert.Single(Choices(box));
        // The one that stays is still met.
        box.Set(stays);
        Assert.Equal(kept, HookBox.AskBy(socket, "172.21.0.21", 80));
    }

    [Fact]
    public void A_table_opened_again_gives_no_number_twice()
    {
        var maps = new MemoryMaps();
        var node = new NodeView(HookBox.Node, HookBox.Zone, WithIpv6: false, []);
        var table = ServiceTable.Open(maps, node);
        table.Apply(new ServiceChanges { Changed = [Service("goes", "172.21.0.22")], Removed = [], Complete = true });
        var used = Assert.Single(maps.Frontends.Values).Set;
        table.Apply(new ServiceChanges { Changed = [], Removed = [Service("goes", "172.21.0.22").Name], Complete = true });
        table = ServiceTable.Open(maps, node, table.LastSet);
        table.Apply(new ServiceChanges { Changed = [Service("stays", "172.21.0.21")], Removed = [], Complete = true });
        Assert.NotEqual(used, Assert.Single(maps.Frontends.Values).Set);
    }

    // Of one port, and so of one set.
    private static Service Service(string name, string address)
    {
        var both = Some.Service(HookBox.Backends4.Select(static b => Some.Endpoint(b)), name, address);
        return both with { Ports = [.. both.Ports.Where(static p => p.Protocol == "UDP")] };
    }

    private static IReadOnlyList<SvcClient> Choices(HookBox box) => box.Maps[ServicePins.Choices].Keys<SvcClient>();
}
