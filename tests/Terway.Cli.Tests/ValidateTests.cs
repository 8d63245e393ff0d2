using System.Text.Json;

namespace Terway.Cli.Tests;

public sealed class ValidateTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Errors_are_exit_code_1_and_all_are_shown()
    {
        var run = await CommandRun.OfAsync(
            "validate", _folder.Write("a.json", """{"mtu": -1, "max_pool_sise": 5, "service_cidr": "10.0.0.0/8"}"""), "--node-cidr", "10.1.0.0/16");
        Assert.Equal(1, run.Code);
        Assert.Equal(["Error", "Error", "Warning"], run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(static l => l.Split(' ')[0]));
        Assert.Contains("did you mean \"max_pool_size\"?", run.Output, StringComparison.Ordinal);
        Assert.Contains("overlaps with the node range 10.1.0.0/16", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"max_pool_sise": 5}""")]
    public async Task Without_errors_the_exit_code_is_0(string json) =>
        Assert.Equal(0, (await CommandRun.OfAsync("validate", _folder.Write("a.json", json))).Code);

    [Fact]
    public async Task Overlay_is_merged_and_named()
    {
        var (config, overlay) = (_folder.Write("a.json", """{"mtu": -1}"""), _folder.Write("b.json", """{"mtu": 99999}"""));
        using var json = JsonDocument.Parse((await CommandRun.OfAsync("validate", config, overlay, "--json")).Output);
        var finding = Assert.Single(json.RootElement.GetProperty("findings").EnumerateArray());
        Assert.Equal((overlay, "$.mtu"), (finding.GetProperty("source").GetString(), finding.GetProperty("path").GetString()));
        Assert.False(json.RootElement.GetProperty("valid").GetBoolean());
    }

    [Fact]
    public async Task Instance_type_is_checked_with_its_arithmetic()
    {
        var config = _folder.Write("a.json", "{}");
        var run = await CommandRun.OfAsync("validate", config, "--instance-type", "ecs.t6-c1m1.large");
        Assert.Equal(1, run.Code);
        Assert.Contains("(2 - 1) x 2 = 2", run.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await CommandRun.OfAsync("validate", config, "--instance-type", "ecs.g7.large")).Code);
    }

    [Theory]
    [InlineData("validate", "/nonexistent/eni_conf")]
    [InlineData("validate", "/proc/version", "--node-cidr", "10.0.0.0")]
    [InlineData("validate", "/proc/version", "--instance-type", "ecs.unheard.of")]
    [InlineData("status", "--socket", "/nonexistent/eni.socket")]
    [InlineData("mapping", "--socket", "/nonexistent/eni.socket")]
    public async Task What_cannot_be_told_is_exit_code_2_with_the_reason(params string[] args)
    {
        var run = await CommandRun.OfAsync(args);
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.NotEmpty(run.Error);
    }

    [Fact]
    public async Task Explain_names_versions_and_why_others_were_passed_over()
    {
        foreach (var (version, kernel) in (List<(string, string)>)[("1.0.0", "4.19"), ("1.1.0", "99.0")])
        {
            _folder.Write($"plugins/Good/{version}/plugin.json", $$"""
                { "name": "Good", "version": "{{version}}", "assembly": "Good.dll", "contract": "[1.0,2.0)", "provides": ["INodeService"], "kernel": { "minVersion": "{{kernel}}" } }
                """);
        }

        _folder.Write("plugins/Bad/1.0.0/plugin.json", "{");
        var config = _folder.Write("a.json", """{"plugins": [{"name": "Good"}]}""");
        var run = await CommandRun.OfAsync("plugins", "explain", config, "--plugin-dir", _folder["plugins"], "--kernel", "5.10.134-16.al8.x86_64");
        Assert.Contains("1.1.0 passed over: ", run.Output, StringComparison.Ordinal);
        Assert.Contains("99.0", run.Output, StringComparison.Ordinal);
        Assert.Contains("not usable: " + _folder["plugins/Bad/1.0.0"], run.Output, StringComparison.Ordinal);
        Assert.Equal(0, run.Code);

        _folder.Write("a.json", """{"plugins": [{"name": "Good", "version": "[1.0,2.0)"}]}""");
        using var json = JsonDocument.Parse((await CommandRun.OfAsync("plugins", "explain", config, "--plugin-dir", _folder["plugins"], "--kernel", "5.10", "--json")).Output);
        var plugin = Assert.Single(json.RootElement.GetProperty("plugins").EnumerateArray());
        Assert.Equal("1.0.0", plugin.GetProperty("version").GetString());
        var asked = Assert.Single(plugin.GetProperty("askedBy").EnumerateArray());
        Assert.Equal(("listed by the pool", "[1.0,2.0)"), (asked.GetProperty("by").GetString(), asked.GetProperty("versions").GetString()));
        var passedOver = Assert.Single(plugin.GetProperty("passedOver").EnumerateArray());
        Assert.Equal(
            ("1.1.0", "Good 1.1.0 needs kernel 99.0, this node runs 5.10"), (passedOver.GetProperty("version").GetString(), passedOver.GetProperty("reason").GetString()));

        _folder.Write("a.json", """{"plugins": [{"name": "Goood"}]}""");
        var none = await CommandRun.OfAsync("plugins", "explain", config, "--plugin-dir", _folder["plugins"]);
        Assert.Equal(1, none.Code);
        Assert.Contains("$.plugins[0]", none.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("eni-only-by-label", true)]
    [InlineData("datapathv2-policy", true)]
    [InlineData("node-config-wrong", false)]
    public async Task Explain_says_what_is_written_down_of_an_upstream_configuration(string shape, bool valid)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "golden", "shapes", shape);
        foreach (var from in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "golden", "plugins"), "plugin.json", SearchOption.AllDirectories))
            _folder.Write($"plugins/{Path.GetFileName(Path.GetDirectoryName(from))}/1.0.0/plugin.json", await File.ReadAllTextAsync(from, TestContext.Current.CancellationToken));
        using var expected = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "expected.json"), TestContext.Current.CancellationToken));
        var labels = (await File.ReadAllTextAsync(Path.Combine(folder, "node-labels"), TestContext.Current.CancellationToken)).ReplaceLineEndings(",");
        var overlay = Path.Combine(folder, "node.eni_conf");

        var run = await CommandRun.OfAsync(
        [
            "plugins", "explain", Path.Combine(folder, "eni_conf"), .. File.Exists(overlay) ? [overlay] : Array.Empty<string>(),
            "--plugin-dir", _folder["plugins"], "--kernel", "6.1.0", "--node-labels", labels, "--json",
        ]);

        using var said = JsonDocument.Parse(run.Output);
        Assert.Equal(valid ? 0 : 1, run.Code);
        Assert.Equal(Plugins(expected), Plugins(said));
        // Of the configuration's findings those that say which plugins: what the validator says of settings is the command validate's.
        var all = Findings(expected);
        Assert.NotEmpty(Findings(said));
        Assert.All(Findings(said), f => Assert.Contains(f, all));

        static List<string> Plugins(JsonDocument document) =>
            [.. document.RootElement.GetProperty("plugins").EnumerateArray().Select(static p => $"{p.GetProperty("name")} {p.GetProperty("version")} {p.GetProperty("why")}")];

        static List<string> Findings(JsonDocument document) =>
            [.. document.RootElement.GetProperty("findings").EnumerateArray().Select(static f => $"{f.GetProperty("severity")} {f.GetProperty("path")} {f.GetProperty("reason")} {f.GetProperty("fix")}")];
    }
}
