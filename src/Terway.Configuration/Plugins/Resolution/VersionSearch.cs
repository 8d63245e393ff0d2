using System.Collections.Immutable;
using NuGet.Versioning;
using Terway.Configuration.Plugins.Manifests;

namespace Terway.Configuration.Plugins.Resolution;

/// <summary>
/// Finds versions that fit together, newest first, stepping back where a choice does not work out: complete, so that no answer means there is none.
/// </summary>
internal sealed class VersionSearch(PluginCatalog catalog, Suitability suitability, IReadOnlyDictionary<string, PluginRequest> requests)
{
    // A pool has some ten plugins in a few versions; the bound only keeps a malicious set of manifests from holding up the start.
    private const int MaxSteps = 20_000;

    private readonly Dictionary<string, List<DiscoveredPlugin>> _suitable = new(StringComparer.Ordinal);
    private int _steps;

    /// <summary>Versions by name, or null when there are none that fit together.</summary>
    public ImmutableSortedDictionary<string, DiscoveredPlugin>? Find() =>
        Extend(
            ImmutableSortedDictionary.Create<string, DiscoveredPlugin>(StringComparer.Ordinal),
            requests.Keys.ToImmutableSortedSet(StringComparer.Ordinal));

    private ImmutableSortedDictionary<string, DiscoveredPlugin>? Extend(
        ImmutableSortedDictionary<string, DiscoveredPlugin> chosen, ImmutableSortedSet<string> open)
    {
        if (++_steps > MaxSteps)
            return null;
        if (open.IsEmpty)
            return DependencyOrder.FindCycles(chosen.Values.Select(p => p.Manifest)).Count == 0 ? chosen : null;

        var name = open[0];
        foreach (var candidate in Candidates(name, chosen))
        {
            if (!Fits(candidate.Manifest, chosen))
                continue;
            var next = chosen.Add(name, candidate);
            if (Extend(next, open.Remove(name).Union(candidate.Manifest.Requires.Keys.Where(r => !next.ContainsKey(r)))) is { } found)
                return found;
        }
        return null;
    }

    private IEnumerable<DiscoveredPlugin> Candidates(string name, ImmutableSortedDictionary<string, DiscoveredPlugin> chosen)
    {
        if (!_suitable.TryGetValue(name, out var suitable))
            _suitable[name] = suitable = [.. catalog.VersionsOf(name).Where(p => suitability.Problems(p.Manifest).Count == 0)];
        var asked = requests.GetValueOrDefault(name)?.Versions;
        var ranges = chosen.Values.Where(p => p.Manifest.Requires.ContainsKey(name)).Select(p => p.Manifest.Requires[name]).ToList();
        if (asked is not null)
            ranges.Add(asked);
        return suitable.Where(p => Accepts(ranges, p.Manifest.Version));
    }

    /// <summary>Whether all ranges accept a version, and one of them names a pre-release if it is one.</summary>
    public static bool Accepts(IReadOnlyCollection<VersionRange> ranges, NuGetVersion version) =>
        ranges.All(r => r.Satisfies(version)) && (!version.IsPrerelease || ranges.Any(VersionRangeText.NamesPrerelease));

    private static bool Fits(PluginManifest candidate, ImmutableSortedDictionary<string, DiscoveredPlugin> chosen) =>
        candidate.Requires.All(r => !chosen.TryGetValue(r.Key, out var other) || r.Value.Satisfies(other.Manifest.Version))
        && chosen.Values.All(other => !ConflictRules.Clash(candidate, other.Manifest) && !ConflictRules.Clash(other.Manifest, candidate));
}
