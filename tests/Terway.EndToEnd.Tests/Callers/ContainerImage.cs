using System.Formats.Tar;
using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Terway.EndToEnd.Tests.Fixtures;

namespace Terway.EndToEnd.Tests.Callers;

/// <summary>An image of one static busybox, as an archive that podman and containerd load: no registry is asked for anything.</summary>
internal static class ContainerImage
{
    public const string Name = "docker.io/library/terway-e2e:1";

    private static readonly string[] s_applets = ["sh", "sleep", "httpd", "nc", "hostname"];

    /// <summary>A web server that answers every client with the container's host name, until it is killed.</summary>
    public static IReadOnlyList<string> WebServer { get; } = ["/bin/sh", "-c", "hostname > /www/index.html && exec httpd -f -p 80 -h /www"];

    /// <summary>Prints such a server's answer. Not by wget: in a static busybox it crashes without a C library's files to look names up.</summary>
    public static IReadOnlyList<string> Fetch(IPAddress server) => ["/bin/sh", "-c", $"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {server} 80"];

    /// <summary>Prints whom an echo server sees, address and port.</summary>
    public static IReadOnlyList<string> AskWhoIAm(IPAddress echoServer) =>
        ["/bin/sh", "-c", $"echo | nc -w 5 {echoServer} 7"];

    /// <summary>Writes the archive in the format of <c>docker save</c>.</summary>
    public static void Write(string path)
    {
        var layer = Layer();
        var digest = Convert.ToHexStringLower(SHA256.HashData(layer));
        var config = new JsonObject
        {
            ["architecture"] = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject
            {
                ["Env"] = new JsonArray("PATH=/bin"),
                // A pause container: it is also the sandbox image.
                ["Cmd"] = new JsonArray("/bin/sleep", "2147483647"),
            },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray($"sha256:{digest}") },
        };
        var manifest = new JsonArray(new JsonObject
        {
            ["Config"] = "config.json",
            ["RepoTags"] = new JsonArray(Name),
            ["Layers"] = new JsonArray($"{digest}.tar"),
        });

        using var archive = new TarWriter(File.Create(path), TarEntryFormat.Ustar);
        Add(archive, $"{digest}.tar", layer);
        Add(archive, "config.json", Encoding.UTF8.GetBytes(config.ToJsonString()));
        Add(archive, "manifest.json", Encoding.UTF8.GetBytes(manifest.ToJsonString()));
    }

    private static byte[] Layer()
    {
        using var buffer = new MemoryStream();
        using (var tar = new TarWriter(buffer, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var folder in (string[])["bin/", "www/", "etc/", "proc/", "sys/", "dev/", "tmp/"])
                tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, folder) { Mode = (UnixFileMode)0b111_101_101 });
            Add(tar, "bin/busybox", File.ReadAllBytes(Machine.BusyBox));
            foreach (var applet in s_applets)
                tar.WriteEntry(new UstarTarEntry(TarEntryType.SymbolicLink, $"bin/{applet}") { LinkName = "busybox" });
        }

        return buffer.ToArray();
    }

    private static void Add(TarWriter tar, string name, byte[] content) =>
        tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content), Mode = (UnixFileMode)0b111_101_101 });
}
