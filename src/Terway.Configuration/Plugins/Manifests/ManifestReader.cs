using System.Text.Json;
using NuGet.Versioning;

namespace Terway.Configuration.Plugins.Manifests;

/// <summary>Reads a <c>plugin.json</c> and collects everything that is wrong with it.</summary>
/// <remarks>The document is walked rather than bound to a type, so that all problems are found at once and each has its path.</remarks>
internal sealed class ManifestReader
{
    private static readonly JsonDocumentOptions s_options = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    private readonly List<string> _problems = [];

    private ManifestReader()
    {
    }

    /// <summary>Reads a manifest.</summary>
    /// <param name="utf8">Content of the file.</param>
    /// <param name="problems">What is wrong, as <c>path: reason</c>; empty when a manifest is returned.</param>
    public static PluginManifest? Read(ReadOnlyMemory<byte> utf8, out IReadOnlyList<string> problems)
    {
        var reader = new ManifestReader();
        problems = reader._problems;
        try
        {
            using var document = JsonDocument.Parse(utf8, s_options);
            var manifest = reader.ReadManifest(document.RootElement);
            return reader._problems.Count == 0 ? manifest : null;
        }
        catch (JsonException e)
        {
            reader._problems.Add($"not valid JSON: {e.Message}");
            return null;
        }
    }

    private PluginManifest? ReadManifest(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            Problem("$", $"must be an object, not {SettingsSchema.Kind(root)}");
            return null;
        }
        Unknown(root, "", "name", "version", "assembly", "description", "contract", "provides", "requires", "conflicts", "kernel", "cloud", "settings");
        var name = Text(root, "name", required: true);
        if (name.Length > 0 && !IsName(name))
            Problem("name", $"'{name}' must be letters, digits, '.', '-' and '_' and start with a letter");
        var version = ReadVersion(root);
        var assembly = Text(root, "assembly", required: true);
        if (assembly.Length > 0 && (assembly.AsSpan().ContainsAny('/', '\\') || assembly is "." or ".." || !assembly.EndsWith(".dll", StringComparison.Ordinal)))
            Problem("assembly", $"'{assembly}' must be the name of a .dll file in the plugin's own folder, without a path");
        var contract = Text(root, "contract", required: true);
        var manifest = new PluginManifest
        {
            Name = name,
            Version = version,
            Assembly = assembly,
            Description = Text(root, "description", required: false),
            Contract = contract.Length > 0 ? Range("contract", contract) : VersionRange.All,
            Provides = ReadProvides(root),
            Requires = Ranges(root, "requires"),
            Conflicts = Ranges(root, "conflicts"),
            MinKernel = ReadKernel(root),
            Cloud = Texts(root, "cloud"),
            Settings = root.TryGetProperty("settings", out var settings) ? ReadSettings(settings) : SettingsSchema.Empty,
        };
        foreach (var both in manifest.Requires.Keys.Intersect(manifest.Conflicts.Keys, StringComparer.Ordinal))
            Problem($"conflicts.{both}", $"{both} is also required");
        if (manifest.Requires.ContainsKey(name))
            Problem($"requires.{name}", "a plugin cannot require itself");
        if (manifest.Conflicts.ContainsKey(name))
            Problem($"conflicts.{name}", "a plugin cannot conflict with itself; only one version of a plugin is ever active");
        return manifest;
    }

    private NuGetVersion ReadVersion(JsonElement root)
    {
        var text = Text(root, "version", required: true);
        if (NuGetVersion.TryParseStrict(text, out var version) && version.ToNormalizedString() == text)
            return version;
        if (text.Length > 0)
            Problem("version", $"'{text}' is no version; write it as major.minor.patch, such as '1.0.0' or '2.0.0-rc.1'");
        return new NuGetVersion(0, 0, 0);
    }

    private List<string> ReadProvides(JsonElement root)
    {
        var roles = Texts(root, "provides");
        if (roles.Count == 0)
            Problem("provides", $"names no role; the roles are {string.Join(", ", PluginRoles.Names)}");
        foreach (var role in roles.Where(r => !PluginRoles.Names.Contains(r)))
            Problem("provides", $"'{role}' is no role; the roles are {string.Join(", ", PluginRoles.Names)}");
        return roles;
    }

    private Version? ReadKernel(JsonElement root)
    {
        if (!root.TryGetProperty("kernel", out var kernel) || !IsObject("kernel", kernel))
            return null;
        Unknown(kernel, "kernel.", "minVersion");
        var text = Text(kernel, "minVersion", required: true, "kernel.");
        if (Version.TryParse(text, out var version))
            return version;
        if (text.Length > 0)
            Problem("kernel.minVersion", $"'{text}' is no kernel version; write it as '5.10' or '5.10.134'");
        return null;
    }

    private SettingsSchema ReadSettings(JsonElement schema)
    {
        if (!IsObject("settings", schema))
            return SettingsSchema.Empty;
        Unknown(schema, "settings.", "type", "properties", "description");
        if (Text(schema, "type", required: true, "settings.") is var type && type is not ("object" or ""))
            Problem("settings.type", $"must be 'object', not '{type}'");
        var properties = new SortedDictionary<string, SettingsSchema.Property>(StringComparer.Ordinal);
        if (schema.TryGetProperty("properties", out var members) && IsObject("settings.properties", members))
        {
            foreach (var member in members.EnumerateObject())
            {
                if (IsObject($"settings.properties.{member.Name}", member.Value))
                    properties[member.Name] = ReadSetting(member.Value, $"settings.properties.{member.Name}.");
            }
        }
        return new SettingsSchema(properties);
    }

    private SettingsSchema.Property ReadSetting(JsonElement schema, string path)
    {
        Unknown(schema, path, "type", "enum", "minimum", "maximum", "description");
        var type = Text(schema, "type", required: true, path);
        if (type.Length > 0 && !SettingsSchema.KnownTypes.Contains(type))
            Problem($"{path}type", $"'{type}' is none of {string.Join(", ", SettingsSchema.KnownTypes)}");
        var allowed = new List<string>();
        if (schema.TryGetProperty("enum", out var values))
        {
            if (values.ValueKind == JsonValueKind.Array && values.GetArrayLength() > 0)
                allowed.AddRange(values.EnumerateArray().Select(v => v.GetRawText()));
            else
                Problem($"{path}enum", "must be an array with at least one value");
        }
        var (minimum, maximum) = (Number(schema, "minimum", path), Number(schema, "maximum", path));
        if (minimum > maximum)
            Problem($"{path}minimum", $"{minimum} is above the maximum {maximum}");
        return new SettingsSchema.Property(type, allowed, minimum, maximum, Text(schema, "description", required: false, path));
    }

    private SortedDictionary<string, VersionRange> Ranges(JsonElement root, string key)
    {
        var ranges = new SortedDictionary<string, VersionRange>(StringComparer.Ordinal);
        if (!root.TryGetProperty(key, out var value) || !IsObject(key, value))
            return ranges;
        foreach (var member in value.EnumerateObject())
        {
            var path = $"{key}.{member.Name}";
            if (!IsName(member.Name))
                Problem(path, "is no plugin name");
            if (member.Value.ValueKind == JsonValueKind.String)
                ranges[member.Name] = Range(path, member.Value.GetString()!);
            else
                Problem(path, $"must be a version range such as '[1.0,2.0)', not {SettingsSchema.Kind(member.Value)}");
        }
        return ranges;
    }

    private VersionRange Range(string path, string text)
    {
        if (VersionRangeText.TryParse(text, out var range, out var problem))
            return range;
        Problem(path, problem);
        return VersionRange.All;
    }

    private List<string> Texts(JsonElement root, string key)
    {
        var texts = new List<string>();
        if (!root.TryGetProperty(key, out var value))
            return texts;
        if (value.ValueKind != JsonValueKind.Array)
        {
            Problem(key, $"must be an array of strings, not {SettingsSchema.Kind(value)}");
            return texts;
        }
        foreach (var item in value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String)
                Problem(key, $"must hold strings, not {SettingsSchema.Kind(item)}");
            else if (texts.Contains(item.GetString()!))
                Problem(key, $"names '{item.GetString()}' twice");
            else
                texts.Add(item.GetString()!);
        }
        return texts;
    }

    private string Text(JsonElement root, string key, bool required, string path = "")
    {
        if (!root.TryGetProperty(key, out var value))
        {
            if (required)
                Problem(path + key, "is missing");
            return "";
        }
        if (value.ValueKind != JsonValueKind.String)
        {
            Problem(path + key, $"must be a string, not {SettingsSchema.Kind(value)}");
            return "";
        }
        var text = value.GetString()!;
        if (required && text.Length == 0)
            Problem(path + key, "is empty");
        return text;
    }

    private decimal? Number(JsonElement root, string key, string path)
    {
        if (!root.TryGetProperty(key, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number))
            return number;
        Problem(path + key, $"must be a number, not {SettingsSchema.Kind(value)}");
        return null;
    }

    private bool IsObject(string path, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object)
            return true;
        Problem(path, $"must be an object, not {SettingsSchema.Kind(value)}");
        return false;
    }

    private void Unknown(JsonElement value, string path, params ReadOnlySpan<string> known)
    {
        foreach (var member in value.EnumerateObject())
        {
            if (!known.Contains(member.Name))
                Problem(path + member.Name, $"is unknown here; known are {string.Join(", ", known.ToArray())}");
        }
    }

    private void Problem(string path, string reason) => _problems.Add($"{path}: {reason}");

    private static bool IsName(string name) =>
        name.Length is > 0 and <= 64 && char.IsAsciiLetter(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}
