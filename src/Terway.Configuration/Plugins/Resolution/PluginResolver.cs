using System.Collections.Immutable;
using Terway.Configuration.Plugins.Manifests;
using Terway.Plugin;

namespace Terway.Configuration.Plugins.Resolution;

/// <summary>Turns a pool's plugin list into exact versions in dependency order, or into everything that is in the way.</summary>
/// <remarks>A pure function: the order of the list and of the folder does not matter.</remarks>
internal static class PluginResolver
{
    /// <summary>Resolves a pool's list.</summary>
    /// <param name="requests">The list.</param>
    /// <param name="catalog">What there is.</param>
    /// <param name="node">What the node offers.</param>
    /// <param name="contract">Contract versions the host speaks.</param>
    public static PluginResolution Resolve(
        IReadOnlyList<PluginRequest> requests, PluginCatalog catalog, NodeEnvironment node, HostContract contract)
    {
        var findings = new List<PluginFinding>();
        var byName = new SortedDictionary<string, PluginRequest>(StringComparer.Ordinal);
        foreach (var group in requests.GroupBy(r => r.Name, StringComparer.Ordinal))
        {
            var entries = group.OrderBy(r => r.Path, StringComparer.Ordinal).ToList();
            byName[group.Key] = entries[0];
            foreach (var again in entries.Skip(1))
                findings.Add(Error(again.Path, $"{group.Key} is listed twice, also at {entries[0].Path}", "keep one entry; only one version of a plugin can be active"));
        }
        foreach (var request in byName.Values.Where(r => r.Sha256 is { } pin && !PluginDigest.IsDigest(pin)))
            findings.Add(Error($"{request.Path}.sha256", $"'{request.Sha256}' is no SHA-256", "give the digest of the plugin's folder as 64 hex digits"));

        var suitability = new Suitability(node, contract);
        var chosen = new VersionSearch(catalog, suitability, byName).Find();
        if (chosen is null)
            findings.AddRange(new ResolutionDiagnosis(catalog, suitability, byName).Explain());
        else
            findings.AddRange(SettingsFindings(chosen, byName));

        var sorted = findings.Distinct().OrderBy(f => f.ToString(), StringComparer.Ordinal).ToList();
        var resolution = new PluginResolution(catalog, [], sorted);
        return chosen is null || !resolution.IsValid ? resolution : resolution with { Plugins = Describe(chosen, byName, catalog, suitability) };
    }

    private static IEnumerable<PluginFinding> SettingsFindings(
        ImmutableSortedDictionary<string, DiscoveredPlugin> chosen, SortedDictionary<string, PluginRequest> requests) =>
        requests.Values.Where(r => r.Settings is not null)
            .SelectMany(r => chosen[r.Name].Manifest.Settings.Validate(r.Settings!.Value, $"{r.Path}.settings", chosen[r.Name].Manifest.ToString()));

    private static List<ResolvedPlugin> Describe(
        ImmutableSortedDictionary<string, DiscoveredPlugin> chosen,
        SortedDictionary<string, PluginRequest> requests,
        PluginCatalog catalog,
        Suitability suitability)
    {
        var order = DependencyOrder.Sort(chosen.Values.Select(p => p.Manifest));
        var required = new HashSet<string>(StringComparer.Ordinal);
        // Dependents come after what they require: from the end, so that a requirement of a required plugin is required.
        foreach (var plugin in order.Reverse())
        {
            if (requests.TryGetValue(plugin.Name, out var request) && request.Required)
                required.Add(plugin.Name);
            if (required.Contains(plugin.Name))
                required.UnionWith(plugin.Requires.Keys);
        }
        return [.. order.Select(plugin => Describe(plugin, required.Contains(plugin.Name)))];

        ResolvedPlugin Describe(PluginManifest plugin, bool isRequired)
        {
            var request = requests.GetValueOrDefault(plugin.Name);
            return new ResolvedPlugin(
                chosen[plugin.Name], request, isRequired, AskedBy(plugin, chosen, request),
                [.. catalog.VersionsOf(plugin.Name).Select(p => p.Manifest).TakeWhile(m => m.Version > plugin.Version)
                    .Select(newer => new PassedOverVersion(newer.Version.ToNormalizedString(), Obstacle(newer, chosen, request, catalog, suitability)))]);
        }
    }

    private static List<PluginDemand> AskedBy(PluginManifest plugin, ImmutableSortedDictionary<string, DiscoveredPlugin> chosen, PluginRequest? request)
    {
        var demands = new List<PluginDemand>();
        if (request is not null) demands.Add(new PluginDemand(request.Because ?? "listed by the pool", request.Versions?.Show(), Listed: true));
        demands.AddRange(chosen.Values.Select(p => p.Manifest).Where(m => m.Requires.ContainsKey(plugin.Name))
            .Select(m => new PluginDemand($"{m.Name} requires it", m.Requires[plugin.Name].Show(), Listed: false)));
        return demands;
    }

    private static string Obstacle(
        PluginManifest newer, ImmutableSortedDictionary<string, DiscoveredPlugin> chosen, PluginRequest? request, PluginCatalog catalog, Suitability suitability)
    {
        if (suitability.Problems(newer) is [var problem, ..])
            return problem.Reason;
        if (request?.Versions?.Satisfies(newer.Version) == false)
            return $"outside {request.Versions.Show()}";
        foreach (var other in chosen.Values.Select(p => p.Manifest).Where(m => m.Name != newer.Name))
        {
            if (other.Requires.TryGetValue(newer.Name, out var range) && !range.Satisfies(newer.Version))
                return $"{other} requires {range.Show()}";
            if (newer.Requires.TryGetValue(other.Name, out var needs) && !needs.Satisfies(other.Version))
                return $"it requires {other.Name} {needs.Show()}";
            if (ConflictRules.Clash(newer, other) || ConflictRules.Clash(other, newer))
                return $"it conflicts with {other}";
        }
        foreach (var (name, range) in newer.Requires.Where(r => !chosen.ContainsKey(r.Key)))
        {
            if (!catalog.VersionsOf(name).Any(p => range.Satisfies(p.Manifest.Version) && suitability.Problems(p.Manifest).Count == 0))
                return $"it requires {name} {range.Show()}, of which no usable version is installed";
        }

        return newer.Version.IsPrerelease ? "a pre-release that nobody asked for" : "what it requires does not fit the other plugins";
    }

    private static PluginFinding Error(string path, string reason, string fix) => new(path, new Finding(FindingSeverity.Error, reason, fix));
}
