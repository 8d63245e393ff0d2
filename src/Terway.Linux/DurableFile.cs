using System.Runtime.Versioning;
using Terway.Linux.Native;

namespace Terway.Linux;

/// <summary>
/// Files and folders that are there after a loss of power. A rename or a new name is on disk only once the folder that holds it was synced (fsync(2));
/// the runtime's own calls stop at the file. Thread-safe for different paths.
/// </summary>
[SupportedOSPlatform("linux")]
public static class DurableFile
{
    /// <summary>Puts a file in another one's place, whole or not at all, whoever reads and whatever happens meanwhile.</summary>
    /// <param name="path">The file. Beside it <c>.tmp</c> is used.</param>
    /// <param name="content">All that it is to hold.</param>
    /// <exception cref="IOException">It is not written; the one before is still there.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var temporary = path + ".tmp";
        using (var file = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Makes a folder, and those above it, as far as they are missing. Only root may look into it.</summary>
    /// <exception cref="IOException">It cannot be made or synced.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public static void CreateFolder(string path)
    {
        var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Directory.Exists(folder)) return;
        var above = Path.GetDirectoryName(folder);
        if (above is not null) CreateFolder(above);
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (above is not null) SyncFolder(above);
    }

    private static void SyncFolder(string folder)
    {
        using var handle = new FdHandle(Libc.open(folder, fcntl.O_RDONLY | fcntl.O_CLOEXEC, 0));
        if (handle.IsInvalid || Libc.fsync(handle.Fd) != 0) throw new LinuxException(Libc.Errno, $"sync folder {folder}");
    }
}
