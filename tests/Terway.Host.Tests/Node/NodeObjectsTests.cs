using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Host.Kernel;
using Terway.Host.Node;
using Terway.Host.State;
using Terway.Host.Tests.Fixtures;
using Terway.Plugin;

namespace Terway.Host.Tests.Node;

public sealed class NodeObjectsTests : IAsyncLifetime
{
    private static readonly KernelObject s_a = new KernelObject.Rule(1000, null, IPNetwork.Parse("10.1.0.0/16"), 254);
    private static readonly KernelObject s_b = new KernelObject.Route("eth1", IPNetwork.Parse("0.0.0.0/0"), IPAddress.Parse("10.0.0.253"), 1005);
    private static readonly KernelObject s_forward = new KernelObject.Sysctl("net/ipv4/ip_forward", "1");

    private readonly TempFolder _folder = new();
    private readonly World _world = new();
    private readonly Steps _steps = new();
    private StateStore _store = null!;
    private FakeKernel _kernel = null!;
    private NodeObjects _objects = null!;

    public ValueTask InitializeAsync()
    {
        _kernel = new FakeKernel(_world, _steps);
        _kernel.Sysctls["net/ipv4/ip_forward"] = "0";
        Open();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Objects_are_journaled_before_they_are_made()
    {
        _steps.At = static (_, _) => throw new PodNetworkException("test", "refused", "nothing", canRetry: true);
        await Assert.ThrowsAsync<PodNetworkException>(() => _objects.EnsureAsync("P", "k", [s_a], TestContext.Current.CancellationToken));
        _steps.At = null;
        await ReopenAsync();
        Assert.Equal([s_a], Assert.Single(_objects.Plans));
    }

    [Fact]
    public async Task Objects_no_longer_asked_for_go_and_others_stay()
    {
        await _objects.EnsureAsync("P", "k", [s_a, s_b], TestContext.Current.CancellationToken);
        await _objects.EnsureAsync("P", "k", [s_b], TestContext.Current.CancellationToken);
        Assert.Equal([s_b.ToString()], _world.Objects);
        await ReopenAsync();
        Assert.Equal([s_b], Assert.Single(_objects.Plans));
        await _objects.RemoveAsync("P", "k", TestContext.Current.CancellationToken);
        await _objects.RemoveAsync("P", "k", TestContext.Current.CancellationToken);
        Assert.Empty(_world.Objects);
        await ReopenAsync();
        Assert.Empty(_objects.Plans);
    }

    [Fact]
    public async Task An_object_that_two_keys_ask_for_stays_until_the_last_goes()
    {
        await _objects.EnsureAsync("P", "k1", [s_a], TestContext.Current.CancellationToken);
        await _objects.EnsureAsync("Q", "k2", [s_a, s_b], TestContext.Current.CancellationToken);
        await _objects.RemoveAsync("P", "k1", TestContext.Current.CancellationToken);
        Assert.Contains(s_a.ToString(), _world.Objects);
        await _objects.EnsureAsync("P", "k1", [s_a], TestContext.Current.CancellationToken);
        await _objects.EnsureAsync("Q", "k2", [s_b], TestContext.Current.CancellationToken);
        Assert.Contains(s_a.ToString(), _world.Objects);
        await _objects.RemoveAsync("P", "k1", TestContext.Current.CancellationToken);
        Assert.Equal([s_b.ToString()], _world.Objects);
    }

    [Fact]
    public async Task Failed_removal_is_remembered_and_can_be_repeated()
    {
        await _objects.EnsureAsync("P", "k", [s_a], TestContext.Current.CancellationToken);
        _steps.At = static (_, _) => throw new PodNetworkException("test", "refused", "nothing", canRetry: true);
        await Assert.ThrowsAsync<PodNetworkException>(() => _objects.RemoveAsync("P", "k", TestContext.Current.CancellationToken));
        _steps.At = null;
        await _objects.RemoveAsync("P", "k", TestContext.Current.CancellationToken);
        Assert.Empty(_world.Objects);
    }

    [Fact]
    public async Task Sysctl_found_first_is_put_back_by_the_last_that_held_it_also_after_a_restart()
    {
        await _objects.EnsureAsync("P", "k1", [s_forward], TestContext.Current.CancellationToken);
        await _objects.EnsureAsync("Q", "k2", [s_forward], TestContext.Current.CancellationToken);
        Assert.Equal("1", _kernel.Sysctls["net/ipv4/ip_forward"]);
        await ReopenAsync();
        await _objects.EnsureAsync("P", "k1", [s_forward], TestContext.Current.CancellationToken);
        await _objects.RemoveAsync("P", "k1", TestContext.Current.CancellationToken);
        Assert.Equal("1", _kernel.Sysctls["net/ipv4/ip_forward"]);
        await _objects.EnsureAsync("Q", "k2", [], TestContext.Current.CancellationToken);
        Assert.Equal("0", _kernel.Sysctls["net/ipv4/ip_forward"]);
    }

    [Fact]
    public async Task Objects_of_a_pod_are_refused()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => _objects.EnsureAsync("P", "k", [s_a with { InPod = true }], TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<ArgumentException>(() => _objects.EnsureAsync("P", "k", [Samples.EveryKind()[0]], TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Records_of_a_plugin_are_its_own_and_found_by_prefix()
    {
        var p = new PluginRecords("P", _store);
        await p.WriteAsync([new("eni/1", [1]), new("eni/2", [2]), new("x", [3])], TestContext.Current.CancellationToken);
        await new PluginRecords("Q", _store).WriteAsync([new("eni/9", [9])], TestContext.Current.CancellationToken);
        await p.WriteAsync([new("eni/1", null), new("eni/2", [4])], TestContext.Current.CancellationToken);
        await ReopenAsync();
        var found = Assert.Single(new PluginRecords("P", _store).Load("eni/"));
        Assert.Equal(("eni/2", (byte)4), (found.Key, Assert.Single(found.Value)));
    }

    [Fact]
    public async Task Objects_that_pods_still_need_outlive_the_plugin_that_asked_for_them()
    {
        var route = new KernelObject.Route("eth1", IPNetwork.Parse("::/0"), IPAddress.Parse("2408::fffd"), 1005);
        var forward = new KernelObject.Sysctl("net/ipv6/conf/all/forwarding", "1");
        _kernel.Sysctls[forward.Path] = "0";
        var pods = true;
        bool Needed(KernelObject o) => pods && ObjectFamily.Of(o) == System.Net.Sockets.AddressFamily.InterNetworkV6;
        await _objects.EnsureAsync("P", "k", [s_b, route, forward], TestContext.Current.CancellationToken);

        // The next life's plugins know the family no more.
        await ReopenAsync();
        _objects.StillNeeded = Needed;
        await _objects.EnsureAsync("P", "k", [s_a], TestContext.Current.CancellationToken);
        Assert.True(_objects.HasOutlived);
        Assert.Equal(new KernelObject[] { s_a, route, forward }, Assert.Single(_objects.Plans));
        Assert.Equal([route.ToString(), s_a.ToString()], _world.Objects.Where(static o => !o.StartsWith("Sysctl", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal("1", _kernel.Sysctls[forward.Path]);
        await _objects.ReleaseOutlivedAsync(TestContext.Current.CancellationToken);
        Assert.True(_objects.HasOutlived);

        // So does the one after that, until the last pod is gone.
        await ReopenAsync();
        _objects.StillNeeded = Needed;
        await _objects.EnsureAsync("P", "k", [s_a], TestContext.Current.CancellationToken);
        Assert.True(_objects.HasOutlived);
        pods = false;
        await _objects.ReleaseOutlivedAsync(TestContext.Current.CancellationToken);
        Assert.False(_objects.HasOutlived);
        Assert.Equal([s_a], Assert.Single(_objects.Plans));
        Assert.Equal([s_a.ToString()], _world.Objects.Where(static o => !o.StartsWith("Sysctl", StringComparison.Ordinal)));
        Assert.Equal("0", _kernel.Sysctls[forward.Path]);
    }

    private async Task ReopenAsync()
    {
        await _store.DisposeAsync();
        Open();
    }

    private void Open()
    {
        _store = StateStore.Open(_folder["state.db"], TimeProvider.System, NullLogger.Instance);
        _objects = new NodeObjects(_store, _kernel);
    }
}
