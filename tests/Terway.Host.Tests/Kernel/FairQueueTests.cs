using Terway.Host.Kernel;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Tests.Kernel;

/// <summary>Fair queues of plans: made, missed, made again, taken away, and never in the place of somebody's own.</summary>
public sealed class FairQueueTests : IDisposable
{
    private const string Lack = "the kernel has no fair queue (sch_fq, CONFIG_NET_SCH_FQ)";

    private static readonly KernelObject.FairQueue s_queue = new(NodeBox.Eni);

    private readonly NodeBox _box = new();

    public void Dispose() => _box.Dispose();

    [Fact]
    public async Task A_root_that_somebody_put_there_is_named_and_stays()
    {
        Put("pfifo", TcHandle.Of(5, 0));
        var e = await Assert.ThrowsAsync<PodNetworkException>(() => _box.Kernel.ApplyAsync([s_queue], null));
        Assert.Contains("link eth1 has the queueing discipline pfifo 5:", e.Message, StringComparison.Ordinal);
        Assert.Equal(["fair queue dev eth1"], await _box.Kernel.FindMissingAsync([s_queue], null));
        await _box.Kernel.RemoveAsync([[s_queue]]);
        Assert.Equal(["pfifo 50000"], Roots());
    }

    [Fact]
    public async Task A_kernel_without_fair_queues_is_named_with_the_way_out()
    {
        Assert.SkipWhen(FairQueue.IsInKernel(), "the kernel has a fair queue (sch_fq): what is said of one without it cannot be seen");
        var e = await Assert.ThrowsAsync<PodNetworkException>(() => _box.Kernel.ApplyAsync([s_queue], null));
        Assert.Contains("sch_fq", e.Message, StringComparison.Ordinal);
        Assert.Contains("bandwidth_mode", e.Message, StringComparison.Ordinal);
        Assert.Equal(["fair queue dev eth1"], await _box.Kernel.FindMissingAsync([s_queue], null));
        await _box.Kernel.RemoveAsync([[s_queue]]);
    }

    [Fact]
    public async Task It_is_made_once_missed_made_again_and_taken_away()
    {
        Assert.SkipUnless(FairQueue.IsInKernel(), Lack);
        for (var i = 0; i < 2; i++) await _box.Kernel.ApplyAsync([s_queue], null);
        Assert.Equal([$"fq {FairQueue.Handle:x}"], Roots());
        Assert.Empty(await _box.Kernel.FindMissingAsync([s_queue], null));
        NodeBox.Do(_box.Node, b => b.QdiscDelete(new QdiscSpec { LinkIndex = _box.Index(NodeBox.Eni), Kind = "fq" }));
        Assert.Equal(["fair queue dev eth1"], await _box.Kernel.FindMissingAsync([s_queue], null));
        await _box.Kernel.ApplyAsync([s_queue], null);
        Assert.Empty(await _box.Kernel.FindMissingAsync([s_queue], null));
        for (var i = 0; i < 2; i++) await _box.Kernel.RemoveAsync([[s_queue]]);
        Assert.Empty(Roots());
    }

    [Fact]
    public async Task Token_bucket_and_fair_queue_of_plans_take_each_others_place()
    {
        Assert.SkipUnless(FairQueue.IsInKernel(), Lack);
        var bucket = new KernelObject.TokenBucket(NodeBox.Eni, 1_250_000, 125_000, 312_500);
        Assert.Equal(ObjectSlot.Of(bucket), ObjectSlot.Of(s_queue));
        await _box.Kernel.ApplyAsync([bucket], null);
        await _box.Kernel.ApplyAsync([s_queue], null);
        Assert.Equal([$"fq {FairQueue.Handle:x}"], Roots());
        await _box.Kernel.ApplyAsync([bucket], null);
        Assert.Equal([$"tbf {TcHandle.Of(1, 0):x}"], Roots());
    }

    [Fact]
    public async Task One_of_somebody_else_serves_and_stays()
    {
        Assert.SkipUnless(FairQueue.IsInKernel(), Lack);
        Put("fq", TcHandle.Of(9, 0));
        await _box.Kernel.ApplyAsync([s_queue], null);
        Assert.Empty(await _box.Kernel.FindMissingAsync([s_queue], null));
        await _box.Kernel.RemoveAsync([[s_queue]]);
        Assert.Equal(["fq 90000"], Roots());
    }

    private void Put(string kind, uint handle) =>
        NodeBox.Do(_box.Node, b => b.QdiscAdd(new QdiscSpec { LinkIndex = _box.Index(NodeBox.Eni), Kind = kind, Handle = handle }));

    // After a root was deleted the kernel lists noqueue, which it does not list before.
    private List<string> Roots() =>
        [.. _box.Node.DumpQdiscs(_box.Index(NodeBox.Eni)).Where(static q => q.Parent == TcHandle.Root && q.Kind != "noqueue").Select(static q => $"{q.Kind} {q.Handle:x}")];
}
