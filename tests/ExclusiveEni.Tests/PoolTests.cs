using System.Collections.Immutable;
using Terway.Lab.Cloud;

namespace Terway.Plugins.ExclusiveEni.Tests;

/// <summary>A pool whose ENIs serve one pod each.</summary>
public sealed class PoolTests
{
    private const string Type = "ecs.g7.4xlarge";
    private const string Pods = """ "vswitches": {"cn-hangzhou-i": ["vsw-pods"]} """;

    [Fact]
    public async Task Each_pod_has_an_ENI_of_its_own_with_one_address_and_the_type_limits_them()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + "}", Type);
        await node.StartAsync();
        var pods = new List<Allocation>();
        for (var i = 0; i < 7; i++) pods.Add(await node.RunAsync(node.AllocateAsync()));

        Assert.Equal(7, pods.Select(p => p.EniId).Distinct().Count());
        Assert.All(node.Secondaries, e => Assert.Single(e.PrivateIps));
        Assert.All(pods, p => Assert.Equal(node.Secondaries.Single(e => e.Id == p.EniId).PrimaryIp, Assert.Single(p.Addresses).Address));
        Assert.Equal(new Capacity(7, 7, 0, 0, "the node is full: 7 of 7 pod addresses are in use"), await SettledCapacityAsync(node));

        var full = await Assert.ThrowsAsync<PodNetworkException>(() => node.RunAsync(node.AllocateAsync()));
        Assert.Contains("7 of 7", full.Message, StringComparison.Ordinal);
        Assert.True(full.CanRetry);
    }

    [Fact]
    public async Task Idle_ENIs_are_kept_ahead_and_surplus_ones_go_as_a_whole()
    {
        await using var node = await TestNode.CreateAsync(
            "{" + Pods + """, "min_pool_size": 2, "max_pool_size": 3, "ip_cooldown": 1, "ip_pool_sync_period": "10s" }""", Type);
        await node.StartAsync();
        await node.UntilAsync(() => node.Capacity.Idle == 2, "two ENIs are attached ahead of need");
        await node.SettleAsync();
        Assert.Equal(2, node.Secondaries.Count);

        // At once: nobody was asked.
        var first = node.AllocateAsync();
        Assert.True(first.IsCompletedSuccessfully);
        List<Allocation> pods = [await first];
        for (var i = 0; i < 4; i++) pods.Add(await node.RunAsync(node.AllocateAsync()));
        foreach (var pod in pods) node.Plugin.Release(pod, used: true);

        await node.UntilAsync(() => node.Secondaries.Count == 3, "what is above the high watermark is gone from the cloud");
        await node.SettleAsync();
        Assert.Equal(3, node.Capacity.Idle);
        Assert.All(node.Secondaries, e => Assert.Single(e.PrivateIps));
        Assert.DoesNotContain(node.Region.Enis, e => e.InstanceId is null);
    }

    [Fact]
    public async Task Link_in_a_pod_is_no_fault_and_the_ENI_serves_the_next_pod_when_it_is_back()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "ip_cooldown": 0, "max_pool_size": 1 }""", Type);
        await node.StartAsync();
        var pod = await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();
        var link = node.Fabric.Take(pod.EniMac);
        var calls = node.Cloud.CallCount;
        await node.PassAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(calls, node.Cloud.CallCount);
        Assert.Empty(node.Host.Findings);

        // A restart finds the link in its pod, and asks for nothing that is there.
        await node.RestartAsync([pod]);
        await node.SettleAsync();
        Assert.Equal(1, node.Capacity.InUse);
        Assert.Empty(node.Host.Findings);
        await node.PassAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(EniStatus.InUse, node.Secondaries.Single(e => e.Id == pod.EniId).Status);

        node.Fabric.Return(link);
        node.Plugin.Release(pod, used: true);
        await node.SettleAsync();
        var next = await node.RunAsync(node.AllocateAsync());
        Assert.Equal(pod.EniId, next.EniId);
        Assert.Single(node.Secondaries);
    }

    [Fact]
    public async Task ENI_whose_link_does_not_come_back_is_looked_after()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "ip_cooldown": 0, "max_pool_size": 1, "min_pool_size": 1 }""", Type);
        await node.StartAsync();
        var pod = await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();
        node.Fabric.Take(pod.EniMac);

        // Detached by somebody while the pod had it: no link comes back when the pod goes.
        node.Region.DetachEni(pod.EniId, node.Facts.InstanceId);
        await node.UntilAsync(() => node.Region.Enis.Single(e => e.Id == pod.EniId).Status == EniStatus.Available, "the ENI is detached");
        node.Plugin.Release(pod, used: true);
        await node.UntilAsync(() => node.Fabric.Links.Any(l => l.Mac == pod.EniMac), "the ENI is attached again");
        await node.SettleAsync();
        Assert.Equal(EniStatus.InUse, node.Secondaries.Single(e => e.Id == pod.EniId).Status);
    }

    [Fact]
    public async Task ENI_in_a_pod_that_no_journal_knows_is_not_taken_from_it()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "min_pool_size": 1, "max_pool_size": 1 }""", Type);
        await node.StartAsync();
        var pod = await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();
        node.Fabric.Take(pod.EniMac);
        node.Disk.Records.Clear();

        await node.RestartAsync();
        await node.PassAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(EniStatus.InUse, node.Secondaries.Single(e => e.Id == pod.EniId).Status);
        Assert.Contains("a pod that no journal knows", node.Host.Findings[$"eni/{pod.EniId}"].Reason, StringComparison.Ordinal);
        Assert.NotEqual(pod.EniId, (await node.RunAsync(node.AllocateAsync())).EniId);
    }

    [Fact]
    public async Task ENI_of_the_shared_pool_and_one_on_the_whitelist_are_left_alone()
    {
        await using var node = await TestNode.CreateAsync(
            "{" + Pods + """, "max_pool_size": 7, "min_pool_size": 7, "eni_tag_block_list": [{"key": "mine", "value": "yes"}] }""", Type);
        var shared = await AttachAsync(node, ("creator", "terway"), ("terway-pool", "shared"));
        var kept = await AttachAsync(node, ("creator", "terway"), ("mine", "yes"));
        await node.StartAsync();
        await node.UntilAsync(() => node.Capacity.Idle == 5, "the places that are left are used");
        await node.SettleAsync();
        Assert.All(node.Plugin.Pool!.Enis, e => Assert.DoesNotContain(e.Id, (string[])[shared, kept]));
        Assert.Contains("kind shared", node.Host.Findings["other-pools"].Reason, StringComparison.Ordinal);
        await node.PassAsync(TimeSpan.FromHours(1));
        Assert.Equal(7, node.Secondaries.Count(e => e.Status == EniStatus.InUse));
    }

    [Theory]
    [InlineData("ecs.g7.2xlarge", "(EniQuantity - 1) = (4 - 1) = 3, must be > 6")]
    public async Task Node_with_too_few_ENIs_is_refused_with_the_arithmetic(string type, string arithmetic)
    {
        await using var node = await TestNode.CreateAsync("{}", type);
        var refused = await Assert.ThrowsAsync<PodNetworkException>(() => node.StartAsync());
        Assert.Contains(arithmetic, refused.Message, StringComparison.Ordinal);
        Assert.Contains("must be > 6", node.Plugin.Health!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dual_stack_takes_one_address_of_each_family_from_the_ENI()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + "}", Type, dual: true);
        await node.StartAsync();
        var pod = await node.RunAsync(node.AllocateAsync());
        Assert.Equal(2, pod.Addresses.Count);
        var eni = node.Secondaries.Single(e => e.Id == pod.EniId);
        Assert.Equal((1, 1), (eni.PrivateIps.Length, eni.Ipv6Addresses.Length));
    }

    private static async Task<Capacity> SettledCapacityAsync(TestNode node)
    {
        await node.SettleAsync();
        return node.Capacity;
    }

    private static async Task<string> AttachAsync(TestNode node, params (string Key, string Value)[] tags)
    {
        var eni = node.Region.CreateEni(new CreateEniRequest
        {
            VSwitchId = "vsw-pods",
            SecurityGroupIds = ["sg-1"],
            Tags = tags.ToImmutableSortedDictionary(t => t.Key, t => t.Value),
        });
        node.Region.AttachEni(eni.Id, node.Facts.InstanceId);
        await node.UntilAsync(() => node.Region.Enis.Single(e => e.Id == eni.Id).Status == EniStatus.InUse, "the ENI is attached");
        return eni.Id;
    }
}
