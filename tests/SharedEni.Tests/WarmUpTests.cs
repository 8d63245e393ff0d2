namespace Terway.Plugins.SharedEni.Tests;

public sealed class WarmUpTests
{
    private const string Settings = """
        {"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "max_pool_size": 4, "ip_warm_up_size": 20, "ip_pool_sync_period": "60s"}
        """;

    [Fact]
    public async Task Start_obtains_the_warm_up_once_and_gives_the_surplus_back_later()
    {
        await using var node = await TestNode.CreateAsync(Settings, attach: TimeSpan.FromSeconds(1));
        await node.StartAsync();

        await node.UntilAsync(() => node.Capacity.Idle == 20, "the warm-up is there", TimeSpan.FromSeconds(30));
        await node.PassAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(4, node.Capacity.Idle);

        // Not again in this life, nor in the next.
        await node.PassAsync(TimeSpan.FromHours(1));
        await node.RestartAsync();
        var calls = node.Cloud.CallCount;
        await node.PassAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(4, node.Capacity.Idle);
        Assert.DoesNotContain(node.Cloud.Calls.Skip(calls), c => c is "CreateNetworkInterface" or "AssignPrivateIpAddresses");
    }

    [Fact]
    public async Task Warm_up_interrupted_goes_on_where_it_was()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        node.Cloud.DieAfter = "AttachNetworkInterface";
        _ = node.LaunchAsync();
        await node.UntilAsync(() => node.Crash.Dead, "the process has ended");
        await node.Plugin.StopAsync(default);
        var first = node.Secondaries.Sum(e => e.PrivateIps.Length);
        Assert.InRange(first, 1, 20);

        node.Begin(new CrashPoint());
        await node.StartAsync();

        await node.UntilAsync(() => node.Capacity.Idle == 20, "the warm-up is there", TimeSpan.FromSeconds(50));
        await node.SettleAsync();
        Assert.Equal(20, node.Secondaries.Sum(e => e.PrivateIps.Length));
    }

    [Fact]
    public async Task Warm_up_is_used_by_pods_and_not_obtained_on_top()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await node.StartAsync();

        await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 12).Select(_ => node.AllocateAsync())));
        await node.SettleAsync();

        Assert.Equal(12, node.Capacity.InUse);
        Assert.Equal(8, node.Capacity.Idle);
    }

    [Fact]
    public async Task Warm_up_beyond_the_node_ends_when_the_node_is_full()
    {
        await using var node = await TestNode.CreateAsync(
            """{"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "max_pool_size": 4, "ip_warm_up_size": 5000, "ip_pool_sync_period": "60s"}""");
        await ScalingTests.AttachAsync(node);
        await node.StartAsync();

        // One of three places is taken by somebody else.
        await node.UntilAsync(() => node.Capacity.Idle == 30, "the node is full", TimeSpan.FromSeconds(50));
        await node.PassAsync(TimeSpan.FromMinutes(5));

        Assert.Equal(4, node.Capacity.Idle);
        Assert.Equal(["OK"], node.Codes.Keys);
    }
}
