using System.Text;
using Terway.Plugin;

namespace Terway.Configuration.Tests;

/// <summary>Configurations that list no plugins, on nodes whose label chooses a mode.</summary>
public sealed class UpstreamTranslationTests
{
    [Theory]
    [InlineData("{}", null, "SharedEni")]
    [InlineData("{}", "default", "SharedEni")]
    [InlineData("{}", "eniOnly", "ExclusiveEni")]
    [InlineData("{}", "ENIONLY", "ExclusiveEni")]
    [InlineData("""{"ip_stack": "dual"}""", "eniOnly", "ExclusiveEni IPv6DualStack")]
    [InlineData("""{"eniip_virtual_type": "Veth", "enable_eni_trunking": false}""", "eniOnly", "ExclusiveEni")]
    [InlineData("""{"eniip_virtual_type": "datapathv2", "enable_eni_trunking": true}""", "eniOnly", "ExclusiveEni")]
    [InlineData("""{"eniip_virtual_type": "datapathv2", "enable_eni_trunking": true}""", null, "SharedEni DataPathV2 TrunkEni")]
    [InlineData("""{"plugins": [{"name": "SharedEni"}]}""", "eniOnly", "SharedEni")]
    public void Label_chooses_the_mode_unless_plugins_are_listed(string json, string? label, string plugins)
    {
        var config = Parse(json, label);
        Assert.Equal(plugins, string.Join(' ', config.Plugins.Select(static p => p.Name)));
        Assert.DoesNotContain(config.Findings, static f => f.Finding.Severity == FindingSeverity.Error);
    }

    [Fact]
    public void What_is_for_the_clusters_other_nodes_is_said_to_be_without_effect()
    {
        var findings = Parse("""{"eniip_virtual_type": "ipvlan", "enable_eni_trunking": true}""", "eniOnly").Findings;
        Assert.Equal(["$.eniip_virtual_type", "$.enable_eni_trunking"], findings.Select(static f => f.Path));
        Assert.All(findings, static f => Assert.Equal(FindingSeverity.Info, f.Finding.Severity));
    }

    [Fact]
    public void Label_with_another_value_is_an_error() =>
        Assert.Contains(Parse("{}", "eni-only").Findings, static f => f.Finding is { Severity: FindingSeverity.Error } e && e.Reason.Contains("eni-only", StringComparison.Ordinal));

    private static NodePoolConfig Parse(string json, string? label) => NodePoolConfig.Parse(
        Encoding.UTF8.GetBytes(json), "eni_conf", label is null ? null : new Dictionary<string, string> { [UpstreamTranslation.ExclusiveLabel] = label });
}
