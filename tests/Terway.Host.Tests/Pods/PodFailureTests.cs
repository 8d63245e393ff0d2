using Terway.Host.State;
using Terway.Host.Tests.Fixtures;
using Terway.Plugin;

namespace Terway.Host.Tests.Pods;

/// <summary>An ADD that fails, is cancelled or loses the daemon at any of its steps.</summary>
public sealed class PodFailureTests
{
    public static TheoryData<string> AddSteps =>
    [
        "allocate", "allocated", "apply", "applied 0", "applied 1", "applied 2", "applied 3", "applied 4", "stage 1 attach", "stage 2 attach",
    ];

    public static TheoryData<string> DelSteps => ["stage 2 detach", "stage 1 detach", "remove", "removed one", "removed"];

    [Theory]
    [MemberData(nameof(AddSteps))]
    public async Task Add_that_fails_at_a_step_leaves_nothing(string step)
    {
        await using var host = await PodHost.StartAsync();
        host.Steps.At = (passed, _) => passed == step ? throw new PodNetworkException("test", "refused", "nothing", canRetry: true) : Task.CompletedTask;
        await Assert.ThrowsAsync<PodNetworkException>(() => host.AddAsync());
        await host.AssertConsistentAsync();
        Assert.Empty(host.RowsOnDisk());
        host.Steps.At = null;
        await host.AddAsync();
        await host.AssertConsistentAsync("c1");
    }

    [Theory]
    [MemberData(nameof(AddSteps))]
    public async Task Add_that_is_cancelled_at_a_step_leaves_nothing(string step)
    {
        await using var host = await PodHost.StartAsync();
        using var caller = new CancellationTokenSource();
        host.Steps.At = (passed, _) => passed == step ? caller.CancelAsync() : Task.CompletedTask;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.AddAsync(caller: caller));
        await host.AssertConsistentAsync();
        Assert.Empty(host.RowsOnDisk());
    }

    [Fact]
    public async Task Add_without_a_plan_gives_the_address_back()
    {
        await using var host = await PodHost.StartAsync();
        host.Datapath.Failure = new InvalidOperationException("no plan");
        await Assert.ThrowsAsync<InvalidOperationException>(() => host.AddAsync());
        await host.AssertConsistentAsync();
    }

    [Fact]
    public async Task Add_without_the_links_of_its_ENI_says_so_and_gives_the_address_back()
    {
        await using var host = await PodHost.StartAsync();
        host.Kernel.HasEniLink = false;
        var e = await Assert.ThrowsAsync<PodNetworkException>(() => host.AddAsync());
        Assert.Contains(Samples.EniLink.Mac, e.Message, StringComparison.Ordinal);
        Assert.True(e.CanRetry);
        await host.AssertConsistentAsync();
    }

    [Theory]
    [InlineData("CREATE TRIGGER t BEFORE INSERT ON attachment BEGIN SELECT RAISE(ABORT, 'refused by the test'); END")]
    [InlineData("CREATE TRIGGER t BEFORE UPDATE ON attachment WHEN NEW.phase = 2 BEGIN SELECT RAISE(ABORT, 'refused by the test'); END")]
    public async Task Add_that_cannot_be_journaled_leaves_nothing(string trigger)
    {
        await using var host = await PodHost.StartAsync();
        await host.RestartAsync(trigger);
        await Assert.ThrowsAsync<StateException>(() => host.AddAsync());
        await host.AssertConsistentAsync();
        Assert.Empty(host.RowsOnDisk());
    }

    [Fact]
    public async Task Del_that_cannot_be_journaled_fails_and_leaves_the_pod_its_network()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync();
        await host.RestartAsync("CREATE TRIGGER t BEFORE UPDATE ON attachment BEGIN SELECT RAISE(ABORT, 'refused by the test'); END");
        await Assert.ThrowsAsync<StateException>(() => host.DelAsync());
        await host.AssertConsistentAsync("c1");
        await host.RestartAsync("DROP TRIGGER t");
        await host.DelAsync();
        await host.AssertConsistentAsync();
    }

    [Theory]
    [MemberData(nameof(DelSteps))]
    public async Task Removal_that_fails_at_a_step_is_tried_again_until_it_is_done(string step)
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync("c1", "a");
        await host.AddAsync("c2", "b");
        var failures = 5;
        host.Steps.At = (passed, _) => passed == step && Interlocked.Decrement(ref failures) >= 0
            ? throw new PodNetworkException("test", "refused", "nothing", canRetry: true) : Task.CompletedTask;
        await host.DelAsync("c1");
        await host.DelAsync("c2");
        await host.AssertConsistentAsync();
        Assert.True(failures < 0);
        Assert.Empty(host.RowsOnDisk());
    }

    [Theory]
    [MemberData(nameof(AddSteps))]
    public async Task Kill_in_the_middle_of_an_add_leaves_nothing_after_the_next_start(string step)
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync("c2", "other");
        var (at, _) = PodLifeTests.Hold(host, step);
        _ = host.AddAsync();
        await at;
        host.Kill();
        await host.StartAgainAsync();
        await host.AssertConsistentAsync("c2");
        await host.AddAsync();
        await host.AssertConsistentAsync("c1", "c2");
    }

    [Theory]
    [MemberData(nameof(DelSteps))]
    public async Task Kill_in_the_middle_of_a_del_is_finished_at_the_next_start(string step)
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync("c1", "a");
        await host.AddAsync("c2", "b");
        var (at, _) = PodLifeTests.Hold(host, step);
        await host.DelAsync("c1");
        await at;
        host.Kill();
        await host.StartAgainAsync();
        await host.AssertConsistentAsync("c2");
    }

    [Fact]
    public async Task Kill_after_an_answered_add_keeps_the_pod_and_repairs_what_was_removed_meanwhile()
    {
        await using var host = await PodHost.StartAsync();
        var before = await host.AddAsync();
        host.Kill();
        Assert.True(host.World.Break(static o => o is KernelObject.Rule { Priority: 2048 }));
        Assert.True(host.World.Break(static o => o is KernelObject.Route));
        await host.StartAgainAsync();
        await host.AssertConsistentAsync("c1");
        Assert.Equal(before.Attachment.Allocation.Addresses, (await host.AddAsync()).Attachment.Allocation.Addresses);
    }

    [Fact]
    public async Task A_pod_whose_namespace_is_gone_is_not_repaired_and_its_del_succeeds()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync();
        host.Kill();
        host.World.Break(static o => o is KernelObject.Veth);
        host.DropNetNs("c1");
        await host.StartAgainAsync();
        Assert.DoesNotContain("apply", host.Steps.Passed);
        await host.DelAsync();
        await host.AssertConsistentAsync();
    }

    [Fact]
    public async Task Rules_that_no_plan_has_are_removed_at_start()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync();
        host.World.Make(host.Steps, new KernelObject.Rule(512, null, System.Net.IPNetwork.Parse("10.0.0.99/32"), 254), null);
        host.Kill();
        await host.StartAgainAsync();
        await host.AssertConsistentAsync("c1");
    }
}
