using System.Text.Json;
using System.Text.Json.Nodes;

namespace Terway.Lab.Runtime;

/// <summary>A network configuration list as a runtime reads it from its configuration folder.</summary>
public sealed record CniConfigList(string Name, string CniVersion, bool DisableCheck, IReadOnlyList<JsonObject> Plugins, string Json)
{
    private static readonly Version s_newest = new(1, 1, 0);

    /// <summary>The first configuration in the folder, by name; as libcni, a single plugin's .conf counts as a list of one.</summary>
    /// <returns>Null when the folder has none: the node's network is not ready.</returns>
    /// <exception cref="JsonException">The file is not JSON.</exception>
    /// <exception cref="InvalidDataException">A required key is missing.</exception>
    public static CniConfigList? LoadFirst(string folder)
    {
        var file = Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder)
                .Where(static f => Path.GetExtension(f) is ".conflist" or ".conf" or ".json")
                .Order(StringComparer.Ordinal)
                .FirstOrDefault()
            : null;
        return file is null ? null : Parse(File.ReadAllText(file), file);
    }

    /// <param name="source">for messages</param>
    public static CniConfigList Parse(string json, string source)
    {
        var root = JsonNode.Parse(json) as JsonObject ?? throw new InvalidDataException($"{source}: not a JSON object");
        var name = Text(root, "name") ?? throw new InvalidDataException($"{source}: name is missing");
        var version = NewestOf(root) ?? Text(root, "cniVersion") ?? "0.2.0";
        var plugins = root["plugins"] switch
        {
            JsonArray { Count: > 0 } array => array.Select(static p => p!.AsObject()).ToArray(),
            null when root["type"] is not null => [root],
            _ => throw new InvalidDataException($"{source}: plugins is missing or empty"),
        };
        foreach (var plugin in plugins)
        {
            if (Text(plugin, "type") is null)
                throw new InvalidDataException($"{source}: a plugin has no type");
        }

        return new CniConfigList(name, version, root["disableCheck"]?.GetValue<bool>() ?? false, plugins, json);
    }

    /// <summary>The newest of <c>cniVersions</c> that this runtime speaks, which goes before <c>cniVersion</c> (specification 1.1.0).</summary>
    private static string? NewestOf(JsonObject root) => (root["cniVersions"] as JsonArray ?? [])
        .Select(static v => v?.GetValue<string>()).OfType<string>().Where(static v => Version.TryParse(v, out var parsed) && parsed <= s_newest)
        .MaxBy(static v => Version.Parse(v));

    private static string? Text(JsonObject node, string key) => node[key]?.GetValue<string>() is { Length: > 0 } text ? text : null;
}
