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

        _folder.Write("a.json", """{"plugins": [{"name": "Goood"}]}""");
        var none = await CommandRun.OfAsync("plugins", "explain", config, "--plugin-dir", _folder["plugins"]);
        Assert.Equal(1, none.Code);
        Assert.Contains("$.plugins[0]", none.Output, StringComparison.Ordinal);
    }
}
