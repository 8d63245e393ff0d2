using Terway.Configuration.Plugins.Manifests;

namespace Terway.Configuration.Plugins.Resolution;

/// <summary>The order that requirements impose. Ties go by name, so that equal input gives equal order.</summary>
internal static class DependencyOrder
{
    /// <summary>Sorts plugins so that each comes after those it requires. There must be no cycle.</summary>
    public static IReadOnlyList<PluginManifest> Sort(IEnumerable<PluginManifest> plugins)
    {
        var open = new SortedDictionary<string, PluginManifest>(plugins.ToDictionary(p => p.Name), StringComparer.Ordinal);
        var sorted = new List<PluginManifest>(open.Count);
        while (open.Count > 0)
        {
            var next = open.Values.FirstOrDefault(p => !p.Requires.Keys.Any(open.ContainsKey))
                ?? throw new ArgumentException("the plugins require each other in a circle", nameof(plugins));
            open.Remove(next.Name);
            sorted.Add(next);
        }
        return sorted;
    }

    /// <summary>One cycle for each group of plugins that require each other, as <c>A -> B -> A</c>, starting at the lowest name.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> FindCycles(IEnumerable<PluginManifest> plugins)
    {
        var byName = plugins.ToDictionary(p => p.Name, StringComparer.Ordinal);
        var cycles = new List<IReadOnlyList<string>>();
        var reported = new HashSet<string>(StringComparer.Ordinal);
        foreach (var start in byName.Keys.Order(StringComparer.Ordinal))
        {
            if (reported.Contains(start) || WayBack(start, byName) is not { } cycle)
                continue;
            cycles.Add(cycle);
            reported.UnionWith(cycle);
        }
        return cycles;
    }

    // Breadth first: the shortest way from a plugin over its requirements back to itself.
    private static List<string>? WayBack(string start, Dictionary<string, PluginManifest> byName)
    {
        var cameFrom = new Dictionary<string, string>(StringComparer.Ordinal);
        var queue = new Queue<string>([start]);
        while (queue.TryDequeue(out var current))
        {
            foreach (var next in byName[current].Requires.Keys.Where(byName.ContainsKey).Order(StringComparer.Ordinal))
            {
                if (next == start)
                {
                    var cycle = new List<string> { start };
                    for (var step = current; step != start; step = cameFrom[step])
                        cycle.Add(step);
                    cycle.Add(start);
                    cycle.Reverse();
                    return cycle;
                }
                if (cameFrom.TryAdd(next, current))
                    queue.Enqueue(next);
            }
        }
        return null;
    }
}
