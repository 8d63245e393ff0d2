using System.Buffers;
using System.Text.Json;

namespace Terway.Configuration;

/// <summary>The settings a plugin sees: the pool's configuration with the plugin's own settings laid over it, key by key.</summary>
internal static class EffectiveSettings
{
    public static JsonElement Merge(JsonElement pool, JsonElement? own)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var property in pool.EnumerateObject())
            {
                if (property.Name == "plugins" || (own is { } o && o.TryGetProperty(property.Name, out _))) continue;
                property.WriteTo(json);
            }

            if (own is { } settings)
            {
                foreach (var property in settings.EnumerateObject()) property.WriteTo(json);
            }

            json.WriteEndObject();
        }

        using var document = JsonDocument.Parse(buffer.WrittenMemory);
        return document.RootElement.Clone();
    }
}
