using System.Text.Json;

namespace Terway.Configuration.Validation;

/// <summary>
/// Everything that is wrong with a node pool's configuration, at once. The daemon, the command line and the webhook ask this one validator, so that
/// what one of them accepts no other refuses. Pure; never throws for what is in a configuration.
/// </summary>
internal static class ConfigValidator
{
    private const int MaxSecurityGroups = 10;

    /// <summary>All findings: those of reading, and those of looking at the values. Errors first, each group by path.</summary>
    public static IReadOnlyList<ConfigFinding> Validate(NodePoolConfig config, ValidationContext context)
    {
        var findings = new List<ConfigFinding>(config.Findings);
        if (config.Root.ValueKind == JsonValueKind.Object && !findings.Exists(static f => f.Path == "$"))
        {
            CheckKeys(config.Root, "$", findings);
            CheckPluginSettings(config, findings);
            PluginChecks.Check(config, context, findings);
            var settings = Effective(config);
            CheckTogether(config, settings, findings);
            DualStackChecks.Check(config, settings, context, findings);
            CidrChecks.Check(config.Root, context.Networks, findings);
            if (context.InstanceType is { } type) InstanceChecks.Check(config, settings, type, findings);
        }

        return [.. findings.Distinct().Select(f => f with { Source = f.Source ?? config.Origin?.Of(f.Path) })
            .OrderByDescending(static f => f.Finding.Severity).ThenBy(static f => f.Path, StringComparer.Ordinal)];
    }

    private static void CheckKeys(JsonElement settings, string path, List<ConfigFinding> findings)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in settings.EnumerateObject())
        {
            var at = $"{path}.{member.Name}";
            if (!seen.Add(member.Name)) findings.Add(ConfigFinding.Warning(at, "is there more than once; the last counts", "remove the others"));
            if (KnownKeys.Find(member.Name) is not { } key)
            {
                findings.Add(ConfigFinding.Warning(
                    at, $"is no known key and has no effect{NearMiss.Hint(member.Name, KnownKeys.Names)}", "correct or remove it; docs/configuration.md has all keys"));
                continue;
            }

            var wrong = new List<ConfigFinding>();
            key.Rule?.Check(member.Value, at, wrong);
            // What nothing acts on cannot keep a node from serving pods.
            findings.AddRange(key.NotUsed is null ? wrong : wrong.Select(static f => ConfigFinding.Warning(f.Path, f.Finding.Reason, f.Finding.Fix)));
            if (key.NotUsed is { } why && member.Value.ValueKind is not (JsonValueKind.Null or JsonValueKind.False))
                findings.Add(ConfigFinding.Info(at, $"is not used: {why}", "nothing to do; it may stay"));
        }
    }

    // A plugin's settings are its own: a name that is unknown here may be known there, and its manifest says so.
    private static void CheckPluginSettings(NodePoolConfig config, List<ConfigFinding> findings)
    {
        foreach (var plugin in config.Plugins.Where(static p => p.Settings is not null))
        {
            foreach (var member in plugin.Settings!.Value.EnumerateObject())
            {
                KnownKeys.Find(member.Name)?.Rule?.Check(member.Value, $"{plugin.Path}.settings.{member.Name}", findings);
            }
        }
    }

    private static void CheckTogether(NodePoolConfig config, JsonElement settings, List<ConfigFinding> findings)
    {
        if (Number(settings, "min_pool_size") is { } min && (Number(settings, "max_pool_size") ?? 0) is var max && min > max && min >= 0 && max >= 0)
        {
            findings.Add(ConfigFinding.Warning(
                Place(config, "min_pool_size"), $"min_pool_size {min} is above max_pool_size {max}; {max} is used for both", $"raise max_pool_size to at least {min}"));
        }

        if (Number(settings, "min_eni") is { } minEni && Number(settings, "max_eni") is > 0 and var maxEni && minEni > maxEni)
            findings.Add(ConfigFinding.Error(Place(config, "min_eni"), $"min_eni {minEni} is above max_eni {maxEni}", $"write at most {maxEni}"));
        CheckSecurityGroups(config, settings, findings);
        CheckPrefixes(config, settings, findings);
        CheckCredentials(config.Root, findings);
    }

    private static void CheckSecurityGroups(NodePoolConfig config, JsonElement settings, List<ConfigFinding> findings)
    {
        var groups = new HashSet<string>(StringComparer.Ordinal);
        if (settings.TryGetProperty("security_group", out var one) && one.ValueKind == JsonValueKind.String && one.GetString() is { Length: > 0 } single) groups.Add(single);
        if (settings.TryGetProperty("security_groups", out var list) && list.ValueKind == JsonValueKind.Array)
        {
            foreach (var group in list.EnumerateArray().Where(static g => g.ValueKind == JsonValueKind.String)) groups.Add(group.GetString()!);
        }

        if (groups.Count > MaxSecurityGroups)
        {
            findings.Add(ConfigFinding.Error(
                Place(config, "security_groups"), $"{groups.Count} security groups are given, and an ENI takes {MaxSecurityGroups}", $"remove {groups.Count - MaxSecurityGroups} of them"));
        }
    }

    private static void CheckPrefixes(NodePoolConfig config, JsonElement settings, List<ConfigFinding> findings)
    {
        var on = settings.TryGetProperty("enable_ip_prefix", out var flag) && flag.ValueKind == JsonValueKind.True;
        if (!on && Number(settings, "ipv4_prefix_count") is > 0)
            findings.Add(ConfigFinding.Warning(Place(config, "ipv4_prefix_count"), "has no effect without enable_ip_prefix", "write \"enable_ip_prefix\": true, or remove it"));
    }

    private static void CheckCredentials(JsonElement root, List<ConfigFinding> findings)
    {
        var (key, secret) = (HasText(root, "access_key"), HasText(root, "access_secret"));
        if (key != secret)
        {
            var (there, missing) = key ? ("access_key", "access_secret") : ("access_secret", "access_key");
            findings.Add(ConfigFinding.Warning($"$.{there}", $"stands without {missing}, and is not used", "give both, or neither and use the instance's RAM role"));
        }
    }

    /// <summary>What the plugin that gives addresses reads.</summary>
    private static JsonElement Effective(NodePoolConfig config) =>
        EffectiveSettings.Merge(config.Root, config.Plugins.FirstOrDefault(static p => p.Name is "SharedEni" or "ExclusiveEni")?.Settings);

    private static string Place(NodePoolConfig config, string key)
    {
        var provider = config.Plugins.FirstOrDefault(static p => p.Name is "SharedEni" or "ExclusiveEni");
        return provider?.Settings is { } own && own.TryGetProperty(key, out _) ? $"{provider.Path}.settings.{key}" : $"$.{key}";
    }

    private static bool HasText(JsonElement root, string key) =>
        root.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 };

    private static long? Number(JsonElement settings, string key) =>
        settings.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;
}
