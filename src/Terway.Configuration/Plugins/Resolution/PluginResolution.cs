using Terway.Configuration.Plugins.Manifests;
using Terway.Plugin;

namespace Terway.Configuration.Plugins.Resolution;

/// <summary>The exact plugin versions of a pool, or everything that keeps it from having them.</summary>
/// <param name="Catalog">What there was to choose from.</param>
/// <param name="Plugins">Versions, each after those it requires; empty when there are errors.</param>
/// <param name="Findings">All findings, sorted; those of severity Error make the resolution invalid.</param>
internal sealed record PluginResolution(PluginCatalog Catalog, IReadOnlyList<ResolvedPlugin> Plugins, IReadOnlyList<PluginFinding> Findings)
{
    public bool IsValid => !Findings.Any(f => f.Finding.Severity == FindingSeverity.Error);
}
