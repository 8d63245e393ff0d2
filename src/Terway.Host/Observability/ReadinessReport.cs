using System.Buffers;
using System.Text.Json;
using Terway.Host.Plugins;
using Terway.Plugin;

namespace Terway.Host.Observability;

/// <summary>What <c>/readyz</c> says: the decision of STATUS, and all that an operator needs to see why.</summary>
internal static class ReadinessReport
{
    public static HttpAnswer Write(NodeReadiness readiness, IReadOnlyList<PluginStatus> plugins)
    {
        var reason = readiness.NotReady();
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteBoolean("ready", reason is null);
            json.WriteString("reason", reason ?? "");
            json.WriteStartArray("plugins");
            foreach (var plugin in plugins)
            {
                json.WriteStartObject();
                json.WriteString("name", plugin.Name);
                json.WriteString("version", plugin.Version);
                json.WriteString("state", plugin.State.ToString());
                json.WriteString("reason", plugin.Reason);
                json.WriteBoolean("required", plugin.Required);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("findings");
            foreach (var (path, finding) in readiness.Findings.OrderByDescending(static f => f.Value.Severity).ThenBy(static f => f.Key, StringComparer.Ordinal))
            {
                Write(json, path, finding);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return new HttpAnswer(reason is null ? 200 : 503, "application/json", buffer.WrittenMemory);
    }

    private static void Write(Utf8JsonWriter json, string path, Finding finding)
    {
        json.WriteStartObject();
        json.WriteString("path", path);
        json.WriteString("severity", finding.Severity.ToString());
        json.WriteString("reason", finding.Reason);
        json.WriteString("fix", finding.Fix);
        json.WriteEndObject();
    }
}
