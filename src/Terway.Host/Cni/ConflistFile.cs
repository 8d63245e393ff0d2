using System.Buffers;
using System.Text.Json;
using Terway.Cni.Wire;
using Terway.Linux;

namespace Terway.Host.Cni;

/// <summary>
/// The conflist that tells the runtime that this node has a network. It is written once the daemon serves, and stays when the daemon stops:
/// without it a runtime takes the node for broken while the daemon is upgraded.
/// </summary>
internal sealed class ConflistFile(string folder, string daemonSocket, string spoolDir)
{
    /// <summary>The name of upstream Terway's file, so that it takes its place.</summary>
    public string Path { get; } = System.IO.Path.Combine(folder, "10-terway.conflist");

    /// <summary>Writes the file unless it already has this content. A runtime never sees half of it.</summary>
    public void Write()
    {
        var content = Render();
        if (File.Exists(Path) && File.ReadAllBytes(Path).AsSpan().SequenceEqual(content)) return;
        Directory.CreateDirectory(folder);
        // The runtime reads only *.conf, *.conflist and *.json, not what is written beside it.
        DurableFile.Replace(Path, content);
    }

    private byte[] Render()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            // Runtimes that know cniVersions take the newest they speak; older ones read cniVersion, which therefore stays at 1.0.0.
            json.WriteString("cniVersion", "1.0.0");
            json.WriteStartArray("cniVersions");
            foreach (var version in new[] { "0.3.1", "0.4.0", "1.0.0", "1.1.0" }) json.WriteStringValue(version);
            json.WriteEndArray();
            json.WriteString("name", "terway");
            json.WriteStartArray("plugins");
            json.WriteStartObject();
            json.WriteString("type", "terway");
            json.WriteStartObject("capabilities");
            json.WriteBoolean("bandwidth", true);
            json.WriteEndObject();
            if (daemonSocket != CniPaths.DefaultDaemonSocket) json.WriteString("daemonSocket", daemonSocket);
            if (spoolDir != CniPaths.DefaultSpoolDir) json.WriteString("spoolDir", spoolDir);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }
}
