using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Transport;
using Terway.Host.Observability;

namespace Terway.Host.Tests.Observability;

/// <summary>docs/observability.md is what is exported. Instruments of plugins are compared where plugins are loaded, in the end-to-end tests.</summary>
public sealed partial class DocumentationTests
{
    [Fact]
    public void Every_metric_is_documented_with_its_type_and_nothing_else_is()
    {
        foreach (var type in (Type[])[typeof(CniMetrics), typeof(ReconcileMetrics), typeof(JournalMetrics)]) RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        using var collector = new MetricsCollector(MetricsCollector.IsTerway);
        using var gauges = new NodeGauges(new NodeReadiness());
        using var transport = new OpenApiTransport(
            new OpenApiTransportOptions { Region = "cn-hangzhou" }, new StaticCredentialProvider("id", "key"), NullLogger<OpenApiTransport>.Instance);
        var exported = collector.Collect().Select(static m => $"{m.Family.Name} {m.Family.Kind.ToString().ToLowerInvariant()}").ToHashSet();
        var documented = Rows().Matches(File.ReadAllText(DocsPath())).Where(static m => !IsOfPlugin(m.Value))
            .Select(static m => $"{m.Groups["name"].Value} {m.Groups["type"].Value}").ToList();
        Assert.Equal(documented.Count, documented.Distinct().Count());
        Assert.Equal(exported.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Alerts_use_only_metrics_that_are_documented()
    {
        var text = File.ReadAllText(DocsPath());
        var documented = Rows().Matches(text).Select(static m => m.Groups["name"].Value).ToHashSet();
        var alerts = text[text.IndexOf("```yaml", StringComparison.Ordinal)..text.IndexOf("## Log", StringComparison.Ordinal)];
        var used = Names().Matches(alerts).Select(static m => Suffix().Replace(m.Value, "")).ToHashSet();
        Assert.InRange(used.Count, 8, int.MaxValue);
        Assert.Subset(documented, used);
    }

    // Its meter is made when the plugin is loaded, which no test here does.
    private static bool IsOfPlugin(string row) =>
        row.Contains("SharedEni:", StringComparison.Ordinal) || row.Contains("DataPathV2:", StringComparison.Ordinal);

    private static string DocsPath()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "docs", "observability.md");
            if (File.Exists(path)) return path;
        }

        throw new FileNotFoundException("docs/observability.md lies in no folder above the test's");
    }

    [GeneratedRegex(@"^\| `(?<name>terway_\w+)` \| (?<type>\w+) \|.*$", RegexOptions.Multiline)]
    private static partial Regex Rows();

    [GeneratedRegex(@"terway_\w+")]
    private static partial Regex Names();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();
}
