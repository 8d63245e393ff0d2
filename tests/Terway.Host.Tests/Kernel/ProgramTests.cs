using Terway.Host.Kernel;
using Terway.Host.Tests.Fixtures;
using Terway.Linux.Bpf;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Tests.Kernel;

public sealed class ProgramsByFiltersTests() : ProgramTests(byTcx: false);

public sealed class ProgramsByTcxTests() : ProgramTests(byTcx: true)
{
    [Fact]
    public async Task Places_run_in_the_order_of_their_priorities()
    {
        var ids = new Dictionary<int, uint>();
        foreach (var priority in (int[])[25000, 7, 30000, 8])
        {
            ids.Add(priority, Box.Pins.PinAs($"p{priority}"));
            await Box.Kernel.ApplyAsync([At(priority)], null);
        }

        Assert.Equal([ids[7], ids[8], ids[25000], ids[30000]], Programs());
        await Box.Kernel.RemoveAsync([[At(8)]]);
        Assert.Equal([ids[7], ids[25000], ids[30000]], Programs());
        await Box.Kernel.RemoveAsync([[At(7), At(25000), At(30000)]]);
        Assert.Empty(Programs());
        Assert.False(Directory.Exists(Path.Combine(Box.Pins.Folder, "tcx")));
    }

    [Fact]
    public async Task The_pin_of_a_link_that_is_gone_is_swept_and_one_of_a_link_with_its_name_replaced()
    {
        await Box.Kernel.ApplyAsync([Program], null);
        NodeBox.Do(Box.Node, b => b.LinkDelete(NodeBox.Eni));
        Assert.Single(await Box.Kernel.FindMissingAsync([Program], null));
        Box.AddEni(NodeBox.Eni);
        Assert.Single(await Box.Kernel.FindMissingAsync([Program], null));
        await Box.Kernel.ApplyAsync([Program], null);
        Assert.Empty(await Box.Kernel.FindMissingAsync([Program], null));

        Assert.Equal(0, await Box.Kernel.RemoveUnplannedAsync(static () => []));
        NodeBox.Do(Box.Node, b => b.LinkDelete(NodeBox.Eni));
        Assert.Equal(1, await Box.Kernel.RemoveUnplannedAsync(static () => []));
        Assert.False(Directory.Exists(Path.Combine(Box.Pins.Folder, "tcx")));
    }

    [Fact]
    public async Task A_removal_after_the_link_takes_the_pin_along()
    {
        await Box.Kernel.ApplyAsync([Program], null);
        NodeBox.Do(Box.Node, b => b.LinkDelete(NodeBox.Eni));
        await Box.Kernel.RemoveAsync([[Program]]);
        Assert.False(Directory.Exists(Path.Combine(Box.Pins.Folder, "tcx")));
    }

    [Fact]
    public async Task A_link_with_a_dot_in_its_name_has_its_pins()
    {
        Box.AddEni("eth1.7");
        var program = Program with { LinkName = "eth1.7" };
        await Box.Kernel.ApplyAsync([program], null);
        Assert.Empty(await Box.Kernel.FindMissingAsync([program], null));
        Assert.True(Directory.Exists(Path.Combine(Box.Pins.Folder, "tcx", "eth1:7")));
        await Box.Kernel.RemoveAsync([[program]]);
        Assert.Empty(Box.Programs("eth1.7", ingress: true).Tcx);
    }

    private static KernelObject.TcProgram At(int priority) => Program with { Program = $"{Samples.Pins}/p{priority}", Priority = priority };
}

/// <summary>Programs of links, whichever way they are attached.</summary>
public abstract class ProgramTests(bool byTcx) : IDisposable
{
    private protected static readonly KernelObject.TcProgram Program = new(NodeBox.Eni, Ingress: true, $"{Samples.Pins}/count_tc", 25000);

    private protected NodeBox Box { get; } = new(byTcx);

    public void Dispose()
    {
        Box.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task It_is_attached_one_way_only()
    {
        await Box.Kernel.ApplyAsync([Program], null);
        Assert.Single(Programs());
        Assert.Empty(Others());
    }

    [Fact]
    public async Task An_exchanged_program_is_missing_until_the_link_has_it_too()
    {
        await Box.Kernel.ApplyAsync([Program], null);
        var before = Assert.Single(Programs());
        var id = Box.Pins.Exchange();
        Assert.NotEqual(id, before);
        Assert.Single(await Box.Kernel.FindMissingAsync([Program], null));
        await Box.Kernel.ApplyAsync([Program], null);
        Assert.Equal([id], Programs());
        Assert.Empty(await Box.Kernel.FindMissingAsync([Program], null));
    }

    [Fact]
    public async Task A_program_of_another_name_takes_the_place_over()
    {
        await Box.Kernel.ApplyAsync([Program], null);
        var id = Box.Pins.PinAs("other");
        await Box.Kernel.ApplyAsync([Program with { Program = $"{Samples.Pins}/other" }], null);
        Assert.Equal([id], Programs());
        Assert.Single(await Box.Kernel.FindMissingAsync([Program], null));
        await Box.Kernel.RemoveAsync([[Program]]);
        Assert.Equal([id], Programs());
    }

    [Fact]
    public async Task A_program_of_others_stays()
    {
        await Box.Kernel.ApplyAsync([Program, Program with { Ingress = false, Priority = 7 }], null);
        await Box.Kernel.RemoveAsync([[Program]]);
        Assert.Empty(Programs());
        Assert.Single(Programs(ingress: false));

        // The same place, but another's name.
        await Box.Kernel.RemoveAsync([[new KernelObject.TcProgram(NodeBox.Eni, Ingress: false, "other-v1/theirs", 7)]]);
        Assert.Single(Programs(ingress: false));
    }

    [Fact]
    public async Task What_an_earlier_life_attached_the_other_way_is_taken_over()
    {
        using var earlier = Box.Threads.Run(Box.NodeNs, () => new NodeKernel(Box.Threads, Box.Links, Box.Pins.Folder, !byTcx));
        Assert.SkipUnless(byTcx || TcxHook.IsThere(), "tcx is in Linux since 6.6");
        await earlier.ApplyAsync([Program], null);
        Assert.Single(Others());
        Assert.Single(await Box.Kernel.FindMissingAsync([Program], null));
        await Box.Kernel.ApplyAsync([Program], null);
        Assert.Single(Programs());
        Assert.Empty(Others());
        // To take it away costs packets.
        Assert.Contains(Box.Node.DumpQdiscs(Box.Index(NodeBox.Eni)), static q => q.Kind == "clsact");
        await Box.Kernel.RemoveAsync([[Program]]);
        Assert.Empty(Programs());
    }

    [Fact]
    public async Task A_removal_takes_off_what_an_earlier_life_attached_the_other_way()
    {
        using var earlier = Box.Threads.Run(Box.NodeNs, () => new NodeKernel(Box.Threads, Box.Links, Box.Pins.Folder, !byTcx));
        Assert.SkipUnless(byTcx || TcxHook.IsThere(), "tcx is in Linux since 6.6");
        await earlier.ApplyAsync([Program], null);
        await Box.Kernel.RemoveAsync([[Program]]);
        Assert.Empty(Others());
    }

    private protected IReadOnlyList<uint> Programs(bool ingress = true) => Of(ingress, byTcx);

    private IReadOnlyList<uint> Others() => Of(ingress: true, !byTcx);

    private IReadOnlyList<uint> Of(bool ingress, bool tcx)
    {
        var (byTcx, filters) = Box.Programs(NodeBox.Eni, ingress);
        return tcx ? byTcx : filters;
    }
}
