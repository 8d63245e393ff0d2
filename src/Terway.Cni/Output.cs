using System.Text.Encodings.Web;
using System.Text.Json;

namespace Terway.Cni;

/// <summary>What is printed: the error object and the answer to VERSION. Results come from the daemon as text.</summary>
internal static class Output
{
    public static ReadOnlyMemory<byte> Error(string cniVersion, int code, string message, string? details) => Write(json =>
    {
        json.WriteString("cniVersion", cniVersion);
        json.WriteNumber("code", code);
        json.WriteString("msg", message);
        if (!string.IsNullOrEmpty(details))
            json.WriteString("details", details);
    });

    public static ReadOnlyMemory<byte> Versions(string cniVersion) => Write(json =>
    {
        json.WriteString("cniVersion", cniVersion);
        json.WriteStartArray("supportedVersions");
        foreach (var version in SpecVersion.Supported)
            json.WriteStringValue(version);
        json.WriteEndArray();
    });

    private static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> members)
    {
        using var stream = new MemoryStream();
        // Nobody puts this into HTML; plain quotes stay readable in an operator's log.
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.GetBuffer().AsMemory(0, (int)stream.Length);
    }
}
