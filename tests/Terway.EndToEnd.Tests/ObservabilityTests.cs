using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab.Cluster;
using Terway.Lab.Nodes;
using Terway.Lab.Runtime;

namespace Terway.EndToEnd.Tests;

/// <summary>What a scraper and a prober see of a daemon on a node while pods come and go.</summary>
public sealed partial class ObservabilityTests
{
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Numbers_follow_pods_from_add_to_delete()
    {
        await using var one = await OneNode.StartAsync(Token);
        using var client = MetricsSocket.Client(one.Node);
        var daemon = one.Cluster.Daemon(one.Node);
        // Ready before the cloud has been asked what there is: until then the plugin calls itself degraded.
        var before = await WaitAsync(client, static m => m.ContainsKey("""terway_plugin_state{plugin="SharedEni",state="Started",version="1.0.0"}"""));
        Assert.Equal(0, before["""terway_pool_in_use{provider="SharedEni"}"""]);
        Assert.Equal(1, before["terway_node_ready"]);
        Assert.Equal(
            """terway_plugin_state{plugin="SharedEni",state="Started",version="1.0.0"}""",
            Assert.Single(before.Keys, static k => k.StartsWith("terway_plugin_state{plugin=\"SharedEni\"", StringComparison.Ordinal)));
        Assert.Equal(1, before["""terway_plugin_set_info{plugins="SharedEni/1.0.0"}"""]);
        Assert.InRange(Sum(before, "terway_cloud_calls_total{", "code=\"OK\""), 1, double.MaxValue);
        Assert.InRange(Sum(before, "terway_journal_commit_duration_seconds_count{", "result=\"ok\""), 1, double.MaxValue);
        Assert.False(before.ContainsKey("""terway_cni_calls_total{command="ADD",outcome="ok"}"""));

        var pod = await one.Cluster.AddPodAsync(one.Node, "counted", Token);
        var during = await ScrapeAsync(client);
        Assert.Equal(1, during["""terway_cni_calls_total{command="ADD",outcome="ok"}"""]);
        Assert.Equal(1, during["""terway_cni_call_duration_seconds_count{command="ADD"}"""]);
        foreach (var stage in (string[])["queue", "pool", "kernel", "stages", "commit"]) Assert.Equal(1, during[$"terway_cni_add_stage_duration_seconds_count{{stage=\"{stage}\"}}"]);
        Assert.Equal(0, during["terway_cni_calls_in_flight"]);
        Assert.Equal(1, during["""terway_pool_in_use{provider="SharedEni"}"""]);
        Assert.Equal(1, during["""terway_attachments{phase="attached"}"""]);
        Assert.Equal(before["""terway_pool_capacity{provider="SharedEni"}"""], during["""terway_pool_capacity{provider="SharedEni"}"""]);

        await daemon.Runtime.CollectGarbageAsync(daemon.Network, [], Token);
        await Assert.ThrowsAsync<CniCallException>(() => daemon.Runtime.CheckAsync(daemon.Network, pod.Attachment, Token));
        await one.Cluster.RemovePodAsync("counted", Token);
        var after = await WaitAsync(client, static m => m["""terway_pool_in_use{provider="SharedEni"}"""] == 0);
        Assert.Equal(1, after["""terway_cni_calls_total{command="GC",outcome="ok"}"""]);
        Assert.Equal(1, after["""terway_cni_calls_total{command="CHECK",outcome="unknown_container"}"""]);
        Assert.Equal(1, after["""terway_cni_calls_total{command="DEL",outcome="ok"}"""]);
        Assert.Equal((0, 0), (after["""terway_attachments{phase="attached"}"""], after["terway_detach_backlog"]));
        Assert.Equal(1, after["""terway_pool_cooling_down{provider="SharedEni"}"""]);

        using var health = await client.GetAsync("/healthz", Token);
        Assert.Equal((HttpStatusCode.OK, "ok\n"), (health.StatusCode, await health.Content.ReadAsStringAsync(Token)));
        using var ready = await client.GetAsync("/readyz", Token);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
    }

    [Fact]
    public async Task Meter_of_the_plugin_is_exported_and_tells_how_soon_addresses_come_again()
    {
        const string count = "terway_pool_address_reuse_interval_seconds_count";
        await using var one = await OneNode.StartAsync(Token, eniConf: """
            {
              "version": "1",
              "plugins": [ { "name": "SharedEni", "version": "[1.0,2.0)" } ],
              "vswitches": { "cn-hangzhou-i": ["vsw-lab-pods"] },
              "security_groups": ["sg-lab-cluster"],
              "min_pool_size": 1, "max_pool_size": 1, "ip_cooldown": 1
            }
            """);
        using var client = MetricsSocket.Client(one.Node);
        var metrics = await ScrapeAsync(client);
        // Never an address twice so far: the instrument is there, and has no series.
        Assert.False(metrics.ContainsKey(count));
        for (var i = 0; i < 10 && !metrics.ContainsKey(count); i++)
        {
            await one.Cluster.AddPodAsync(one.Node, $"p{i}", Token);
            await one.Cluster.RemovePodAsync($"p{i}", Token);
            await WaitAsync(client, static m => m["""terway_pool_in_use{provider="SharedEni"}"""] + m["""terway_pool_cooling_down{provider="SharedEni"}"""] == 0);
            metrics = await ScrapeAsync(client);
        }

        Assert.InRange(metrics[count], 1, 20);
        // Not before the cool-down of a second was over.
        Assert.Equal(0, metrics["""terway_pool_address_reuse_interval_seconds_bucket{le="1"}"""]);
        Assert.InRange(metrics["terway_pool_address_reuse_interval_seconds_sum"], 1, double.MaxValue);
    }

    [Fact]
    public async Task Documentation_names_what_a_running_daemon_exports()
    {
        await using var one = await OneNode.StartAsync(Token, eniConf: PoolConfig.AcceleratedWith(2, 4));
        using var client = MetricsSocket.Client(one.Node);
        var exported = Types().Matches(await client.GetStringAsync("/metrics", Token)).Select(static m => $"{m.Groups["name"].Value} {m.Groups["type"].Value}");
        var documented = Rows().Matches(await File.ReadAllTextAsync(DocsPath(), Token)).Select(static m => $"{m.Groups["name"].Value} {m.Groups["type"].Value}");
        Assert.Equal(documented.Order(StringComparer.Ordinal), exported.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Wrong_configuration_is_not_ready_with_the_place_and_the_way_out_and_alive()
    {
        await using var one = await OneNode.StartAsync(
            Token, ready: false, eniConf: """{"version": "1", "plugins": [{"name": "SharedEni", "version": "[9.0,10.0)"}]}""");
        using var client = MetricsSocket.Client(one.Node);
        await WaitAsync(client, static m => m.GetValueOrDefault("terway_findings{severity=\"error\"}") > 0 && m.ContainsKey("""terway_attachments{phase="attached"}"""));
        using var ready = await client.GetAsync("/readyz", Token);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        var json = JsonNode.Parse(await ready.Content.ReadAsStringAsync(Token))!;
        Assert.False(json["ready"]!.GetValue<bool>());
        Assert.Contains("plugins[0]", json["reason"]!.GetValue<string>(), StringComparison.Ordinal);
        var finding = json["findings"]!.AsArray()[0]!;
        Assert.Equal("Error", finding["severity"]!.GetValue<string>());
        Assert.Contains("plugins[0]", finding["path"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.NotEmpty(finding["fix"]!.GetValue<string>());
        Assert.Equal("Discovered", json["plugins"]!.AsArray().Single(static p => p!["name"]!.GetValue<string>() == "SharedEni")!["state"]!.GetValue<string>());
        Assert.Equal(0, (await ScrapeAsync(client))["terway_node_ready"]);
        using var health = await client.GetAsync("/healthz", Token);
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
    }

    private static double Sum(Dictionary<string, double> metrics, string name, string label) => metrics
        .Where(m => m.Key.StartsWith(name, StringComparison.Ordinal) && m.Key.Contains(label, StringComparison.Ordinal)).Sum(static m => m.Value);

    private static async Task<Dictionary<string, double>> WaitAsync(HttpClient client, Func<Dictionary<string, double>, bool> until)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(s_settle);
        while (true)
        {
            try
            {
                var metrics = await ScrapeAsync(client);
                if (until(metrics)) return metrics;
            }
            catch (HttpRequestException) when (!limit.IsCancellationRequested)
            {
                // Still starting.
            }

            await Task.Delay(50, limit.Token);
        }
    }

    private static async Task<Dictionary<string, double>> ScrapeAsync(HttpClient client) => (await client.GetStringAsync("/metrics", Token))
        .Split('\n').Where(static l => l.Length > 0 && l[0] != '#')
        .ToDictionary(static l => l[..l.LastIndexOf(' ')], static l => Number(l[(l.LastIndexOf(' ') + 1)..]));

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string DocsPath()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "docs", "observability.md");
            if (File.Exists(path)) return path;
        }

        throw new FileNotFoundException("docs/observability.md lies in no folder above the test's");
    }

    [GeneratedRegex(@"^# TYPE (?<name>\S+) (?<type>\w+)$", RegexOptions.Multiline)]
    private static partial Regex Types();

    [GeneratedRegex(@"^\| `(?<name>terway_\w+)` \| (?<type>\w+) \|.*$", RegexOptions.Multiline)]
    private static partial Regex Rows();
}
