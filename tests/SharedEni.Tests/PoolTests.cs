using System.Net;
using Terway.Lab.Cloud.Faults;

namespace Terway.Plugins.SharedEni.Tests;

public sealed class PoolTests
{
    private const string Pods = """ "vswitches": {"cn-hangzhou-i": ["vsw-pods"]} """;

    // 3 ENIs x 6 - small enough to fill: (3 - 1) x 6 = 12.
    private const string SmallType = "ecs.g7.large";

    [Fact]
    public async Task Allocate_with_a_free_address_completes_synchronously()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "min_pool_size": 4, "max_pool_size": 8}""");
        await node.StartAsync();
        await node.UntilAsync(() => node.Capacity.Idle >= 4, "the pool is warm");

        var task = node.Plugin.AllocateAsync(node.Pod(), default);

        Assert.True(task.IsCompletedSuccessfully);
        var allocation = await task;
        Assert.Equal(IPAddress.Parse("10.0.19.253"), allocation.Addresses[0].Gateway);
        Assert.Equal(IPNetwork.Parse("10.0.16.0/22"), allocation.Addresses[0].Subnet);
        Assert.Equal(node.Secondaries.Single(e => e.Id == allocation.EniId).Mac, allocation.EniMac);
    }

    [Fact]
    public async Task Allocate_dual_stack_gives_both_addresses_of_one_eni()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "max_pool_size": 3}""", dual: true);
        await node.StartAsync();

        var given = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 20).Select(_ => node.AllocateAsync())));

        foreach (var allocation in given)
        {
            var eni = node.Secondaries.Single(e => e.Id == allocation.EniId);
            Assert.Contains(allocation.Addresses[0].Address, eni.PrivateIps);
            Assert.Contains(allocation.Addresses[1].Address, eni.Ipv6Addresses);
        }

        Assert.Equal(40, given.SelectMany(a => a.Addresses).Select(a => a.Address).Distinct().Count());

        // The second family grows on an ENI that is there already, too.
        await node.SettleAsync();
        var more = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 10).Select(_ => node.AllocateAsync())));
        Assert.All(more, a => Assert.Equal(2, a.Addresses.Count));
    }

    [Fact]
    public async Task Release_address_cools_down_and_the_oldest_comes_back_first()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "max_pool_size": 0, "ip_pool_sync_period": "1h"}""");
        await node.StartAsync();
        var first = await node.RunAsync(node.AllocateAsync());
        var second = await node.RunAsync(node.AllocateAsync());
        node.Plugin.Release(first, used: true);
        await node.PassAsync(TimeSpan.FromSeconds(10));
        node.Plugin.Release(second, used: true);
        var begun = node.Time.GetUtcNow();
        Assert.Equal(2, node.Capacity.CoolingDown);

        var third = await node.RunAsync(node.AllocateAsync());
        Assert.DoesNotContain(third.Addresses[0].Address, new[] { first.Addresses[0].Address, second.Addresses[0].Address });

        await node.PassAsync(begun + TimeSpan.FromSeconds(119.9) - node.Time.GetUtcNow());
        Assert.Equal((0, 2), (node.Capacity.Idle, node.Capacity.CoolingDown));
        await node.PassAsync(TimeSpan.FromSeconds(0.1));
        Assert.Equal((1, 1), (node.Capacity.Idle, node.Capacity.CoolingDown));
        await node.PassAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(first.Addresses, (await node.RunAsync(node.AllocateAsync())).Addresses);
        Assert.Equal(second.Addresses, (await node.RunAsync(node.AllocateAsync())).Addresses);
    }

    [Fact]
    public async Task Release_of_an_unused_address_needs_no_cool_down()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "max_pool_size": 0}""");
        await node.StartAsync();
        var first = await node.RunAsync(node.AllocateAsync());

        node.Plugin.Release(first, used: false);

        Assert.Equal(first.Addresses, (await node.RunAsync(node.AllocateAsync())).Addresses);
    }

    [Fact]
    public async Task Release_twice_or_of_a_stranger_is_ignored()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + "}");
        await node.StartAsync();
        var first = await node.RunAsync(node.AllocateAsync());
        var second = await node.RunAsync(node.AllocateAsync());

        node.Plugin.Release(first with { EniId = "eni-other" }, used: true);
        Assert.Equal(2, node.Capacity.InUse);
        node.Plugin.Release(first, used: true);
        node.Plugin.Release(first, used: true);

        Assert.Equal(1, node.Capacity.InUse);
        Assert.NotEqual(second.Addresses, (await node.RunAsync(node.AllocateAsync())).Addresses);
    }

    [Fact]
    public async Task Allocate_on_a_full_node_gives_a_cooling_address_early_and_says_so()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + "}", SmallType);
        await node.StartAsync();
        var pods = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 12).Select(_ => node.AllocateAsync())));
        node.Plugin.Release(pods[3], used: true);
        await node.PassAsync(TimeSpan.FromSeconds(20));

        var early = await node.RunAsync(node.AllocateAsync());

        Assert.Equal(pods[3].Addresses, early.Addresses);
        await node.SettleAsync();
        Assert.Contains("after 20 s of its cool-down of 130 s", node.Host.Findings["cooldown"].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Allocate_beyond_the_node_fails_at_once_with_the_count()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + "}", SmallType);
        await node.StartAsync();
        await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 12).Select(_ => node.AllocateAsync())));
        var begun = node.Time.GetUtcNow();

        var error = await Assert.ThrowsAsync<PodNetworkException>(() => node.RunAsync(node.AllocateAsync()));

        Assert.Contains("the node is full: 12 of 12 pod addresses are in use", error.Message, StringComparison.Ordinal);
        Assert.True(error.CanRetry);
        Assert.True(node.Time.GetUtcNow() - begun < TimeSpan.FromSeconds(5));
        await node.SettleAsync();
        Assert.NotNull(node.Capacity.Exhausted);
    }

    [Fact]
    public async Task Allocate_cancelled_holds_nothing()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + "}");
        using var cancel = new CancellationTokenSource();
        await node.StartAsync();
        var waiting = node.AllocateAsync(cancel.Token);
        Assert.False(waiting.IsCompleted);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await node.SettleAsync();
        Assert.Equal(0, node.Capacity.InUse);
    }

    [Fact]
    public async Task Allocate_while_the_cloud_refuses_fails_with_the_first_cause()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + "}");
        node.Faults.Add(new FaultRule { Kind = FaultKind.Error, Api = "CreateNetworkInterface", Code = "InternalError", Status = 500, Next = 1 });
        node.Faults.Add(new FaultRule { Kind = FaultKind.Error, Api = "CreateNetworkInterface", Code = "Forbidden.RAM", Status = 403 });
        await node.StartAsync();
        var begun = node.Time.GetUtcNow();

        var error = await Assert.ThrowsAsync<PodNetworkException>(() => node.RunAsync(node.AllocateAsync()));

        Assert.Equal("cloud", error.Stage);
        Assert.Contains("RequestId", error.Message, StringComparison.Ordinal);
        Assert.Contains(((CloudException)error.InnerException!).RequestId!, error.Message, StringComparison.Ordinal);
        Assert.Contains("retries", error.Message, StringComparison.Ordinal);
        Assert.True(node.Time.GetUtcNow() - begun <= TimeSpan.FromSeconds(61));
    }

    [Fact]
    public async Task Allocate_many_pods_one_by_one_does_not_cost_a_call_each()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "min_pool_size": 5, "max_pool_size": 20}""", "ecs.g7.4xlarge");
        await node.StartAsync();
        await node.UntilAsync(() => node.Capacity.Idle >= 5, "the pool is warm");
        await node.SettleAsync();
        var before = node.Cloud.CallCount;

        for (var i = 0; i < 100; i++)
        {
            await node.RunAsync(node.AllocateAsync());
            await node.SettleAsync();
        }

        Assert.True(node.Cloud.CallCount - before <= 25, $"{node.Cloud.CallCount - before} calls: {string.Join(", ", node.Cloud.Calls.Skip(before).CountBy(c => c))}");
    }
}
