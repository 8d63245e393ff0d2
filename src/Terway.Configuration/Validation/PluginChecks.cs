using Terway.Configuration.Plugins.Resolution;

namespace Terway.Configuration.Validation;

/// <summary>A configuration's plugin list, against the plugins there are or those that come with Terway.</summary>
internal static class PluginChecks
{
    private static readonly string[] s_own = ["SharedEni", "ExclusiveEni", "TrunkEni", "DataPathV2", "NetworkPolicy", "IPv6DualStack"];

    // What these plugins' manifests say; used where there are no manifests to ask.
    private static readonly (string One, string Other, string Why)[] s_conflicts =
    [
        ("SharedEni", "ExclusiveEni", "a node's ENIs are either shared or exclusive"),
        ("ExclusiveEni", "NetworkPolicy", "traffic of exclusive ENIs passes no policy"),
        ("ExclusiveEni", "DataPathV2", "traffic of exclusive ENIs does not pass where it accelerates"),
        ("ExclusiveEni", "TrunkEni", "member ENIs belong to nodes that share ENIs"),
    ];

    public static void Check(NodePoolConfig config, ValidationContext context, List<ConfigFinding> findings)
    {
        var requests = ConfigPlugins.Requests(config, findings);
        if (!context.CheckPlugins) return;
        if (context.Catalog is { } catalog)
        {
            var node = context.Node ?? new NodeEnvironment(new Version(int.MaxValue, 0), NodeEnvironment.KnownCapabilities.ToHashSet(StringComparer.Ordinal));
            var said = findings.Select(static f => f.Path).ToHashSet(StringComparer.Ordinal);
            findings.AddRange(PluginResolver.Resolve(requests, catalog, node, HostContract.Current).Findings
                .Where(f => !said.Contains(f.Path)).Select(static f => new ConfigFinding(f.Path, f.Finding)));
            return;
        }

        CheckNames(config, findings);
    }

    private static void CheckNames(NodePoolConfig config, List<ConfigFinding> findings)
    {
        var first = new Dictionary<string, PluginChoice>(StringComparer.Ordinal);
        foreach (var plugin in config.Plugins)
        {
            if (!first.TryAdd(plugin.Name, plugin))
                findings.Add(ConfigFinding.Error(plugin.Path, $"{plugin.Name} is listed twice, also at {first[plugin.Name].Path}", "keep one entry; only one version of a plugin can be active"));
            else if (!s_own.Contains(plugin.Name))
                findings.Add(ConfigFinding.Warning($"{plugin.Path}.name", $"no plugin {plugin.Name} comes with Terway{NearMiss.Hint(plugin.Name, s_own)}", "check with --plugin-dir if it is somebody else's"));
        }

        foreach (var (one, other, why) in s_conflicts)
        {
            if (first.TryGetValue(one, out var a) && first.TryGetValue(other, out var b))
                findings.Add(ConfigFinding.Error(b.Path, $"{b.Name} and {a.Name} ({a.Path}) exclude each other: {why}", "remove one of them"));
        }
    }
}
