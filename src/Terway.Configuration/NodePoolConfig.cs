using System.Text.Json;
using Terway.Plugin;

namespace Terway.Configuration;

/// <summary>One plugin that a node pool asks for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Version range in NuGet's notation, or null for the newest.</param>
/// <param name="Sha256">Digest its folder must have, or null.</param>
/// <param name="Settings">Settings laid over the pool's, or null.</param>
/// <param name="Path">Where the configuration says so, for findings.</param>
internal sealed record PluginChoice(string Name, string? Version, string? Sha256, JsonElement? Settings, string Path);

/// <summary>A finding about the configuration.</summary>
/// <param name="Path">JSON path.</param>
/// <param name="Finding">What, why, and the way out.</param>
internal sealed record ConfigFinding(string Path, Finding Finding)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path}: {Finding.Reason}; {Finding.Fix}";
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

    /// <summary>Reads the configuration; everything wrong is in <see cref="Findings"/>.</summary>
    public static NodePoolConfig Parse(ReadOnlyMemory<byte> json, string source)
    {
        var findings = new List<ConfigFinding>();
        JsonElement root;
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            root = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            findings.Add(Error("$", $"{source} is no JSON: {e.Message}", "correct the file; the place is in the message"));
            using var empty = JsonDocument.Parse("{}");
            return new NodePoolConfig(empty.RootElement.Clone(), [], findings);
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            findings.Add(Error("$", $"{source} must be a JSON object", "see docs/configuration.md"));
            return new NodePoolConfig(root, [], findings);
        }

        if (root.TryGetProperty("version", out var version) && !(version.ValueKind == JsonValueKind.String && version.GetString() == "1"))
        {
            findings.Add(Error("$.version", $"version is {version.GetRawText()}", "write \"1\", the only version there is"));
        }

        var plugins = root.TryGetProperty("plugins", out var list) ? ReadPlugins(list, findings) : UpstreamTranslation.Plugins(root, findings);
        return new NodePoolConfig(root, plugins, findings);
    }

    /// <summary>A configuration that could not be read at all.</summary>
    public static NodePoolConfig Unreadable(string source, string reason)
    {
        using var empty = JsonDocument.Parse("{}");
        return new NodePoolConfig(
            empty.RootElement.Clone(), [], [Error("$", $"{source} cannot be read: {reason}", "mount ConfigMap eni-config there, or name the file with --config")]);
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

    private static ConfigFinding Error(string path, string reason, string fix) => new(path, new Finding(FindingSeverity.Error, reason, fix));
}
