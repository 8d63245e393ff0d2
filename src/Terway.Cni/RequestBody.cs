using System.Buffers;
using System.Text.Json;
using Terway.Cni.Wire;

namespace Terway.Cni;

/// <summary>
/// Writes a <see cref="CniRequest"/> without the serializer: the configuration goes through byte for byte, and start-up is shorter.
/// The member names are the schema's; the tests read what is written here with the schema's own serializer.
/// </summary>
internal static class RequestBody
{
    public static ReadOnlyMemory<byte> Write(CniEnvironment environment, NetworkConfig config, long deadlineMs)
    {
        var buffer = new ArrayBufferWriter<byte>(config.Raw.Length + 1024);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("protocol", CniRequest.CurrentProtocol);
            json.WriteString("verb", environment.Verb);
            json.WriteString("containerId", environment.ContainerId);
            json.WriteString("netNs", environment.NetNs);
            json.WriteString("ifName", environment.IfName);
            json.WriteString("args", environment.Args);
            json.WriteString("path", environment.Path);
            json.WriteNumber("startedAtMs", environment.StartedAtMs);
            json.WriteNumber("deadlineMs", deadlineMs);
            json.WritePropertyName("config");
            json.WriteRawValue(config.Raw.Span, skipInputValidation: true);
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }
}
