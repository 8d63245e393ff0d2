using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Host.Cloud;
using Terway.Host.Node;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Host.Tests.Fixtures;
using Terway.Host.Tests.Kernel;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Tests.Node;

/// <summary>A start of the daemon on a real node namespace that changed while nobody looked.</summary>
public sealed class ReconcilerStartTests
{
    [Fact]
    public async Task Flushed_routes_and_rules_come_back_leaked_ones_go_and_unfinished_work_is_undone()
    {
        using var box = new NodeBox();
        using var folder = new TempFolder();
        var unfinished = Samples.Record("c2", "10.0.0.8");
        var unfinishedRule = new KernelObject.Rule(512, null, System.Net.IPNetwork.Parse("10.0.0.8/32"), 254);
        unfinished = unfinished with { Objects = [unfinishedRule] };
        var record = Samples.Record();
        record = record with
        {
            NetNsInode = box.PodNs.Inode,
            Attachment = record.Attachment with { Pod = record.Attachment.Pod with { NetNsPath = box.PodPath } },
        };
        var before = box.Snapshot();
        await box.Kernel.ApplyAsync(record.Objects, box.PodPath);
        await box.Kernel.ApplyAsync([unfinishedRule, new KernelObject.Rule(2048, System.Net.IPNetwork.Parse("10.0.0.99/32"), null, 1005)], null);
        NodeBox.Do(box.Node, b =>
        {
            foreach (var rule in box.Node.DumpRules(AddressFamily.InterNetwork).Where(static r => r.To?.ToString() == "10.0.0.7/32" || r.From?.ToString() == "10.0.0.7/32")) b.RuleDelete(rule);
            foreach (var route in box.Node.DumpRoutes(AddressFamily.InterNetwork, 1005)) b.RouteDelete(route);
        });
        Assert.Equal(3, (await box.Kernel.FindMissingAsync(record.Objects, box.PodPath)).Count);

        await using (var store = StateStore.Open(folder["state.db"], TimeProvider.System, NullLogger.Instance))
        {
            await store.WriteAsync(
                new StateWrite.PutAttachment(record, AttachmentPhase.Attached), new StateWrite.PutAttachment(unfinished, AttachmentPhase.Adding),
                new StateWrite.PutFact(StateRecovery.DoneFact, []));
        }

        await using var again = StateStore.Open(folder["state.db"], TimeProvider.System, NullLogger.Instance);
        var table = new AttachmentTable();
        await using var detacher = new PodDetacher(
            new ActivePlugins([], [], [], [new IPv4Family(null!, null!)]), table, again, box.Kernel, TimeProvider.System, NullLogger<PodDetacher>.Instance);
        await using var reconciler = new Reconciler(
            again, table, detacher, box.Kernel, new NodeObjects(again, box.Kernel), new ActivePlugins([], [], [], []), new NodeReadiness(), TimeProvider.System,
            NullLogger<Reconciler>.Instance);
        await reconciler.RunAtStartAsync(again.Initial.Attachments, TestContext.Current.CancellationToken);
        for (var i = 0; detacher.PendingCount > 0; i++)
        {
            Assert.True(i < 1000, "the unfinished attachment is not undone");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.Empty(await box.Kernel.FindMissingAsync(record.Objects, box.PodPath));
        Assert.Equal(record.Key, Assert.Single(table.All).Record.Key);
        await box.Kernel.RemoveAsync([record.Objects]);
        Assert.Equal(before, box.Snapshot());
    }

    [Fact]
    public async Task Without_the_old_state_file_nothing_that_pods_may_use_is_removed()
    {
        using var box = new NodeBox();
        using var folder = new TempFolder();
        await box.Kernel.ApplyAsync(Samples.EveryKind(), box.PodPath);
        var before = box.Snapshot();
        await File.WriteAllTextAsync(folder["state.db"], new string('x', 5000), TestContext.Current.CancellationToken);
        await using var store = StateStore.Open(folder["state.db"], TimeProvider.System, NullLogger.Instance);
        var table = new AttachmentTable();
        await using var detacher = new PodDetacher(new ActivePlugins([], [], [], []), table, store, box.Kernel, TimeProvider.System, NullLogger<PodDetacher>.Instance);
        await using var reconciler = new Reconciler(
            store, table, detacher, box.Kernel, new NodeObjects(store, box.Kernel), new ActivePlugins([], [], [], []), new NodeReadiness(), TimeProvider.System,
            NullLogger<Reconciler>.Instance);
        await reconciler.RunAtStartAsync(store.Initial.Attachments, TestContext.Current.CancellationToken);
        Assert.Equal(before, box.Snapshot());
    }
}
