namespace Terway.Plugins.SharedEni.Tests;

public sealed class BurstTests
{
    [Fact]
    public async Task Allocate_hundred_at_once_costs_one_call_per_ten_addresses()
    {
        await using var node = await TestNode.CreateAsync(
            """{"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "min_pool_size": 10, "max_pool_size": 20}""", "ecs.g7.4xlarge", attach: TimeSpan.FromSeconds(3));
        await node.StartAsync();
        await node.UntilAsync(() => node.Capacity.Idle >= 10, "the pool is warm");
        var before = node.Cloud.CallCount;
        var begun = node.Time.GetUtcNow();

        var pods = Enumerable.Range(0, 100).Select(_ => node.AllocateAsync()).ToArray();
        var given = await node.RunAsync(Task.WhenAll(pods));

        Assert.Equal(100, given.SelectMany(a => a.Addresses).Select(a => a.Address).Distinct().Count());
        var calls = node.Cloud.CallCount - before;
        Assert.True(calls <= 10, $"{calls} calls: {string.Join(", ", node.Cloud.Calls.Skip(before).CountBy(c => c))}");

        // One attachment's time, not one after the other.
        Assert.True(node.Time.GetUtcNow() - begun < TimeSpan.FromSeconds(6), $"took {node.Time.GetUtcNow() - begun}");
        Assert.Equal(100, node.Capacity.InUse);
    }
}
