using Terway.Cni.Wire;
using Terway.Host.Cni;
using Terway.Host.State;
using Terway.Host.Tests.Fixtures;
using Terway.Linux.Namespaces;
using Terway.Plugin;

namespace Terway.Host.Tests.Pods;

public sealed class PodLifeTests
{
    [Fact]
    public async Task Add_gives_an_address_and_journals_it_before_the_kernel_is_touched()
    {
        await using var host = await PodHost.StartAsync();
        var onDisk = new List<(string, AttachmentPhase)>();
        host.Steps.At = (step, _) =>
        {
            if (step == "apply") onDisk.AddRange(host.RowsOnDisk());
            return Task.CompletedTask;
        };
        var record = await host.AddAsync();
        Assert.Equal([("c1", AttachmentPhase.Adding)], onDisk);
        Assert.Equal([("c1", AttachmentPhase.Attached)], host.RowsOnDisk());
        Assert.Equal("10.0.0.1", record.Attachment.Allocation.Addresses[0].Address.ToString());
        Assert.Equal("Fake/1.0.0", record.Provider);
        Assert.Equal(["allocate", "allocated", "apply", "applied 0", "applied 1", "applied 2", "applied 3", "applied 4", "stage 1 attach", "stage 2 attach"], host.Steps.Passed);
        await host.AssertConsistentAsync("c1");
    }

    [Fact]
    public async Task Add_twice_gives_the_same_network_without_work()
    {
        await using var host = await PodHost.StartAsync();
        var first = await host.AddAsync();
        var steps = host.Steps.Passed.Count;
        Assert.Same(first, await host.AddAsync());
        Assert.Equal(steps, host.Steps.Passed.Count);
        await host.AssertConsistentAsync("c1");
    }

    [Fact]
    public async Task Add_of_a_network_that_somebody_broke_makes_a_new_one()
    {
        await using var host = await PodHost.StartAsync();
        var first = await host.AddAsync();
        Assert.True(host.World.Break(static o => o is KernelObject.Rule));
        var second = await host.AddAsync();
        Assert.NotSame(first, second);
        await host.AssertConsistentAsync("c1");
    }

    [Fact]
    public async Task Add_with_another_namespace_at_the_same_path_makes_a_new_network()
    {
        await using var host = await PodHost.StartAsync();
        var name = $"twt-{Guid.NewGuid().ToString("n")[..8]}";
        using var ns = NamedNetNs.Create(name);
        try
        {
            var first = await host.AddAsync();
            host.DropNetNs("c1");
            File.CreateSymbolicLink(first.Attachment.Pod.NetNsPath, NamedNetNs.PathOf(name));
            var second = await host.AddAsync();
            Assert.Equal(ns.Inode, second.NetNsInode);
            Assert.NotEqual(first.NetNsInode, second.NetNsInode);
            await host.AssertConsistentAsync("c1");
        }
        finally
        {
            NamedNetNs.Delete(name);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("/nowhere/at/all")]
    [InlineData("/etc/hostname")]
    public async Task Add_without_a_namespace_is_refused_before_an_address_is_taken(string path)
    {
        await using var host = await PodHost.StartAsync();
        var e = await Assert.ThrowsAsync<CniException>(() => host.AddAsync(netNs: path));
        Assert.Equal(CniErrorCode.InvalidEnvironmentVariables, e.Code);
        Assert.Empty(host.Steps.Passed);
        await host.AssertConsistentAsync();
    }

    [Fact]
    public async Task Del_is_answered_from_the_journal_and_the_address_comes_back_only_after_kernel_and_journal()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync();
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Steps.At = (step, _) => step == "remove" ? hold.Task : Task.CompletedTask;
        List<(string, AttachmentPhase)>? atRelease = null;
        host.Provider.Released = _ => atRelease = host.RowsOnDisk();
        await host.DelAsync();
        Assert.Equal([("c1", AttachmentPhase.Detaching)], host.RowsOnDisk());
        Assert.Equal(["10.0.0.1"], host.Provider.Held);
        hold.SetResult();
        await host.AssertConsistentAsync();
        Assert.NotNull(atRelease);
        Assert.Empty(atRelease);
    }

    [Fact]
    public async Task Del_of_a_pod_with_a_NIC_is_answered_when_the_NIC_is_back()
    {
        await using var host = await PodHost.StartAsync();
        host.Datapath.MovesNic = true;
        var nic = Assert.Single((await host.AddAsync()).Nics);
        var (at, go) = Hold(host, "return");
        var del = host.DelAsync();
        await at;
        // The runtime deletes the namespace, and whatever is in it, when it has the answer.
        Assert.NotSame(del, await Task.WhenAny(del, Task.Delay(300, TestContext.Current.CancellationToken)));
        Assert.True(host.World.Has(nic, null));
        go.SetResult();
        await del;
        Assert.False(host.World.Has(nic, null));
        await host.AssertConsistentAsync();
    }

    [Fact]
    public async Task Del_of_a_pod_whose_NIC_does_not_come_back_is_answered_after_a_while_and_the_address_stays_taken()
    {
        await using var host = await PodHost.StartAsync();
        host.Datapath.MovesNic = true;
        var record = await host.AddAsync();
        var (at, go) = Hold(host, "return");
        var del = host.DelAsync();
        await at;
        for (var i = 0; !del.IsCompleted; i++)
        {
            Assert.True(i < 2000, "no answer");
            host.Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        await del;
        Assert.Equal([record.Attachment.Allocation.Addresses[0].Address.ToString()], host.Provider.Held);
        go.SetResult();
        await host.AssertConsistentAsync();
    }

    [Fact]
    public async Task Del_twice_without_add_and_during_removal_succeeds()
    {
        await using var host = await PodHost.StartAsync();
        await host.DelAsync();
        await host.DelAsync();
        await host.AddAsync("c2", "other");
        await host.DelAsync("c2");
        await host.DelAsync("c2");
        await host.IdleAsync();
        await host.DelAsync("c2");
        await host.AssertConsistentAsync();
    }

    [Fact]
    public async Task Stages_attach_in_order_and_detach_in_reverse()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync();
        await host.DelAsync();
        await host.IdleAsync();
        Assert.Equal(
            ["stage 1 attach", "stage 2 attach", "stage 2 detach", "stage 1 detach"],
            host.Steps.Passed.Where(static s => s.StartsWith("stage", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("allocate")]
    [InlineData("allocated")]
    [InlineData("apply")]
    [InlineData("applied 2")]
    [InlineData("stage 1 attach")]
    [InlineData("stage 2 attach")]
    public async Task Del_that_overtakes_its_add_wins(string step)
    {
        await using var host = await PodHost.StartAsync();
        var (at, go) = Hold(host, step);
        var add = host.AddAsync();
        await at;
        var del = host.DelAsync();
        go.SetResult();
        await del;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => add);
        await host.AssertConsistentAsync();
        await AssertLateAddRefusedAsync(host);
    }

    [Fact]
    public async Task Del_cancels_an_add_that_waits_for_an_address()
    {
        await using var host = await PodHost.StartAsync();
        var waiting = new TaskCompletionSource();
        host.Steps.At = (step, token) =>
        {
            if (step != "allocate") return Task.CompletedTask;
            waiting.SetResult();
            return Task.Delay(Timeout.Infinite, token);
        };
        var add = host.AddAsync();
        await waiting.Task;
        await host.DelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => add);
        await host.AssertConsistentAsync();
    }

    [Fact]
    public async Task Del_also_ends_the_adds_in_line_before_it()
    {
        await using var host = await PodHost.StartAsync();
        var (at, go) = Hold(host, "apply");
        var first = host.AddAsync();
        await at;
        var second = host.AddAsync();
        var del = host.DelAsync();
        go.SetResult();
        await del;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Equal(1, host.Steps.Passed.Count(static s => s == "allocate"));
        await host.AssertConsistentAsync();
    }

    [Fact]
    public async Task Add_that_was_started_before_its_del_is_refused_also_after_a_restart_and_one_started_after_it_is_served()
    {
        await using var host = await PodHost.StartAsync();
        await host.DelAsync();
        await AssertLateAddRefusedAsync(host);
        host.Kill();
        await host.StartAgainAsync();
        await AssertLateAddRefusedAsync(host);
        host.Time.Advance(TimeSpan.FromSeconds(1));
        await host.AddAsync();
        await host.AssertConsistentAsync("c1");
    }

    [Fact]
    public async Task Second_add_of_a_sandbox_that_was_attached_and_deleted_is_refused_when_it_is_late()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync();
        await host.DelAsync();
        await host.IdleAsync();
        await AssertLateAddRefusedAsync(host);
        await host.AssertConsistentAsync();
    }

    [Fact]
    public async Task New_sandbox_of_the_same_pod_takes_over()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync("c1");
        await host.AddAsync("c2");
        await host.AssertConsistentAsync("c2");
        await host.DelAsync("c1");
        await host.AssertConsistentAsync("c2");
    }

    [Theory]
    [InlineData("allocated")]
    [InlineData("apply")]
    [InlineData("applied 0")]
    [InlineData("stage 2 attach")]
    public async Task New_sandbox_of_a_pod_whose_add_is_under_way_ends_it(string step)
    {
        await using var host = await PodHost.StartAsync();
        var (at, go) = Hold(host, step);
        var first = host.AddAsync("c1");
        await at;
        var second = host.AddAsync("c2");
        await Task.Delay(30, TestContext.Current.CancellationToken);
        go.SetResult();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await second;
        await host.AssertConsistentAsync("c2");
    }

    [Fact]
    public async Task Del_of_the_old_sandbox_while_the_new_one_takes_over_does_not_touch_the_new_one()
    {
        for (var round = 0; round < 30; round++)
        {
            await using var host = await PodHost.StartAsync();
            await host.AddAsync("c1");
            host.Steps.At = static async (_, _) => await Task.Yield();
            var del = Task.Run(() => host.DelAsync("c1"), TestContext.Current.CancellationToken);
            var add = Task.Run(() => host.AddAsync("c2"), TestContext.Current.CancellationToken);
            var gc = Task.Run(() => host.Network.CollectGarbageAsync([new("c2", "eth0")], host.Time.GetUtcNow(), TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
            await Task.WhenAll(del, add, gc);
            await host.AssertConsistentAsync("c2");
        }
    }

    [Fact]
    public async Task Gc_takes_what_the_runtime_does_not_know_and_keeps_what_it_knows_and_what_is_newer_than_its_list()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync("c1", "a");
        await host.AddAsync("c2", "b");
        host.Time.Advance(TimeSpan.FromSeconds(1));
        var list = host.Time.GetUtcNow();
        host.Time.Advance(TimeSpan.FromSeconds(1));
        await host.AddAsync("c3", "c");
        var (at, go) = Hold(host, "apply");
        var underWay = host.AddAsync("c4", "d");
        await at;
        await host.Network.CollectGarbageAsync([new("c1", "eth0"), new("c2", "eth1")], list, TestContext.Current.CancellationToken);
        go.SetResult();
        await underWay;
        await host.AssertConsistentAsync("c1", "c3", "c4");
    }

    [Fact]
    public async Task Check_names_what_is_missing_and_refuses_the_unknown()
    {
        await using var host = await PodHost.StartAsync();
        var request = Samples.Request(CniVerb.Check, "c1", host.NetNs("c1"));
        Assert.Equal(CniErrorCode.UnknownContainer, (await Assert.ThrowsAsync<CniException>(() => host.Network.CheckAsync(request, TestContext.Current.CancellationToken))).Code);
        await host.AddAsync();
        await host.Network.CheckAsync(request, TestContext.Current.CancellationToken);
        host.World.Break(static o => o is KernelObject.Rule { Priority: 512 });
        var e = await Assert.ThrowsAsync<CniException>(() => host.Network.CheckAsync(request, TestContext.Current.CancellationToken));
        Assert.Contains("Priority = 512", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Priority = 2048", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_attachment_that_cannot_be_taken_away_does_not_hold_up_the_others()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync("c1", "a");
        var stuck = host.NetNs("c1");
        await host.AddAsync("c2", "b");
        host.Steps.At = (step, _) => step == "stage 1 detach" && host.Table.Find(new("c2", "eth0")) is { Phase: AttachmentPhase.Attached }
            ? throw new InvalidOperationException("refused by the test") : Task.CompletedTask;
        await host.DelAsync("c1");
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.Equal(1, host.Detacher.PendingCount);
        await host.DelAsync("c2");
        await host.AssertConsistentAsync();
    }

    internal static (Task At, TaskCompletionSource Go) Hold(PodHost host, string step)
    {
        var at = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Steps.At = (passed, _) => passed == step && at.TrySetResult() ? go.Task : Task.CompletedTask;
        return (at.Task, go);
    }

    private static async Task AssertLateAddRefusedAsync(PodHost host)
    {
        var e = await Assert.ThrowsAsync<CniException>(() => host.AddAsync(age: TimeSpan.FromSeconds(1)));
        Assert.Equal(CniErrorCode.UnknownContainer, e.Code);
    }
}
