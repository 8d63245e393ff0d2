using System.Text.Json;
using Terway.Plugin;

namespace Terway.Configuration.Plugins.Manifests;

/// <summary>The part of JSON Schema that manifests use: an object whose properties have a type, an enumeration and bounds.</summary>
internal sealed class SettingsSchema(IReadOnlyDictionary<string, SettingsSchema.Property> properties)
{
    /// <summary>A plugin without settings.</summary>
    public static SettingsSchema Empty { get; } = new(new Dictionary<string, Property>());

    public static IReadOnlyList<string> KnownTypes { get; } = ["string", "integer", "number", "boolean", "array", "object"];

    public IReadOnlyDictionary<string, Property> Properties { get; } = properties;

    /// <summary>Everything that is wrong with the settings, each with its JSON path.</summary>
    /// <param name="settings">The <c>settings</c> object of a pool's plugin entry.</param>
    /// <param name="path">JSON path of that object.</param>
    /// <param name="plugin">Whose settings they are, for the messages.</param>
    public IReadOnlyList<PluginFinding> Validate(JsonElement settings, string path, string plugin)
    {
        if (settings.ValueKind != JsonValueKind.Object)
            return [Error(path, $"settings of {plugin} must be an object, not {Kind(settings)}", "write {\"key\": value}")];

        var findings = new List<PluginFinding>();
        foreach (var member in settings.EnumerateObject())
        {
            var memberPath = $"{path}.{member.Name}";
            if (!Properties.TryGetValue(member.Name, out var property))
            {
                var known = Properties.Count == 0 ? "it has no settings" : $"it knows {string.Join(", ", Properties.Keys.Order(StringComparer.Ordinal))}";
                findings.Add(Error(memberPath, $"{plugin} has no setting '{member.Name}'", $"remove it; {known}"));
            }
            else if (property.Problem(member.Value) is { } problem)
            {
                findings.Add(Error(memberPath, $"setting '{member.Name}' of {plugin} {problem}", property.Hint()));
            }
        }
        return findings;
    }

    internal static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };

    private static PluginFinding Error(string path, string reason, string fix) => new(path, new Finding(FindingSeverity.Error, reason, fix));

    /// <summary>One setting.</summary>
    /// <param name="Type">One of <see cref="KnownTypes"/>.</param>
    /// <param name="Allowed">Raw JSON of the allowed values; empty for any.</param>
    /// <param name="Minimum">Least number.</param>
    /// <param name="Maximum">Greatest number.</param>
    /// <param name="Description">For operators.</param>
    internal sealed record Property(string Type, IReadOnlyList<string> Allowed, decimal? Minimum, decimal? Maximum, string Description)
    {
        /// <summary>What is wrong with a value, or null.</summary>
        public string? Problem(JsonElement value)
        {
            var ofType = Type switch
            {
                "string" => value.ValueKind == JsonValueKind.String,
                "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
                "number" => value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out _),
                "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
                "array" => value.ValueKind == JsonValueKind.Array,
                _ => value.ValueKind == JsonValueKind.Object,
            };
            if (!ofType)
                return $"must be of type {Type}, not {(value.ValueKind == JsonValueKind.Number ? value.GetRawText() : Kind(value))}";
            if (Allowed.Count > 0 && !Allowed.Contains(value.GetRawText()))
                return $"must be one of {string.Join(", ", Allowed)}, not {value.GetRawText()}";
            if (value.ValueKind == JsonValueKind.Number && value.GetDecimal() is var number && (number < Minimum || number > Maximum))
                return $"must be {Bounds()}, not {value.GetRawText()}";
            return null;
        }

        /// <summary>What a right value looks like.</summary>
        public string Hint()
        {
            var what = Allowed.Count > 0 ? $"use one of {string.Join(", ", Allowed)}"
                : Minimum is null && Maximum is null ? $"give a value of type {Type}" : $"give {Type} {Bounds()}";
            return Description.Length == 0 ? what : $"{what} ({Description})";
        }

        private string Bounds() => (Minimum, Maximum) switch
        {
            ({ } min, { } max) => $"from {min} to {max}",
            ({ } min, null) => $"at least {min}",
            (null, { } max) => $"at most {max}",
            _ => "of any size",
        };
    }
}
