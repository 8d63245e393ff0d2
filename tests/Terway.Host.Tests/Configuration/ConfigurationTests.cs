using System.Text;
using Terway.Configuration;
using Terway.Host.Tests.Fixtures;
using Terway.Plugin;

namespace Terway.Host.Tests.Configuration;

public sealed class ConfigurationTests
{
    [Fact]
    public void Plugins_are_taken_in_order_with_all_they_say()
    {
        var config = Parse("""
            { "version": "1", // comments and a last comma are fine
              "plugins": [ {"name": "SharedEni", "version": "[1.0,2.0)", "sha256": "ab", "settings": {"max_pool_size": 9}}, {"name": "DataPathV2"}, ] }
            """);
        Assert.Empty(config.Findings);
        Assert.Equal([("SharedEni", "[1.0,2.0)", "ab", "$.plugins[0]"), ("DataPathV2", null, null, "$.plugins[1]")],
            config.Plugins.Select(static p => (p.Name, p.Version, p.Sha256, p.Path)));
        Assert.Equal(9, config.Plugins[0].Settings!.Value.GetProperty("max_pool_size").GetInt32());
    }

    [Theory]
    [InlineData("{", "$")]
    [InlineData("[]", "$")]
    [InlineData("""{"version":2}""", "$.version")]
    [InlineData("""{"plugins":[]}""", "$.plugins")]
    [InlineData("""{"plugins":null}""", "$.plugins")]
    [InlineData("""{"plugins":[{"name":"A"},7]}""", "$.plugins[1]")]
    [InlineData("""{"plugins":[{}]}""", "$.plugins[0].name")]
    [InlineData("""{"plugins":[{"name":5}]}""", "$.plugins[0].name")]
    [InlineData("""{"plugins":[{"name":"A","verison":"1"}]}""", "$.plugins[0].verison")]
    [InlineData("""{"plugins":[{"name":"A","settings":[]}]}""", "$.plugins[0].settings")]
    [InlineData("""{"plugins":[{"name":"A","sha256":""}]}""", "$.plugins[0].sha256")]
    [InlineData("""{"eniip_virtual_type":"Vlan"}""", "$.eniip_virtual_type")]
    [InlineData("""{"eniip_virtual_type":1}""", "$.eniip_virtual_type")]
    [InlineData("""{"enable_eni_trunking":"true"}""", "$.enable_eni_trunking")]
    [InlineData("""{"ip_stack":"ipv6"}""", "$.ip_stack")]
    public void What_is_wrong_is_one_error_at_its_place(string json, string path)
    {
        var finding = Assert.Single(Parse(json).Findings);
        Assert.Equal((path, FindingSeverity.Error), (finding.Path, finding.Finding.Severity));
        Assert.NotEmpty(finding.Finding.Fix);
    }

    [Fact]
    public void Everything_wrong_is_said_at_once()
    {
        var config = Parse("""{"version":"2","plugins":[{"name":""},{"name":"A","x":1,"settings":1}]}""");
        Assert.Equal(["$.version", "$.plugins[0].name", "$.plugins[1].x", "$.plugins[1].settings"], config.Findings.Select(static f => f.Path));
    }

    [Theory]
    [InlineData("{}", "SharedEni")]
    [InlineData("""{"eniip_virtual_type":"Veth","enable_eni_trunking":false,"ip_stack":"ipv4"}""", "SharedEni")]
    [InlineData("""{"eniip_virtual_type":null,"ip_stack":null,"enable_eni_trunking":null}""", "SharedEni")]
    [InlineData("""{"eniip_virtual_type":"datapathv2"}""", "SharedEni,DataPathV2")]
    [InlineData("""{"enable_eni_trunking":true}""", "SharedEni,TrunkEni")]
    [InlineData("""{"ip_stack":"dual"}""", "SharedEni,IPv6DualStack")]
    public void Configuration_of_upstream_is_translated(string json, string plugins)
    {
        var config = Parse(json);
        Assert.Empty(config.Findings);
        Assert.Equal(plugins, string.Join(',', config.Plugins.Select(static p => p.Name)));
    }

    [Fact]
    public void IPVlan_becomes_DataPathV2_with_a_warning()
    {
        var config = Parse("""{"eniip_virtual_type":"IPVlan"}""");
        Assert.Equal(FindingSeverity.Warning, Assert.Single(config.Findings).Finding.Severity);
        Assert.Contains(config.Plugins, static p => p.Name == "DataPathV2");
    }

    [Fact]
    public void Unknown_type_is_quoted_as_it_was_written() =>
        Assert.Contains("\"MacVlan\"", Parse("""{"eniip_virtual_type":"MacVlan"}""").Findings[0].Finding.Reason, StringComparison.Ordinal);

    [Fact]
    public void Version_that_is_no_range_is_a_finding_and_the_others_are_asked_for()
    {
        var findings = new List<ConfigFinding>();
        var requests = ConfigPlugins.Requests(Parse("""{"plugins":[{"name":"A","version":"newest"},{"name":"B","version":"[1.0,2.0)"},{"name":"C"}]}"""), findings);
        Assert.Equal("$.plugins[0].version", Assert.Single(findings).Path);
        Assert.Equal(["B", "C"], requests.Select(static r => r.Name));
        Assert.True(requests[0].Versions!.Satisfies(new NuGet.Versioning.NuGetVersion("1.5.0")));
        Assert.Null(requests[1].Versions);
    }

    [Fact]
    public void Settings_of_a_plugin_lie_over_those_of_the_pool()
    {
        var merged = EffectiveSettings.Merge(
            Samples.Json("""{"a":1,"b":{"x":1},"plugins":[{}],"c":3}"""), Samples.Json("""{"b":{"y":2},"c":null,"d":4}"""));
        Assert.Equal("""{"a":1,"b":{"y":2},"c":null,"d":4}""", merged.GetRawText());
        Assert.Equal("""{"a":1}""", EffectiveSettings.Merge(Samples.Json("""{"a":1}"""), null).GetRawText());
    }

    [Fact]
    public async Task File_that_is_not_there_is_a_finding()
    {
        using var folder = new TempFolder();
        var missing = await ConfigFile.ReadAsync(folder["eni_conf"], new Dictionary<string, string>(), TestContext.Current.CancellationToken);
        Assert.Equal("$", Assert.Single(missing.Findings).Path);
        Assert.Empty(missing.Plugins);
        await File.WriteAllTextAsync(folder["eni_conf"], "{}", TestContext.Current.CancellationToken);
        Assert.Empty((await ConfigFile.ReadAsync(folder["eni_conf"], new Dictionary<string, string>(), TestContext.Current.CancellationToken)).Findings);
    }

    private static NodePoolConfig Parse(string json) => NodePoolConfig.Parse(Encoding.UTF8.GetBytes(json), "eni_conf");
}
