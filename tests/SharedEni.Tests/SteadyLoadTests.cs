using CsCheck;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>Whatever the watermarks and the load: what is held settles at what they say, and a steady load costs no call.</summary>
public sealed class SteadyLoadTests
{
    [Fact]
    public Task Any_load_settles_within_the_watermarks_and_stays_there() =>
        Gen.Select(Gen.Int[0, 12], Gen.Int[0, 12], Gen.Int[0, 20], Gen.Int[0, 20], Gen.Bool)
            .SampleAsync(RunAsync, iter: 8, threads: 1, time: -1);

    private static async Task RunAsync((int Min, int Above, int Pods, int Gone, bool Prefixes) load)
    {
        var (min, above, pods, gone, prefixes) = load;
        var max = min + above;
        var unit = prefixes ? 16 : 1;
        await using var node = await TestNode.CreateAsync(
            $$"""
            {"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "min_pool_size": {{min}}, "max_pool_size": {{max}}, "ip_pool_sync_period": "30s",
             "ip_cooldown": 10, "enable_ip_prefix": {{(prefixes ? "true" : "false")}}}
            """,
            attach: TimeSpan.FromSeconds(1));
        await node.StartAsync();
        var live = (await node.RunAsync(Task.WhenAll(Enumerable.Range(0, pods).Select(_ => node.AllocateAsync())))).ToList();
        foreach (var pod in live.Take(gone).ToArray())
        {
            node.Plugin.Release(pod, used: true);
            live.Remove(pod);
        }

        await node.PassAsync(TimeSpan.FromMinutes(3));
        await node.SettleAsync();

        // Above the high watermark stays only what cannot go: an ENI's own address, or the rest of a prefix that pods are on.
        var stuck = prefixes ? live.GroupBy(p => node.Secondaries.SelectMany(e => e.Ipv4Prefixes).Single(n => n.Contains(p.Addresses[0].Address)))
            .Sum(g => unit - g.Count()) : node.Secondaries.Count;
        var idle = node.Capacity.Idle;
        Assert.True(idle >= min && idle <= max + Math.Max(unit - 1, 0) + stuck, node.Describe());
        Assert.Equal(live.Count, node.Capacity.InUse);
        Assert.Equal(0, node.Capacity.CoolingDown);

        // One pod after another comes and goes within what is idle: never a call. Their addresses cool down, so that fewer come than are idle above the
        // low watermark.
        var calls = node.Cloud.CallCount;
        for (var i = 0; i < 20; i++)
        {
            if (node.Capacity.Idle > min)
            {
                node.Plugin.Release(await node.RunAsync(node.AllocateAsync()), used: true);
            }

            await node.PassAsync(TimeSpan.FromSeconds(30));
        }

        await node.PassAsync(TimeSpan.FromMinutes(2));
        Assert.True(calls == node.Cloud.CallCount, $"{string.Join(", ", node.Cloud.Calls.Skip(calls))}; {node.Describe()}");
        Assert.Equal(idle, node.Capacity.Idle);
        Assert.Equal(["OK"], node.Codes.Keys);
    }
}
