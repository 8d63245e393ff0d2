using System.Text.Json;
using CsCheck;
using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;

namespace Terway.Plugins.SharedEni.Tests;

public sealed class SettingsTests
{
    private static readonly NodeFacts s_node = Facts(8, 30);

    [Fact]
    public void Read_everything_wrong_tells_everything_at_once()
    {
        var (_, problems) = Read(
            """
            {"max_pool_size": "5", "min_pool_size": -1, "eni_cap_ratio": true, "vswitches": {"cn-hangzhou-i": "vsw-1"},
             "vswitch_selection_policy": "best", "security_groups": ["a","b","c","d","e","f","g","h","i","j","k"],
             "eni_tags": {"k": 1}, "eni_tag_block_list": [{"key": "a"}], "ip_pool_sync_period": "soon", "ip_cooldown": 3601, "mtu": 1.5}
            """);

        Assert.Equal(
            [
                "$.eni_cap_ratio", "$.eni_tag_block_list[0]", "$.eni_tags.k", "$.ip_cooldown", "$.ip_pool_sync_period", "$.max_pool_size",
                "$.min_pool_size", "$.mtu", "$.security_groups", "$.vswitch_selection_policy", "$.vswitches.cn-hangzhou-i",
            ],
            problems.Where(p => p.Fatal).Select(p => p.Path).Order(StringComparer.Ordinal));
        Assert.All(problems, p => Assert.NotEmpty(p.Fix));
    }

    [Fact]
    public void Read_empty_gives_defaults()
    {
        var (settings, problems) = Read("{}");

        Assert.Empty(problems);
        Assert.Equal(TimeSpan.FromSeconds(130), settings.Cooldown);
        Assert.Equal(TimeSpan.FromSeconds(120), settings.SyncPeriod);
        Assert.Equal(["vsw-own"], settings.VSwitches);
        Assert.Equal(EniPolicy.MostIps, settings.EniPolicy);
    }

    [Fact]
    public void Read_other_zones_only_warns_and_takes_the_nodes_own_vswitch()
    {
        var (settings, problems) = Read("""{"vswitches": {"cn-hangzhou-k": ["vsw-9"]}}""");

        Assert.Equal(["vsw-own"], settings.VSwitches);
        Assert.False(Assert.Single(problems).Fatal);
    }

    [Theory]
    [InlineData("120s", 120)]
    [InlineData("1h30m", 5400)]
    [InlineData("1.5m", 90)]
    public void Read_go_duration(string text, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Read($$"""{"ip_pool_sync_period": "{{text}}"}""").Settings.SyncPeriod);

    [Fact]
    public void Read_any_json_never_throws() =>
        Gen.Select(
            OneOf(
                "max_pool_size", "min_pool_size", "max_eni", "min_eni", "eni_cap_ratio", "eni_cap_shift", "vswitches", "vswitch_selection_policy",
                "eni_selection_policy", "security_group", "security_groups", "eni_tags", "eni_tag_filter", "eni_tag_block_list",
                "resource_group_id", "ip_pool_sync_period", "mtu", "ip_cooldown", "ip_wait_timeout", "ip_warm_up_size", "idle_ip_reclaim_after",
                "idle_ip_reclaim_batch_size", "idle_ip_reclaim_interval", "idle_ip_reclaim_jitter_factor", "backoff_override", "enable_ip_prefix",
                "ipv4_prefix_count"),
            OneOf(
                "null", "true", "0", "-1", "1e300", "0.5", "99999999999", "\"\"", "\"x\"", "[]", "[1]", "[\"\"]", "[null]", "{}", "{\"a\":[]}",
                "{\"cn-hangzhou-i\":[\"v\",\"v\"]}", "{\"default\":{\"duration\":\"9s\",\"factor\":1e300,\"steps\":-1}}", "{\"default\":[]}", "{\"key\":\"a\",\"value\":\"b\"}", "[{\"key\":\"a\",\"value\":\"b\"}]"))
        .Array[0, 6].Sample(pairs =>
        {
            var text = "{" + string.Join(",", pairs.DistinctBy(p => p.Item1).Select(p => $"\"{p.Item1}\":{p.Item2}")) + "}";
            var (settings, problems) = Read(text);
            Assert.NotEmpty(settings.VSwitches);
            Assert.True(settings.MinPool <= settings.MaxPool);
            Assert.All(problems, p => Assert.StartsWith("$", p.Path, StringComparison.Ordinal));
        });

    [Theory]
    [InlineData("{}", 0, 0)]
    [InlineData("""{"min_pool_size": 7, "max_pool_size": 9}""", 7, 9)]
    [InlineData("""{"min_pool_size": 7, "max_pool_size": 5}""", 5, 5)]
    [InlineData("""{"min_eni": 2}""", 60, 60)]
    [InlineData("""{"min_eni": 2, "max_pool_size": 70}""", 60, 70)]
    [InlineData("""{"min_eni": 50}""", 210, 210)]
    [InlineData("""{"min_pool_size": 500, "max_pool_size": 600}""", 210, 600)]
    [InlineData("""{"min_eni": 1, "enable_ip_prefix": true}""", 464, 464)]
    [InlineData("""{"min_pool_size": 7, "max_pool_size": 9, "enable_ip_prefix": true, "ipv4_prefix_count": 3}""", 0, 0)]
    public void Watermarks_follow_pool_sizes_and_min_eni(string settings, int min, int max)
    {
        var read = Read(settings).Settings;
        var capacity = NodeCapacity.Compute(s_node, [new TestFamily(System.Net.Sockets.AddressFamily.InterNetwork, null!)], read);
        var pool = new AddressPool(new PoolClock(TimeProvider.System), read, capacity, [], () => { }) { AttachableEnis = 7 };

        Assert.Equal((min, max), (pool.MinIdle, pool.MaxIdle));
    }

    [Theory]
    [InlineData(8, 30, "{}", 210, "(EniQuantity - 1) x EniPrivateIpAddressQuantity = (8 - 1) x 30 = 210")]
    [InlineData(2, 6, "{}", 6, "(EniQuantity - 1) x EniPrivateIpAddressQuantity = (2 - 1) x 6 = 6")]
    [InlineData(8, 30, """{"max_eni": 2}""", 60, "min((EniQuantity - 1), max_eni) x EniPrivateIpAddressQuantity = min((8 - 1), 2) x 30 = 60")]
    [InlineData(8, 30, """{"eni_cap_ratio": 0.5, "eni_cap_shift": 1}""", 120, null)]
    [InlineData(8, 30, """{"eni_cap_ratio": 5}""", 210, null)]
    [InlineData(8, 30, """{"eni_cap_ratio": 0.3}""", 30, "(EniQuantity x eni_cap_ratio + eni_cap_shift - 1) x EniPrivateIpAddressQuantity = (8 x 0.3 + 0 - 1) x 30 = 30")]
    [InlineData(8, 30, """{"eni_cap_ratio": 0.1}""", 0, null)]
    [InlineData(8, 30, """{"eni_cap_shift": -3}""", 120, null)]
    [InlineData(8, 30, """{"eni_cap_shift": -100}""", 0, null)]
    [InlineData(8, 30, """{"eni_cap_shift": 5}""", 210, null)]
    [InlineData(8, 30, """{"eni_cap_ratio": 0.5, "max_eni": 2}""", 60, null)]
    [InlineData(8, 30, """{"max_eni": 100}""", 210, null)]
    [InlineData(8, 30, """{"enable_ip_prefix": true}""", 3248, "(EniQuantity - 1) x (EniPrivateIpAddressQuantity - 1) x 16 = (8 - 1) x (30 - 1) x 16 = 3248")]
    [InlineData(8, 30, """{"enable_ip_prefix": true, "max_eni": 1, "ipv4_prefix_count": 100}""", 464, null)]
    [InlineData(8, 30, """{"enable_ip_prefix": true, "ipv4_prefix_count": 10}""", 160, "min((EniQuantity - 1) x (EniPrivateIpAddressQuantity - 1) x 16 = (8 - 1) x (30 - 1) x 16 = 3248, ipv4_prefix_count x 16 = 160)")]
    [InlineData(2, 1, """{"enable_ip_prefix": true}""", 0, null)]
    public void Compute_capacity_shows_its_arithmetic(int enis, int ips, string settings, int total, string? arithmetic)
    {
        var node = Facts(enis, ips);
        var capacity = NodeCapacity.Compute(node, [new TestFamily(System.Net.Sockets.AddressFamily.InterNetwork, null!)], Read(settings).Settings);

        Assert.Equal(total, capacity.Total);
        if (arithmetic is not null)
        {
            Assert.Equal(arithmetic, capacity.Arithmetic);
        }
    }

    [Fact]
    public async Task Start_on_a_type_too_small_fails_with_the_arithmetic()
    {
        await using var node = await TestNode.CreateAsync(type: "ecs.g6.large");

        var error = await Assert.ThrowsAsync<PodNetworkException>(() => node.StartAsync());

        Assert.Contains("(EniQuantity - 1) x EniPrivateIpAddressQuantity = (2 - 1) x 6 = 6, must be > 11", error.Message, StringComparison.Ordinal);
        Assert.Equal(FindingSeverity.Error, node.Plugin.Health!.Severity);
        await Assert.ThrowsAsync<PodNetworkException>(() => node.AllocateAsync());
        Assert.Equal(0, node.Cloud.CallCount);
    }

    [Fact]
    public async Task Start_with_invalid_settings_tells_all_of_them()
    {
        await using var node = await TestNode.CreateAsync("""{"max_pool_size": "x", "mtu": []}""");

        var error = await Assert.ThrowsAsync<PodNetworkException>(() => node.StartAsync());

        Assert.Contains("$.max_pool_size", error.Message, StringComparison.Ordinal);
        Assert.Contains("$.mtu", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, node.Host.Findings.Count);
    }

    private static (PoolSettings Settings, IReadOnlyList<SettingProblem> Problems) Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return SettingsReader.Read(document.RootElement, s_node);
    }

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static NodeFacts Facts(int enis, int ips) => new()
    {
        NodeName = "n",
        InstanceId = "i-1",
        InstanceType = "t",
        RegionId = "cn-hangzhou",
        ZoneId = "cn-hangzhou-i",
        VpcId = "vpc-1",
        VSwitchId = "vsw-own",
        PrimaryMac = "00:16:3e:00:00:01",
        Addresses = [],
        EniQuantity = enis,
        EniTotalQuantity = enis,
        EniPrivateIpAddressQuantity = ips,
        EniIpv6AddressQuantity = ips,
        EniTrunkSupported = true,
    };
}
