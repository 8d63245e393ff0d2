using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Terway.Host.Observability;

/// <summary>
/// One JSON object. The values of the message's template are under <c>fields</c>, so that none can take the place of the line's own members. A value
/// whose name says that it is a secret is not written, whatever the message does.
/// </summary>
internal static class JsonLine
{
    // What names of placeholders may not mean: the last line of defence, no message has such a one.
    private static readonly string[] s_secrets = ["secret", "token", "password", "credential", "accesskey"];

    // A log is no web page: quotes and letters beyond ASCII stay readable.
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(in LogEvent logged)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, s_options))
        {
            json.WriteStartObject();
            json.WriteString("time", logged.Time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            json.WriteString("level", Name(logged.Level));
            json.WriteString("category", logged.Category);
            json.WriteNumber("eventId", logged.Id.Id);
            if (logged.Id.Name is { } name) json.WriteString("event", name);
            json.WriteString("message", logged.Message);
            Fields(json, logged.Fields);
            if (logged.Exception is not null) json.WriteString("exception", logged.Exception.ToString());
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    private static void Fields(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>> fields)
    {
        var any = false;
        for (var i = 0; i < fields.Count; i++)
        {
            var (name, value) = fields[i];
            if (name == "{OriginalFormat}" || IsSecret(name)) continue;
            if (!any) json.WriteStartObject("fields");
            any = true;
            json.WritePropertyName(name);
            Value(json, value);
        }

        if (any) json.WriteEndObject();
    }

    private static void Value(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null: json.WriteNullValue(); break;
            case bool b: json.WriteBooleanValue(b); break;
            case int or short or byte or long or ushort or uint or sbyte: json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture)); break;
            case double d when double.IsFinite(d): json.WriteNumberValue(d); break;
            default: json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture)); break;
        }
    }

    private static bool IsSecret(string name)
    {
        foreach (var secret in s_secrets)
        {
            if (name.Contains(secret, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        _ => "critical",
    };
}
