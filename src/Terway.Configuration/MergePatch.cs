using System.Buffers;
using System.Text.Json;

namespace Terway.Configuration;

/// <summary>JSON merge patch, RFC 7396: how a node's own configuration lies over that of the cluster.</summary>
internal static class MergePatch
{
    /// <summary>The document that comes of laying <paramref name="patch"/> over <paramref name="target"/>. Neither is changed.</summary>
    public static JsonElement Apply(JsonElement target, JsonElement patch)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer)) Write(json, target, patch);
        using var document = JsonDocument.Parse(buffer.WrittenMemory);
        return document.RootElement.Clone();
    }

    private static void Write(Utf8JsonWriter json, JsonElement? target, JsonElement patch)
    {
        if (patch.ValueKind != JsonValueKind.Object)
        {
            patch.WriteTo(json);
            return;
        }

        json.WriteStartObject();
        if (target is { ValueKind: JsonValueKind.Object } old)
        {
            foreach (var member in old.EnumerateObject())
            {
                if (!patch.TryGetProperty(member.Name, out var change))
                {
                    member.WriteTo(json);
                }
                else if (change.ValueKind != JsonValueKind.Null)
                {
                    json.WritePropertyName(member.Name);
                    Write(json, member.Value, change);
                }
            }
        }

        foreach (var member in patch.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null || (target is { ValueKind: JsonValueKind.Object } o && o.TryGetProperty(member.Name, out _))) continue;
            json.WritePropertyName(member.Name);
            // Nulls inside a new object remove what is not there: they go too.
            Write(json, null, member.Value);
        }

        json.WriteEndObject();
    }
}
