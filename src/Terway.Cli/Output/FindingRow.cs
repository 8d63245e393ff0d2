using Terway.Configuration;

namespace Terway.Cli.Output;

/// <summary>A finding as it is printed.</summary>
/// <param name="Severity">Info, Warning or Error.</param>
/// <param name="Source">File; null when there is only one.</param>
/// <param name="Path">JSON path.</param>
/// <param name="Reason">What is wrong.</param>
/// <param name="Fix">What to do.</param>
internal sealed record FindingRow(string Severity, string? Source, string Path, string Reason, string Fix)
{
    public static FindingRow Of(ConfigFinding finding) =>
        new(finding.Finding.Severity.ToString(), finding.Source, finding.Path, finding.Finding.Reason, finding.Finding.Fix);

    public static void Write(CliOutput output, IReadOnlyCollection<FindingRow> findings) =>
        output.Table(["severity", "file", "path", "reason", "fix"], [.. findings.Select(static f => new[] { f.Severity, f.Source ?? "", f.Path, f.Reason, f.Fix })]);
}
