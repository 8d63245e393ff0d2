using System.Text.Json;
using Terway.Configuration.Validation;

namespace Terway.Configuration.Tests;

public sealed class OverlayTests
{
    // The examples of RFC 7396, appendix A.
    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"a":null}""", """{}""")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("""["a","b"]""", """["c","d"]""", """["c","d"]""")]
    [InlineData("""{"a":"b"}""", """["c"]""", """["c"]""")]
    [InlineData("""{"a":"foo"}""", "null", "null")]
    [InlineData("""{"a":"foo"}""", "\"bar\"", "\"bar\"")]
    [InlineData("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [InlineData("[1,2]", """{"a":"b","c":null}""", """{"a":"b"}""")]
    [InlineData("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    public void Merges_as_the_standard_says(string target, string patch, string result) =>
        Assert.Equal(result, MergePatch.Apply(Json(target), Json(patch)).GetRawText());

    [Fact]
    public void The_merged_configuration_is_judged_and_the_file_named()
    {
        var config = Check.Parse("""{"mtu": -1, "ip_cooldown": 9999, "min_pool_size": 5}""", """{"ip_cooldown": 60, "max_pool_size": 3, "ip_wait_timeout": 0}""");
        var findings = ConfigValidator.Validate(config, new ValidationContext());
        Assert.Equal(
            [("$.ip_wait_timeout", "overlay.json"), ("$.mtu", "base.json"), ("$.min_pool_size", "base.json")],
            findings.Select(static f => (f.Path, f.Source!)));
        Assert.StartsWith("overlay.json: $.ip_wait_timeout: ", findings[0].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Plugins_of_the_overlay_replace_those_below()
    {
        var config = Check.Parse("""{"plugins": [{"name": "SharedEni"}, {"name": "DataPathV2"}]}""", """{"plugins": [{"name": "ExclusiveEni", "version": "x"}]}""");
        Assert.Equal("ExclusiveEni", Assert.Single(config.Plugins).Name);
        var finding = Assert.Single(ConfigValidator.Validate(config, new ValidationContext()));
        Assert.Equal(("$.plugins[0].version", "overlay.json"), (finding.Path, finding.Source));
    }

    [Theory]
    [InlineData("{", "{}", "base.json")]
    [InlineData("{}", "{", "overlay.json")]
    [InlineData("{}", "[]", "overlay.json")]
    public void A_file_that_cannot_be_merged_is_named(string json, string overlay, string source)
    {
        var finding = Assert.Single(ConfigValidator.Validate(Check.Parse(json, overlay), new ValidationContext()));
        Assert.Equal(("$", source), (finding.Path, finding.Source));
    }

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
