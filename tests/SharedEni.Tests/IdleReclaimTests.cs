using Terway.EniPool.Configuration;
using Terway.EniPool.Scaling;

namespace Terway.Plugins.SharedEni.Tests;

public sealed class IdleReclaimTests
{
    private const string Pool = """
        {"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "min_pool_size": 3, "max_pool_size": 13, "ip_cooldown": 0
        """;

    private const string Settings = Pool + """
        , "idle_ip_reclaim_after": "30m", "idle_ip_reclaim_batch_size": 4, "idle_ip_reclaim_interval": "10m", "idle_ip_reclaim_jitter_factor": "0"}
        """;

    [Fact]
    public async Task Quiet_node_gives_back_a_batch_at_a_time_down_to_the_low_watermark()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await FillAsync(node);

        await node.PassAsync(TimeSpan.FromMinutes(35));
        Assert.Equal(13, node.Capacity.Idle);
        await node.PassAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(9, node.Capacity.Idle);
        await node.PassAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(5, node.Capacity.Idle);
        await node.PassAsync(TimeSpan.FromMinutes(60));
        Assert.Equal(3, node.Capacity.Idle);
    }

    [Fact]
    public async Task Without_the_setting_idle_addresses_between_the_watermarks_stay()
    {
        await using var node = await TestNode.CreateAsync(Pool + "}");
        await FillAsync(node);

        await node.PassAsync(TimeSpan.FromHours(3));

        Assert.Equal(13, node.Capacity.Idle);
    }

    [Fact]
    public async Task Each_pod_ends_the_quiet_and_a_restart_does_not()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await FillAsync(node);
        await node.PassAsync(TimeSpan.FromMinutes(25));
        node.Plugin.Release(await node.RunAsync(node.AllocateAsync()), used: true);
        await node.PassAsync(TimeSpan.FromMinutes(25));
        Assert.Equal(13, node.Capacity.Idle);

        // 25 minutes of quiet lie behind the restart: 15 more, and not 40, until the first batch.
        await node.RestartAsync();
        await node.PassAsync(TimeSpan.FromMinutes(17));

        Assert.Equal(9, node.Capacity.Idle);
    }

    [Fact]
    public void Due_waits_an_interval_with_jitter_after_the_quiet_was_noticed()
    {
        var reclaim = new IdleReclaim(new IdleReclaimSettings(TimeSpan.FromMinutes(5), 7, TimeSpan.FromMinutes(10), 0.5));
        var last = TimeSpan.FromMinutes(1);

        Assert.Equal(TimeSpan.FromMinutes(6), reclaim.NextAt(last));
        Assert.Equal(0, reclaim.Due(TimeSpan.FromMinutes(6), last));
        Assert.InRange(reclaim.NextAt(last)!.Value, TimeSpan.FromMinutes(16), TimeSpan.FromMinutes(21));
        Assert.Equal(0, reclaim.Due(TimeSpan.FromMinutes(15.9), last));
        Assert.Equal(7, reclaim.Due(TimeSpan.FromMinutes(21), last));
        Assert.Equal(0, reclaim.Due(TimeSpan.FromMinutes(21), last));

        // A pod came: everything begins anew.
        Assert.Equal(0, reclaim.Due(TimeSpan.FromMinutes(50), TimeSpan.FromMinutes(49)));
        Assert.Equal(TimeSpan.FromMinutes(54), reclaim.NextAt(TimeSpan.FromMinutes(49)));
    }

    private static async Task FillAsync(TestNode node)
    {
        await node.StartAsync();
        var pods = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 13).Select(_ => node.AllocateAsync())));
        foreach (var pod in pods)
        {
            node.Plugin.Release(pod, used: true);
        }

        await node.SettleAsync();
        Assert.True(node.Capacity.Idle >= 13);
        await node.UntilAsync(() => node.Capacity.Idle == 13, "only the high watermark stays");
    }
}
