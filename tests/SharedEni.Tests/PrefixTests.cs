using System.Net;
using Terway.Lab.Cloud;

namespace Terway.Plugins.SharedEni.Tests;

public sealed class PrefixTests
{
    private const string Settings = """
        {"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "enable_ip_prefix": true, "ip_cooldown": 60, "ip_pool_sync_period": "30s"
        """;

    [Fact]
    public async Task Allocate_serves_pods_from_whole_prefixes_and_never_from_the_enis_own_address()
    {
        await using var node = await TestNode.CreateAsync(Settings + "}", attach: TimeSpan.FromSeconds(1));
        await node.StartAsync();

        var pods = await AllocateAsync(node, 40);

        var eni = Assert.Single(node.Secondaries);
        Assert.Single(eni.PrivateIps);
        Assert.Equal(3, eni.Ipv4Prefixes.Length);
        Assert.All(pods, p => Assert.Contains(eni.Ipv4Prefixes, n => n.Contains(Ip(p))));
        Assert.Equal(40, pods.Select(Ip).Distinct().Count());
        Assert.Equal(new Capacity(3 * 14 * 16, 40, 8, 0, null), node.Capacity);
        Assert.DoesNotContain("AssignPrivateIpAddresses", node.Cloud.Calls);
    }

    [Fact]
    public async Task Allocate_takes_the_fullest_prefix_first_and_in_it_the_lowest_address()
    {
        await using var node = await TestNode.CreateAsync(Settings + """, "max_pool_size": 64}""");
        await node.StartAsync();
        var pods = await AllocateAsync(node, 40);
        var prefixes = pods.GroupBy(p => node.Secondaries.Single().Ipv4Prefixes.Single(n => n.Contains(Ip(p)))).OrderBy(g => g.Key.ToString()).ToArray();
        Assert.Equal([16, 16, 8], prefixes.Select(g => g.Count()).OrderDescending());

        // One prefix keeps three pods, another ten; both have room.
        var almostEmpty = prefixes[0].OrderBy(p => Number(Ip(p))).ToArray();
        var fuller = prefixes[1].OrderBy(p => Number(Ip(p))).ToArray();
        foreach (var pod in almostEmpty.Skip(3).Concat(fuller.Take(4)))
        {
            node.Plugin.Release(pod, used: true);
        }

        await node.PassAsync(TimeSpan.FromSeconds(61));

        Assert.Equal(fuller.Take(4).Select(Ip), (await OneByOneAsync(node, 4)).Select(Ip));
        Assert.All(await OneByOneAsync(node, 2), p => Assert.Contains(prefixes, g => g.Count() == 8 && g.Key.Contains(Ip(p))));
    }

    [Fact]
    public async Task Release_cools_each_address_and_the_prefix_stays_until_all_of_them_have_cooled()
    {
        await using var node = await TestNode.CreateAsync(Settings + "}");
        await node.StartAsync();
        var pods = await AllocateAsync(node, 20);
        var second = node.Secondaries.Single().Ipv4Prefixes.MaxBy(n => pods.Count(p => !n.Contains(Ip(p))));
        var inSecond = pods.Where(p => second.Contains(Ip(p))).ToArray();
        Assert.Equal(4, inSecond.Length);
        foreach (var pod in inSecond)
        {
            node.Plugin.Release(pod, used: true);
        }

        var next = await node.RunAsync(node.AllocateAsync());
        Assert.DoesNotContain(inSecond, p => Ip(p).Equals(Ip(next)));
        node.Plugin.Release(next, used: false);
        await node.PassAsync(TimeSpan.FromSeconds(50));
        Assert.Equal(2, node.Secondaries.Single().Ipv4Prefixes.Length);

        await node.PassAsync(TimeSpan.FromSeconds(60));
        Assert.NotEqual(second, Assert.Single(node.Secondaries.Single().Ipv4Prefixes));
        Assert.Equal(16, node.Capacity.InUse);

        // The last pods go, and the ENI as a whole with them.
        foreach (var pod in pods.Except(inSecond))
        {
            node.Plugin.Release(pod, used: true);
        }

        await node.PassAsync(TimeSpan.FromMinutes(3));
        Assert.Empty(node.Secondaries);
        Assert.Empty(node.Disk.Records);
    }

    [Fact]
    public async Task Grow_asks_for_ten_prefixes_at_most_and_fills_an_eni_before_it_makes_another()
    {
        await using var node = await TestNode.CreateAsync(Settings + """, "max_eni": 1, "max_pool_size": 300}""");
        await node.StartAsync();

        var pods = await AllocateAsync(node, 14 * 16);

        Assert.Equal(14, Assert.Single(node.Secondaries).Ipv4Prefixes.Length);
        Assert.Equal(new Capacity(14 * 16, 14 * 16, 0, 0, null), node.Capacity with { Exhausted = null });
        Assert.Equal(1, node.Cloud.Calls.Count(c => c == "CreateNetworkInterface"));
        Assert.Equal(1, node.Cloud.Calls.Count(c => c == "AssignPrivateIpAddresses"));
        Assert.Equal(["OK"], node.Codes.Keys);
        var error = await Assert.ThrowsAsync<PodNetworkException>(() => node.RunAsync(node.AllocateAsync()));
        Assert.Contains("224 of 224", error.Message, StringComparison.Ordinal);
        Assert.Equal(224, pods.Select(Ip).Distinct().Count());
    }

    [Fact]
    public async Task Fixed_count_is_held_whatever_the_demand()
    {
        await using var node = await TestNode.CreateAsync(Settings + """, "ipv4_prefix_count": 3, "max_pool_size": 1}""");
        await node.StartAsync();
        await node.UntilAsync(() => node.Capacity.Idle == 48, "three prefixes are there");
        await node.PassAsync(TimeSpan.FromMinutes(5));
        var calls = node.Cloud.CallCount;

        await AllocateAsync(node, 48);
        var error = await Assert.ThrowsAsync<PodNetworkException>(() => node.RunAsync(node.AllocateAsync()));

        Assert.Contains("48 of 48", error.Message, StringComparison.Ordinal);
        await node.PassAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(3, node.Secondaries.Sum(e => e.Ipv4Prefixes.Length));
        Assert.Equal(calls, node.Cloud.CallCount);

        // A smaller count takes effect as far as prefixes are free.
        await node.RestartAsync(settings: Settings + """, "ipv4_prefix_count": 1}""");
        await node.PassAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(1, node.Secondaries.Sum(e => e.Ipv4Prefixes.Length));
    }

    [Fact]
    public async Task Watermarks_count_in_addresses_and_are_kept_in_whole_prefixes()
    {
        await using var node = await TestNode.CreateAsync(Settings + """, "min_pool_size": 20, "max_pool_size": 40}""");
        await node.StartAsync();
        await node.UntilAsync(() => node.Capacity.Idle >= 20, "the low watermark is reached");
        await node.SettleAsync();
        Assert.Equal(32, node.Capacity.Idle);
        var calls = node.Cloud.CallCount;

        await node.PassAsync(TimeSpan.FromMinutes(10));

        Assert.Equal(calls, node.Cloud.CallCount);
        Assert.Equal(32, node.Capacity.Idle);
    }

    [Fact]
    public async Task Start_after_a_restart_serves_from_the_records_and_keeps_what_pods_hold()
    {
        await using var node = await TestNode.CreateAsync(Settings + """, "max_pool_size": 32}""");
        await node.StartAsync();
        var pods = await AllocateAsync(node, 20);
        node.Plugin.Release(pods[^1], used: true);
        await node.SettleAsync();
        var enis = node.Secondaries.Select(e => e.Id).ToArray();

        await node.RestartAsync(pods[..^1], new Dictionary<IPAddress, DateTimeOffset> { [Ip(pods[^1])] = node.Time.GetUtcNow() });
        node.Cloud.Unreachable = true;
        var more = await AllocateAsync(node, 12);

        Assert.Empty(pods.Select(Ip).Intersect(more.Select(Ip)));
        Assert.Equal(31, node.Capacity.InUse);
        Assert.Equal(1, node.Capacity.CoolingDown);
        Assert.Equal(enis, node.Secondaries.Select(e => e.Id));
    }

    [Fact]
    public async Task Prefix_gone_from_the_cloud_keeps_its_pods_and_gives_no_more()
    {
        await using var node = await TestNode.CreateAsync(Settings + """, "max_pool_size": 32}""");
        await node.StartAsync();
        var pods = await AllocateAsync(node, 3);
        await node.PassAsync(TimeSpan.FromMinutes(2));
        var eni = node.Secondaries.Single();
        await node.RunAsync(node.Region.UnassignIpv4Async(eni.Id, [], eni.Ipv4Prefixes));

        await node.PassAsync(TimeSpan.FromMinutes(40));

        Assert.Equal(3, node.Capacity.InUse);
        var next = await node.RunAsync(node.AllocateAsync());
        Assert.Contains(node.Secondaries.SelectMany(e => e.Ipv4Prefixes), n => n.Contains(Ip(next)));
        Assert.Empty(node.Region.Troubles);
        foreach (var pod in pods)
        {
            node.Plugin.Release(pod, used: true);
        }

        Assert.Equal(1, node.Capacity.InUse);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Change_of_mode_lets_pods_keep_their_addresses_and_returns_the_eni_after_the_last(bool toPrefixes)
    {
        const string Addresses = """{"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "ip_cooldown": 60, "ip_pool_sync_period": "30s"}""";
        var (before, after) = toPrefixes ? (Addresses, Settings + "}") : (Settings + "}", Addresses);
        await using var node = await TestNode.CreateAsync(before);
        await node.StartAsync();
        var pods = await AllocateAsync(node, 5);
        var old = node.Secondaries.Single().Id;

        await node.RestartAsync(pods, settings: after);
        var next = await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();

        Assert.NotEqual(old, next.EniId);
        Assert.Equal(toPrefixes, node.Secondaries.Single(e => e.Id == next.EniId).Ipv4Prefixes.Length > 0);
        Assert.Equal(6, node.Capacity.InUse);
        var finding = node.Host.Findings["prefix-mode"];
        Assert.Contains($"{old} carries {(toPrefixes ? "single addresses" : "prefixes")}: 5 pods keep", finding.Reason, StringComparison.Ordinal);
        Assert.Contains("drain", finding.Fix, StringComparison.Ordinal);

        // Again from the records, and through an inventory.
        await node.RestartAsync([.. pods, next], settings: after);
        await node.PassAsync(TimeSpan.FromMinutes(40));
        Assert.Equal(old, node.Secondaries.Single(e => e.Id == old).Id);
        Assert.All(pods, p => Assert.Contains(node.Secondaries, e => e.Id == p.EniId && e.Sources.Any(n => n.Contains(Ip(p)))));
        foreach (var pod in pods)
        {
            node.Plugin.Release(pod, used: true);
        }

        await node.PassAsync(TimeSpan.FromSeconds(40));
        Assert.Contains(node.Secondaries, e => e.Id == old);
        await node.PassAsync(TimeSpan.FromMinutes(2));
        Assert.DoesNotContain(node.Secondaries, e => e.Id == old);
        Assert.DoesNotContain("prefix-mode", node.Host.Findings.Keys);
    }

    [Fact]
    public async Task Crash_after_prefixes_were_assigned_the_next_life_uses_them()
    {
        await using var node = await TestNode.CreateAsync(Settings + "}");
        await node.StartAsync();
        var pods = await AllocateAsync(node, 16);
        await node.SettleAsync();
        await node.RunAsync(node.Plugin.StopAsync(default));
        node.Begin(new CrashPoint());
        await node.StartAsync(pods);
        node.Cloud.DieAfter = "AssignPrivateIpAddresses";
        _ = node.AllocateAsync();
        await node.UntilAsync(() => node.Crash.Dead, "the process has ended");
        await node.Plugin.StopAsync(default);
        Assert.Equal(2, node.Secondaries.Single().Ipv4Prefixes.Length);

        node.Begin(new CrashPoint());
        await node.StartAsync(pods);
        var next = await node.RunAsync(node.AllocateAsync());

        Assert.Contains(node.Secondaries.Single().Ipv4Prefixes, n => n.Contains(Ip(next)));
        Assert.Equal(2, node.Secondaries.Single().Ipv4Prefixes.Length);
        await node.SettleAsync();
        Assert.DoesNotContain(node.Disk.Records.Keys, k => k.StartsWith("op/", StringComparison.Ordinal));
    }

    private static async Task<Allocation[]> AllocateAsync(TestNode node, int count) =>
        await node.RunAsync(Task.WhenAll(Enumerable.Range(0, count).Select(_ => node.AllocateAsync())));

    private static async Task<List<Allocation>> OneByOneAsync(TestNode node, int count)
    {
        var pods = new List<Allocation>();
        for (var i = 0; i < count; i++)
        {
            pods.Add(await node.RunAsync(node.AllocateAsync()));
        }

        return pods;
    }

    private static IPAddress Ip(Allocation pod) => pod.Addresses[0].Address;

    private static uint Number(IPAddress ip) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(ip.GetAddressBytes());
}
