using System.Text.Json;
using Terway.Cli.Commands;
using Terway.Cni.Wire;

namespace Terway.Cli.Doctor;

/// <summary>What the container runtime finds: conflist and entrypoint, and what was left for the daemon to do.</summary>
internal static class InstallChecks
{
    public const string ConflistName = "10-terway.conflist";

    private const string EntrypointName = "terway";
    private static readonly string[] s_read = [".conf", ".conflist", ".json"];

    public static IEnumerable<Check> Run(NodePaths paths) => [Conflist(paths), .. Winner(paths), Entrypoint(paths), Spool(paths)];

    /// <summary>Configurations in the runtime's folder, in its order: it takes the first.</summary>
    public static IReadOnlyList<string> Configurations(string folder)
    {
        if (!Directory.Exists(folder)) return [];
        string[] names = [.. Directory.EnumerateFiles(folder).Select(static f => Path.GetFileName(f)).Where(static f => s_read.Contains(Path.GetExtension(f)))];
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    private static Check Conflist(NodePaths paths)
    {
        const string name = "conflist";
        var path = Path.Combine(paths.CniConfDir, ConflistName);
        if (!File.Exists(path))
            return Check.Fail(name, $"{path} is missing: the runtime takes this node for one without a network", "the daemon writes it once it serves pods; see why it does not");
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("plugins", out var plugins) || plugins.ValueKind != JsonValueKind.Array || plugins.GetArrayLength() == 0
                || plugins[0].ValueKind != JsonValueKind.Object || !plugins[0].TryGetProperty("type", out var type) || type.ValueKind != JsonValueKind.String || !type.ValueEquals(EntrypointName))
            {
                return Check.Fail(name, $"the first plugin in {path} is not of type {EntrypointName}", "delete the file and restart the daemon, which writes it anew");
            }

            var socket = plugins[0].TryGetProperty("daemonSocket", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString()! : CniPaths.DefaultDaemonSocket;
            return Path.GetFullPath(socket) == paths.CniSocket
                ? Check.Ok(name, $"{path} sends calls to {socket}")
                : Check.Fail(name, $"{path} sends calls to {socket}, and the daemon listens on {paths.CniSocket}", "restart the daemon with the run folder that is meant; it writes the file anew");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return Check.Fail(name, $"{path} cannot be read: {e.Message}", "delete the file and restart the daemon, which writes it anew");
        }
    }

    private static IEnumerable<Check> Winner(NodePaths paths)
    {
        var names = Configurations(paths.CniConfDir);
        if (names.Count > 0 && names.Contains(ConflistName) && names[0] != ConflistName)
        {
            yield return Check.Fail(
                "other CNI", $"the runtime takes {names[0]}, which comes before {ConflistName} in {paths.CniConfDir}", "remove the other network's configuration, and restart pods that it has served");
        }
    }

    private static Check Entrypoint(NodePaths paths)
    {
        const string name = "entrypoint";
        var path = Path.Combine(paths.CniBinDir, EntrypointName);
        if (!File.Exists(path)) return Check.Fail(name, $"{path} is missing", "install the entrypoint there, or name the folder with --cni-bin-dir");
        const UnixFileMode execute = UnixFileMode.UserExecute;
        return (File.GetUnixFileMode(path) & execute) == 0 || new FileInfo(path).Length == 0
            ? Check.Fail(name, $"{path} is not executable, or empty", "install the entrypoint anew, with mode 0755")
            : Check.Ok(name, path);
    }

    private static Check Spool(NodePaths paths)
    {
        const string name = "spooled deletes";
        if (!Directory.Exists(paths.SpoolDir)) return Check.Ok(name, "none");
        var waiting = Directory.EnumerateFiles(paths.SpoolDir, "*" + CniPaths.SpoolSuffix).Count();
        var unreadable = Directory.EnumerateFiles(paths.SpoolDir, "*.unreadable").Count();
        if (unreadable > 0) return Check.Warn(name, $"{unreadable} in {paths.SpoolDir} could not be read", "the daemon frees what they were about by itself; remove the files");
        return waiting == 0 ? Check.Ok(name, "none") : Check.Warn(name, $"{waiting} wait in {paths.SpoolDir} for a daemon", "start the daemon: it does them, and their addresses are free again");
    }
}
