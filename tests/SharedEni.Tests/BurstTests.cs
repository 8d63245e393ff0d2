using System.Globalization;

namespace Terway.Plugins.SharedEni.Tests;

public sealed class BurstTests(ITestOutputHelper output)
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

    [Theory]
    [InlineData("{0}", 1, 7)]
    [InlineData("{0}, \"enable_ip_prefix\": true", 16, 2)]
    public async Task Allocate_two_hundred_on_a_cold_node_is_one_step(string settings, int unit, int enis)
    {
        const int Pods = 200;
        var attach = TimeSpan.FromSeconds(3);
        const string Pool = """{"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}""";
        await using var node = await TestNode.CreateAsync(
            string.Format(CultureInfo.InvariantCulture, settings, Pool) + "}", "ecs.g7.4xlarge", attach: attach);

        // What cannot be done with less: each ENI is created and attached, and its attachment seen to be done by one look for all of them; a node that
        // knows nothing has to ask once what is attached, what is left over of it, and about its vSwitch.
        var fewest = (2 * enis) + 1 + 3;
        Assert.True(enis >= Math.Ceiling(Pods / (double)Math.Min(unit == 1 ? 30 : 29 * unit, unit == 1 ? 50 : 10 * unit)));

        await node.StartAsync();
        var begun = node.Time.GetUtcNow();
        var given = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, Pods).Select(_ => node.AllocateAsync())));
        var took = node.Time.GetUtcNow() - begun;
        await node.SettleAsync();

        var calls = node.Cloud.Calls.ToArray();
        output.WriteLine(
            $"{Pods} pods on a cold node: {calls.Length} calls, {fewest} at least ({string.Join(", ", calls.CountBy(c => c).Select(c => $"{c.Key} {c.Value}"))}); "
            + $"{took.TotalSeconds:0.00} s, {attach.TotalSeconds:0.00} s at least");
        Assert.Equal(Pods, given.Select(g => g.Addresses[0].Address).Distinct().Count());
        Assert.Equal(enis, node.Secondaries.Count);
        Assert.Equal(enis, calls.Count(c => c == "CreateNetworkInterface"));
        Assert.Equal(enis, calls.Count(c => c == "AttachNetworkInterface"));
        Assert.DoesNotContain("AssignPrivateIpAddresses", calls);
        Assert.True(calls.Length <= fewest * 1.3, $"{calls.Length} calls, {fewest} at least");
        Assert.True(took <= attach * 1.3, $"took {took}, {attach} at least");
        Assert.Equal(["OK"], node.Codes.Keys);

        // Nothing but what the pods needed, to a whole prefix.
        Assert.Equal((Pods + unit - 1) / unit * unit, node.Capacity.InUse + node.Capacity.Idle);
    }

    [Fact]
    public async Task Allocate_while_an_eni_attaches_waits_for_its_room_and_makes_no_other()
    {
        await using var node = await TestNode.CreateAsync("""{"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}}""", attach: TimeSpan.FromSeconds(3));
        await node.StartAsync();
        var first = Enumerable.Range(0, 5).Select(_ => node.AllocateAsync()).ToArray();
        await node.UntilAsync(() => node.Cloud.Calls.Contains("AttachNetworkInterface"), "the ENI attaches");
        var begun = node.Time.GetUtcNow();

        await node.RunAsync(Task.WhenAll([.. first, .. Enumerable.Range(0, 6).Select(_ => node.AllocateAsync())]));

        Assert.Equal(11, Assert.Single(node.Secondaries).PrivateIps.Length);
        Assert.True(node.Time.GetUtcNow() - begun < TimeSpan.FromSeconds(5));
    }
}
