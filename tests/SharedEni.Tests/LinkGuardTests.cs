using Terway.Lab.Cloud;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>ENIs whose link goes away under running pods.</summary>
public sealed class LinkGuardTests
{
    private const string Settings = """{"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "min_pool_size": 2, "max_pool_size": 4}""";

    [Fact]
    public async Task Eni_detached_under_a_pod_is_attached_again_and_the_pod_s_table_leads_out_by_the_new_link()
    {
        await using var node = await TestNode.CreateAsync(Settings, attach: TimeSpan.FromSeconds(1));
        await node.StartAsync();
        var pod = await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();
        var before = TablesOf(node, pod.EniId);

        var link = node.Fabric.Links.Single(l => l.Mac == pod.EniMac).Index;

        node.Region.DetachEni(pod.EniId, node.Facts.InstanceId);
        await node.UntilAsync(() => node.Fabric.Links.All(l => l.Index != link), "the link is gone");
        var given = await node.RunAsync(node.AllocateAsync());

        // Nobody got an address of an ENI without a link: either another one, or this one when it was back.
        Assert.Contains(node.Fabric.Links, l => l.Mac == given.EniMac);
        await node.UntilAsync(() => node.Secondaries.Single(e => e.Id == pod.EniId).Status == EniStatus.InUse, "the ENI is back");
        await node.SettleAsync();
        var after = TablesOf(node, pod.EniId);
        Assert.Equal(2, after.Count);
        Assert.Equal(before, after.Take(1));
        Assert.Equal(1000 + node.Fabric.Links.Single(l => l.Mac == pod.EniMac).Index, after[1]);

        // A restart of the daemon, not of the machine: the pod's rules are as they were.
        await node.RestartAsync([pod, given]);
        await node.SettleAsync();
        Assert.Equal(after, TablesOf(node, pod.EniId));

        // Without pods of the old time its table goes.
        node.Plugin.Release(pod, used: true);
        node.Plugin.Release(given, used: true);
        node.Region.DetachEni(pod.EniId, node.Facts.InstanceId);
        await node.PassAsync(TimeSpan.FromMinutes(1));
        await node.UntilAsync(() => node.Disk.NodeObjects.ContainsKey("eni/" + pod.EniId) && TablesOf(node, pod.EniId).Count == 1, "one table");
    }

    [Fact]
    public async Task Eni_that_another_instance_took_gives_no_more_addresses_and_says_so()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await node.StartAsync();
        var pod = await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();
        var other = await node.Region.RunInstanceAsync(
            new InstanceRequest { Name = "node2", InstanceType = "ecs.g7.xlarge", VSwitchId = "vsw-nodes", SecurityGroupIds = ["sg-1"] });

        node.Region.DetachEni(pod.EniId, node.Facts.InstanceId);
        await Task.Delay(50);
        if (node.Region.Enis.Single(e => e.Id == pod.EniId).Status == EniStatus.Available)
        {
            node.Region.AttachEni(pod.EniId, other.Id);
        }

        var given = await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();

        Assert.NotEqual(pod.EniId, given.EniId);
        Assert.Contains("no longer attached", node.Host.Findings["eni/" + pod.EniId].Reason, StringComparison.Ordinal);
    }

    private static List<int> TablesOf(TestNode node, string eni) =>
        [.. node.Disk.NodeObjects["eni/" + eni].OfType<KernelObject.Route>().Select(static r => r.Table)];
}
