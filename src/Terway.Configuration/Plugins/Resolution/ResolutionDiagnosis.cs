using NuGet.Versioning;
using Terway.Configuration.Plugins.Manifests;
using Terway.Plugin;

namespace Terway.Configuration.Plugins.Resolution;

/// <summary>
/// Says why no versions fit together: takes the newest version of everything that is asked for, as a person would, and names every rule this
/// breaks.
/// </summary>
internal sealed class ResolutionDiagnosis(PluginCatalog catalog, Suitability suitability, IReadOnlyDictionary<string, PluginRequest> requests)
{
    private readonly List<PluginFinding> _findings = [];
    private readonly SortedDictionary<string, PluginManifest> _chosen = new(StringComparer.Ordinal);
    private readonly HashSet<string> _hopeless = new(StringComparer.Ordinal);

    /// <summary>All findings; at least one.</summary>
    public IReadOnlyList<PluginFinding> Explain()
    {
        Choose();
        foreach (var plugin in _chosen.Values)
        {
            foreach (var (name, range) in plugin.Requires)
            {
                if (_chosen.TryGetValue(name, out var other) && !range.Satisfies(other.Version))
                    Unsatisfied(plugin, name, range, other);
            }
            foreach (var other in _chosen.Values.Where(o => ConflictRules.Clash(plugin, o)))
                Conflict(plugin, other);
        }
        foreach (var cycle in DependencyOrder.FindCycles(_chosen.Values))
        {
            Add(PathOf(cycle[0]), $"plugins require each other in a circle: {string.Join(" -> ", cycle)}",
                "install a version of one of them that does not require the next");
        }
        if (_findings.Count == 0)
            Add("plugins", "no combination of the installed plugin versions was found", "name exact versions in the pool's list");
        return _findings;
    }

    private void Choose()
    {
        var open = new SortedSet<string>(requests.Keys, StringComparer.Ordinal);
        while (open.Min is { } name)
        {
            open.Remove(name);
            if (_hopeless.Contains(name) || Newest(name) is not { } newest)
            {
                _hopeless.Add(name);
                continue;
            }
            _chosen[name] = newest;
            open.UnionWith(newest.Requires.Keys.Where(r => !_chosen.ContainsKey(r) && !_hopeless.Contains(r)));
        }
    }

    private PluginManifest? Newest(string name)
    {
        var request = requests.GetValueOrDefault(name);
        var there = catalog.VersionsOf(name);
        if (there.Count == 0)
        {
            Missing(name, request);
            return null;
        }
        var users = Users(name).Select(u => u.Requires[name]).ToList();
        List<VersionRange> asked = request?.Versions is { } range ? [range] : users;
        var inRange = there.Where(p => VersionSearch.Accepts(asked, p.Manifest.Version)).Select(p => p.Manifest).ToList();
        if (inRange.Count == 0)
        {
            OutOfRange(name, request, there);
            return null;
        }
        var suitable = inRange.Where(m => suitability.Problems(m).Count == 0).ToList();
        if (suitable.Count == 0)
        {
            foreach (var problem in inRange.SelectMany(suitability.Problems))
                _findings.Add(new PluginFinding(PathOf(name), problem));
            return null;
        }
        return suitable.FirstOrDefault(m => users.All(u => u.Satisfies(m.Version))) ?? suitable[0];
    }

    private void Missing(string name, PluginRequest? request)
    {
        var refused = catalog.Rejected.Where(r => r.Name == name || r.Name.Length == 0).ToList();
        var similar = catalog.Names.Where(n => n.Equals(name, StringComparison.OrdinalIgnoreCase)).ToList();
        var who = request is not null ? $"plugin {name} is not installed" : $"plugin {name}, which {By(name, "requires")}, is not installed";
        if (refused.Count > 0)
        {
            Add(PathOf(name), $"{who} in a usable form: {string.Join("; ", refused.Select(r => $"{(r.Version.Length == 0 ? "" : $"{r.Version}: ")}{string.Join("; ", r.Reasons)}"))}",
                "repair or reinstall the plugin's folder");
            return;
        }
        var names = catalog.Names.Order(StringComparer.Ordinal).ToList();
        Add(PathOf(name), who, similar.Count > 0 ? $"did you mean {similar[0]}? Names are case-sensitive"
            : names.Count == 0 ? $"install plugins in '{catalog.Folder}'" : $"install it in '{catalog.Folder}', or use one of {string.Join(", ", names)}");
    }

    private void OutOfRange(string name, PluginRequest? request, IReadOnlyList<DiscoveredPlugin> there)
    {
        var versions = string.Join(", ", there.Select(p => p.Manifest.Version));
        if (request?.Versions is { } asked)
        {
            var hint = there.Any(p => asked.Satisfies(p.Manifest.Version)) ? "; a pre-release must be named in the range" : "";
            Add($"{request.Path}.version", $"no installed version of {name} is in {asked.Show()}; installed: {versions}",
                $"install a version in that range, or change the range{hint}");
        }
        else
        {
            Add(PathOf(name), $"no installed version of {name} fits, although {By(name)}; installed: {versions}", $"install a version of {name} that fits");
        }
    }

    private void Unsatisfied(PluginManifest plugin, string name, VersionRange range, PluginManifest other)
    {
        var installed = string.Join(", ", catalog.VersionsOf(name).Select(p => p.Manifest.Version));
        var because = requests.GetValueOrDefault(name)?.Versions is { } asked ? $"the pool lists {name} as {asked.Show()}"
            : $"{other.Version} is the version to be used";
        Add(PathOf(plugin.Name), $"{plugin} requires {name} {range.Show()}, but {because}; installed: {installed}",
            $"change the version of {plugin.Name} or of {name} in the pool's list, or install a version of {name} in {range.Show()}");
    }

    private void Conflict(PluginManifest plugin, PluginManifest other)
    {
        var origin = requests.ContainsKey(other.Name) ? "" : $" (added because {By(other.Name)})";
        var ownOrigin = requests.ContainsKey(plugin.Name) ? "" : $" (added because {By(plugin.Name)})";
        var range = plugin.Conflicts[other.Name];
        Add(PathOf(plugin.Name), $"{plugin}{ownOrigin} and {other}{origin} cannot be active on the same node: {plugin.Name} conflicts with {other.Name} {range.Show()}",
            $"remove {plugin.Name} or {other.Name} from the pool's list; nodes that need the other one go into a pool of their own");
    }

    private IEnumerable<PluginManifest> Users(string name) => _chosen.Values.Where(m => m.Requires.ContainsKey(name));

    private string By(string name, string verb = "requires it") =>
        string.Join(" and ", Users(name).Select(u => $"{u} {verb} ({u.Requires[name].Show()})"));

    // The entry of the pool's list to which a plugin goes back, over those that required it.
    private string PathOf(string name)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var current = name; current is not null && seen.Add(current); current = Users(current).Select(u => u.Name).FirstOrDefault())
        {
            if (requests.TryGetValue(current, out var request))
                return request.Path;
        }
        return "plugins";
    }

    private void Add(string path, string reason, string fix) => _findings.Add(new PluginFinding(path, new Finding(FindingSeverity.Error, reason, fix)));
}
