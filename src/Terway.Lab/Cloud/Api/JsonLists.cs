using System.Globalization;
using System.Text.Json;

namespace Terway.Lab.Cloud.Api;

/// <summary>The RPC style's lists: an object around an array, as in <c>"Tags": {"Tag": [..]}</c>.</summary>
internal static class JsonLists
{
    public static void WriteStrings(this Utf8JsonWriter json, string outer, string inner, IEnumerable<string> values)
    {
        json.WriteStartObject(outer);
        json.WriteStartArray(inner);
        foreach (var value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    public static void WriteObjects<T>(this Utf8JsonWriter json, string outer, string inner, IEnumerable<T> items, Action<T> writeMembers)
    {
        json.WriteStartObject(outer);
        json.WriteStartArray(inner);
        foreach (var item in items)
        {
            json.WriteStartObject();
            writeMembers(item);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    public static string ToIso(this DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
