using System.Text.Json;

namespace Terway.Configuration;

/// <summary>One plugin that a node pool asks for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Version range in NuGet's notation, or null for the newest.</param>
/// <param name="Sha256">Digest its folder must have, or null.</param>
/// <param name="Settings">Settings laid over the pool's, or null.</param>
/// <param name="Path">Where the configuration says so, for findings.</param>
internal sealed record PluginChoice(string Name, string? Version, string? Sha256, JsonElement? Settings, string Path)
{
    /// <summary>What of a configuration without a plugin list asks for it; null where the list does.</summary>
    public string? Because { get; init; }
}

/// <summary>
/// A node pool's configuration: the JSON of key <c>eni_conf</c> of ConfigMap <c>eni-config</c>, as upstream Terway has it, with a list of plugins.
/// </summary>
internal sealed class NodePoolConfig
{
    private NodePoolConfig(JsonElement root, IReadOnlyList<PluginChoice> plugins, IReadOnlyList<ConfigFinding> findings)
    {
        Root = root;
        Plugins = plugins;
        Findings = findings;
    }

    /// <summary>The whole configuration.</summary>
    public JsonElement Root { get; }

    /// <summary>Plugins asked for, in the configuration's order.</summary>
    public IReadOnlyList<PluginChoice> Plugins { get; }

    /// <summary>What is wrong with it. With one of severity Error the node takes no new pods.</summary>
    public IReadOnlyList<ConfigFinding> Findings { get; }

    /// <summary>Where the parts of a merged configuration come from; null when there was one file.</summary>
    public ConfigOrigin? Origin { get; private init; }

    /// <summary>Reads the configuration; everything wrong is in <see cref="Findings"/>.</summary>
    /// <param name="json">Its text.</param>
    /// <param name="source">Its name, for findings.</param>
    /// <param name="labels">The node's labels: one of them chooses the mode where the configuration lists no plugins.</param>
    /// <param name="map">The ConfigMap it is a key of, where that is known.</param>
    public static NodePoolConfig Parse(ReadOnlyMemory<byte> json, string source, IReadOnlyDictionary<string, string>? labels = null, UpstreamConfigMap? map = null)
    {
        var findings = new List<ConfigFinding>();
        return Read(json, source, findings) is { } root ? Of(root, source, labels, map, null, findings) : new NodePoolConfig(Empty(), [], findings);
    }

    /// <summary>Reads a configuration and a node's own, which is laid over it as RFC 7396 says. Each finding names its file.</summary>
    public static NodePoolConfig Parse(
        ReadOnlyMemory<byte> json, string source, ReadOnlyMemory<byte> overlay, string overlaySource,
        IReadOnlyDictionary<string, string>? labels = null, UpstreamConfigMap? map = null)
    {
        var findings = new List<ConfigFinding>();
        var below = Read(json, source, findings);
        var unreadable = findings.Count;
        var above = Read(overlay, overlaySource, findings);
        if (below is null || above is null)
        {
            return new NodePoolConfig(below ?? Empty(), [], [.. findings.Select((f, i) => f with { Source = i < unreadable ? source : overlaySource })]);
        }

        if (above.Value.ValueKind != JsonValueKind.Object)
        {
            findings.Add(ConfigFinding.Error("$", $"{overlaySource} must be a JSON object", "see docs/configuration.md") with { Source = overlaySource });
            return new NodePoolConfig(below.Value, [], findings);
        }

        // Only what the merge took over: the other keys of the configuration below are those of the CNI configuration, or of neither.
        var origin = new ConfigOrigin(source, above.Value, overlaySource, map is null ? null : new ConfigOrigin(map.CniKey, below.Value, source));
        return Of(MergePatch.Apply(below.Value, above.Value), $"{source} with {overlaySource}", labels, map, origin, findings);
    }

    private static NodePoolConfig Of(
        JsonElement root, string source, IReadOnlyDictionary<string, string>? labels, UpstreamConfigMap? map, ConfigOrigin? origin, List<ConfigFinding> findings)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            findings.Add(Error("$", $"{source} must be a JSON object", "see docs/configuration.md"));
            return new NodePoolConfig(root, [], findings);
        }

        if (root.TryGetProperty("version", out var version) && !(version.ValueKind == JsonValueKind.String && version.GetString() == "1"))
        {
            findings.Add(Error("$.version", $"version is {version.GetRawText()}", "write \"1\", the only version there is"));
        }

        if (map?.CniConf is { } cni)
        {
            origin ??= new ConfigOrigin(map.CniKey, root, source);
            root = MergePatch.Apply(UpstreamCniConf.Settings(cni, map.CniKey, findings), root);
        }

        var plugins = root.TryGetProperty("plugins", out var list)
            ? ReadPlugins(list, findings) : UpstreamTranslation.Plugins(root, labels ?? new Dictionary<string, string>(), map, findings);
        return origin is null
            ? new NodePoolConfig(root, plugins, findings)
            : new NodePoolConfig(root, plugins, [.. findings.Select(f => f with { Source = f.Source ?? origin.Of(f.Path) })]) { Origin = origin };
    }

    /// <summary>A configuration that could not be read at all.</summary>
    public static NodePoolConfig Unreadable(string source, string reason)
    {
        return new NodePoolConfig(
            Empty(), [], [Error("$", $"{source} cannot be read: {reason}", "mount ConfigMap eni-config there, or name the file with --config")]);
    }

    private static JsonElement Empty()
    {
        using var empty = JsonDocument.Parse("{}");
        return empty.RootElement.Clone();
    }

    /// <summary>Any JSON; what is none becomes a finding.</summary>
    internal static JsonElement? Read(ReadOnlyMemory<byte> json, string source, List<ConfigFinding> findings)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            // The reader counts from zero, and says the place once more at the end of its message.
            var end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            var reason = end < 0 ? e.Message : e.Message[..end];
            findings.Add(Error("$", $"{source} is no JSON at line {e.LineNumber + 1}, column {e.BytePositionInLine + 1}: {reason}", "correct the file there"));
            return null;
        }
    }

    private static List<PluginChoice> ReadPlugins(JsonElement list, List<ConfigFinding> findings)
    {
        var plugins = new List<PluginChoice>();
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
        {
            findings.Add(Error("$.plugins", "plugins must be a list that is not empty", "name at least SharedEni or ExclusiveEni, or leave the key out"));
            return plugins;
        }

        var index = 0;
        foreach (var element in list.EnumerateArray())
        {
            var path = $"$.plugins[{index++}]";
            if (element.ValueKind != JsonValueKind.Object)
            {
                findings.Add(Error(path, "must be an object", "write {\"name\": \"SharedEni\"}"));
                continue;
            }

            foreach (var property in element.EnumerateObject())
            {
                if (property.Name is not ("name" or "version" or "sha256" or "settings"))
                {
                    findings.Add(Error($"{path}.{property.Name}", "is not known here", "a plugin has name, version, sha256 and settings"));
                }
            }

            var name = Text(element, "name", path, findings);
            if (name is null)
            {
                if (!element.TryGetProperty("name", out _)) findings.Add(Error($"{path}.name", "is missing", "name the plugin"));
                continue;
            }

            JsonElement? settings = null;
            if (element.TryGetProperty("settings", out var s))
            {
                if (s.ValueKind == JsonValueKind.Object) settings = s;
                else findings.Add(Error($"{path}.settings", "must be an object", "see the plugin's plugin.json"));
            }

            plugins.Add(new PluginChoice(name, Text(element, "version", path, findings), Text(element, "sha256", path, findings), settings, path));
        }

        return plugins;
    }

    private static string? Text(JsonElement element, string name, string path, List<ConfigFinding> findings)
    {
        if (!element.TryGetProperty(name, out var value)) return null;
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text) return text;
        findings.Add(Error($"{path}.{name}", $"is {value.GetRawText()}", "write a text"));
        return null;
    }

    private static ConfigFinding Error(string path, string reason, string fix) => ConfigFinding.Error(path, reason, fix);
}
