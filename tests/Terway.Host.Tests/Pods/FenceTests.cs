using Terway.Host.Pods;

namespace Terway.Host.Tests.Pods;

public sealed class FenceTests
{
    [Fact]
    public async Task One_at_a_time_per_key_and_no_waiting_between_keys()
    {
        var fence = new Fence<string>();
        var a = await fence.EnterAsync("a", overtake: false, TestContext.Current.CancellationToken);
        using var b = await fence.EnterAsync("b", overtake: false, TestContext.Current.CancellationToken);
        var second = fence.EnterAsync("a", overtake: false, TestContext.Current.CancellationToken);
        Assert.False(second.IsCompleted);
        a.Dispose();
        (await second).Dispose();
    }

    [Fact]
    public async Task Overtaking_fires_for_the_holder_and_for_those_in_line_but_not_for_later_ones()
    {
        var fence = new Fence<string>();
        var holder = await fence.EnterAsync("a", overtake: false, TestContext.Current.CancellationToken);
        var inLine = fence.EnterAsync("a", overtake: false, TestContext.Current.CancellationToken);
        var overtaking = fence.EnterAsync("a", overtake: true, TestContext.Current.CancellationToken);
        var later = fence.EnterAsync("a", overtake: false, TestContext.Current.CancellationToken);
        Assert.True(holder.Overtaken.IsCancellationRequested);
        holder.Dispose();
        var next = await inLine;
        Assert.True(next.Overtaken.IsCancellationRequested);
        next.Dispose();
        var winner = await overtaking;
        Assert.False(winner.Overtaken.IsCancellationRequested);
        winner.Dispose();
        using var last = await later;
        Assert.False(last.Overtaken.IsCancellationRequested);
    }

    [Fact]
    public async Task A_caller_that_gives_up_leaves_the_line()
    {
        var fence = new Fence<string>();
        var holder = await fence.EnterAsync("a", overtake: false, TestContext.Current.CancellationToken);
        using var impatient = new CancellationTokenSource();
        var waiting = fence.EnterAsync("a", overtake: true, impatient.Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        holder.Dispose();
        using var next = await fence.EnterAsync("a", overtake: false, TestContext.Current.CancellationToken);
        Assert.False(next.Overtaken.IsCancellationRequested);
    }

    [Fact]
    public async Task A_callback_that_throws_does_not_reach_the_one_that_overtakes()
    {
        var fence = new Fence<string>();
        var holder = await fence.EnterAsync("a", overtake: false, TestContext.Current.CancellationToken);
        holder.Overtaken.Register(static () => throw new InvalidOperationException("a plugin's callback"));
        var overtaking = fence.EnterAsync("a", overtake: true, TestContext.Current.CancellationToken);
        holder.Dispose();
        (await overtaking).Dispose();
    }
}
