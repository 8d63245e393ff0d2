using System.Collections.Immutable;
using System.Net;
using Terway.Lab.Cloud;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>ENIs that are none of the pool's business, or not any more.</summary>
public sealed class HoldTests
{
    private const string Settings = """
        {"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "max_pool_size": 5, "ip_cooldown": 30, "ip_pool_sync_period": "30s"}
        """;

    // The next inventory is at most this far away.
    private static readonly TimeSpan s_inventory = TimeSpan.FromMinutes(37);

    [Fact]
    public async Task Eni_excluded_under_its_pods_drains_and_is_let_go_untouched()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await node.StartAsync();
        var pods = await AllocateAsync(node, 5);
        await node.PassAsync(TimeSpan.FromMinutes(2));
        var eni = Assert.Single(node.Secondaries);
        Tag(node, eni, "terway.alibabacloud.com/excluded", "true");

        await node.PassAsync(s_inventory);
        var more = await AllocateAsync(node, 12);

        Assert.DoesNotContain(more, p => p.EniId == eni.Id);
        Assert.Equal(eni.PrivateIps, node.Secondaries.Single(e => e.Id == eni.Id).PrivateIps);
        Assert.Equal(30, node.Capacity.Total);
        Assert.Equal(17, node.Capacity.InUse);
        Assert.Contains($"{eni.Id} carries a tag that excludes it: 5 pod addresses", node.Host.Findings["excluded"].Reason, StringComparison.Ordinal);

        // Nor after a restart, before the cloud is asked.
        foreach (var pod in more)
        {
            node.Plugin.Release(pod, used: true);
        }

        await node.SettleAsync();
        await node.RestartAsync(pods, more.ToDictionary(p => p.Addresses[0].Address, _ => node.Time.GetUtcNow()));
        Assert.DoesNotContain(await AllocateAsync(node, 3), p => p.EniId == eni.Id);

        // The last pod goes: forgotten here, and still there for whoever wants it.
        foreach (var pod in pods)
        {
            node.Plugin.Release(pod, used: true);
        }

        await node.PassAsync(TimeSpan.FromMinutes(10));
        var left = node.Secondaries.Single(e => e.Id == eni.Id);
        Assert.Equal(EniStatus.InUse, left.Status);
        Assert.Equal(eni.PrivateIps, left.PrivateIps);
        Assert.DoesNotContain($"eni/{eni.Id}", node.Disk.Records.Keys);
        Assert.DoesNotContain($"eni/{eni.Id}", node.Disk.NodeObjects.Keys);
        Assert.DoesNotContain("excluded", node.Host.Findings.Keys);
        Assert.Equal(30, node.Capacity.Total);
    }

    [Fact]
    public async Task Eni_no_longer_excluded_serves_again()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await node.StartAsync();
        var pod = await node.RunAsync(node.AllocateAsync());
        var eni = Assert.Single(node.Secondaries);
        Tag(node, eni, "creator", "alibabacloud-erdma-controller");
        await node.PassAsync(s_inventory);
        Assert.Contains("excluded", node.Host.Findings.Keys);
        node.Region.SetEniTags(eni.Id, eni.Tags);

        await node.PassAsync(s_inventory);

        Assert.Equal(eni.Id, (await node.RunAsync(node.AllocateAsync())).EniId);
        Assert.DoesNotContain("excluded", node.Host.Findings.Keys);
        Assert.Equal(45, node.Capacity.Total);
        Assert.Equal(eni.Id, pod.EniId);
    }

    [Fact]
    public async Task Eni_excluded_before_its_deletion_is_not_detached()
    {
        await using var node = await TestNode.CreateAsync(Settings.Replace("\"max_pool_size\": 5, ", "", StringComparison.Ordinal));
        await node.StartAsync();
        var pod = await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();
        var eni = Assert.Single(node.Secondaries);
        node.Plugin.Release(pod, used: true);
        Tag(node, eni, "terway.alibabacloud.com/excluded", "true");

        await node.PassAsync(TimeSpan.FromMinutes(5));

        Assert.Equal(EniStatus.InUse, Assert.Single(node.Secondaries).Status);
        Assert.DoesNotContain("DetachNetworkInterface", node.Cloud.Calls);
        Assert.DoesNotContain("DeleteNetworkInterface", node.Cloud.Calls);
        Assert.Equal(30, node.Capacity.Total);
        Assert.Empty(node.Disk.Records);
    }

    [Fact]
    public async Task Foreign_eni_attached_later_is_counted_and_never_touched()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await node.StartAsync();
        var first = await AllocateAsync(node, 3);
        var foreign = await ScalingTests.AttachAsync(node, ("owner", "somebody"));
        var before = node.Region.Enis.Where(e => e.Id == foreign || e.Type == EniType.Primary).Select(Look).ToArray();

        await node.PassAsync(s_inventory);
        Assert.Equal(30, node.Capacity.Total);
        var more = await AllocateAsync(node, 27);
        await Assert.ThrowsAsync<PodNetworkException>(() => node.RunAsync(node.AllocateAsync()));
        foreach (var pod in first.Concat(more))
        {
            node.Plugin.Release(pod, used: true);
        }

        await node.PassAsync(s_inventory);
        Assert.Equal(before, node.Region.Enis.Where(e => e.Id == foreign || e.Type == EniType.Primary).Select(Look));
        Assert.DoesNotContain(first.Concat(more), p => p.EniId == foreign);
        Assert.Equal(["OK"], node.Codes.Keys);
    }

    [Fact]
    public async Task Detached_eni_of_ours_that_is_excluded_is_no_orphan()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        var eni = node.Region.CreateEni(new CreateEniRequest
        {
            VSwitchId = "vsw-pods",
            SecurityGroupIds = ["sg-1"],
            Tags = ImmutableSortedDictionary<string, string>.Empty.Add("creator", "terway").Add("terway-pool", "shared")
                .Add("terway-node", node.Facts.InstanceId).Add("terway.alibabacloud.com/excluded", "true"),
        });
        await node.StartAsync();

        await node.PassAsync(s_inventory);

        Assert.Equal(EniStatus.Available, node.Region.Enis.Single(e => e.Id == eni.Id).Status);
    }

    private static (string, EniStatus, string) Look(EniSnapshot eni) => (eni.Id, eni.Status, string.Join(",", eni.PrivateIps));

    private static void Tag(TestNode node, EniSnapshot eni, string key, string value) => node.Region.SetEniTags(eni.Id, eni.Tags.SetItem(key, value));

    private static async Task<Allocation[]> AllocateAsync(TestNode node, int count) =>
        await node.RunAsync(Task.WhenAll(Enumerable.Range(0, count).Select(_ => node.AllocateAsync())));
}
