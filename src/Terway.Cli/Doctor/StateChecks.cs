using Terway.Cli.Commands;

namespace Terway.Cli.Doctor;

/// <summary>The daemon's state file, looked at from outside: the daemon alone opens it.</summary>
internal static class StateChecks
{
    private const long LeastFree = 64L << 20;

    // The first bytes of every SQLite file.
    private static ReadOnlySpan<byte> Magic => "SQLite format 3\0"u8;

    public static IEnumerable<Check> Run(NodePaths paths)
    {
        yield return State(paths);
        if (Directory.Exists(paths.StateDir))
        {
            foreach (var damaged in Directory.EnumerateFiles(paths.StateDir, Path.GetFileName(paths.StateFile) + ".damaged-*"))
                yield return Check.Warn("damaged state", $"{damaged} was set aside", "send it with a report, then remove it; look whether the disk is failing");
            if (new DriveInfo(paths.StateDir) is { AvailableFreeSpace: < LeastFree } drive)
                yield return Check.Warn("disk", $"{drive.AvailableFreeSpace >> 20} MiB are free where {paths.StateDir} is", "free space: with a full disk no pod can be added or taken away");
        }
    }

    private static Check State(NodePaths paths)
    {
        const string name = "state file";
        try
        {
            if (!File.Exists(paths.StateFile)) return Check.Warn(name, $"there is no {paths.StateFile}", "nothing to do on a new node: the daemon makes it");
            using var file = File.Open(paths.StateFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var head = new byte[Magic.Length];
            var read = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
            return read == head.Length && head.AsSpan().SequenceEqual(Magic)
                ? Check.Ok(name, $"{paths.StateFile}, {file.Length} bytes")
                : Check.Fail(name, $"{paths.StateFile} is no state file: it begins with other bytes", "restart the daemon: it sets the file aside and finds running pods again");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Check.Fail(name, $"{paths.StateFile} cannot be read: {e.Message}", "be root; look whether the disk is failing");
        }
    }
}
