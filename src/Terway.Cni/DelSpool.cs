using Terway.Cni.Native;
using Terway.Cni.Wire;

namespace Terway.Cni;

/// <summary>
/// DELs of the time when no daemon runs. A DEL that failed would be repeated by the runtime, but a pod whose sandbox is gone may never be
/// asked for again, and its address would stay taken: so the request is put where the daemon finds it, durably, and counts as done.
/// </summary>
internal static unsafe class DelSpool
{
    private const uint OwnerOnlyDirectory = 0x1C0; // 0700
    private const uint OwnerOnlyFile = 0x180; // 0600

    /// <summary>Writes the request so that after a power loss it is there whole or not at all. Returns the file's path.</summary>
    /// <exception cref="CniException">Code 5: the folder cannot be written; the DEL must then fail, so that it is repeated.</exception>
    public static string Store(string folder, string containerId, string ifName, ReadOnlySpan<byte> request)
    {
        MakeFolders(folder);
        var path = $"{folder}/{CniPaths.SpoolFileName(containerId, ifName)}";
        var temporary = $"{path}.{Environment.ProcessId}.tmp";
        var fd = Libc.open(temporary, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL | Libc.O_CLOEXEC, OwnerOnlyFile);
        if (fd < 0 && Libc.Errno == Libc.EEXIST) // a crash long ago, under the same process id
        {
            _ = Libc.unlink(temporary);
            fd = Libc.open(temporary, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL | Libc.O_CLOEXEC, OwnerOnlyFile);
        }

        if (fd < 0)
            throw Failure(temporary, "create");
        try
        {
            WriteAll(fd, request, temporary);
            if (Libc.fsync(fd) < 0)
                throw Failure(temporary, "sync");
        }
        catch (CniException)
        {
            _ = Libc.unlink(temporary);
            throw;
        }
        finally
        {
            _ = Libc.close(fd);
        }

        if (Libc.rename(temporary, path) < 0)
        {
            var failure = Failure(path, "rename to");
            _ = Libc.unlink(temporary);
            throw failure;
        }

        SyncFolder(folder);
        return path;
    }

    /// <summary>Takes a request back that the daemon has done after all. Already gone is fine: the daemon drains the folder itself.</summary>
    public static void Remove(string path) => _ = Libc.unlink(path);

    private static void WriteAll(int fd, ReadOnlySpan<byte> data, string path)
    {
        while (!data.IsEmpty)
        {
            nint written;
            fixed (byte* p = data)
                written = Libc.write(fd, p, (nuint)data.Length);
            if (written >= 0)
                data = data[(int)written..];
            else if (Libc.Errno != Libc.EINTR)
                throw Failure(path, "write");
        }
    }

    private static void MakeFolders(string folder)
    {
        var slash = folder.LastIndexOf('/');
        var made = Libc.mkdir(folder, OwnerOnlyDirectory) == 0;
        if (!made && Libc.Errno == Libc.ENOENT && slash > 0)
        {
            MakeFolders(folder[..slash]);
            made = Libc.mkdir(folder, OwnerOnlyDirectory) == 0;
        }

        if (made)
            SyncFolder(slash > 0 ? folder[..slash] : "/");
        else if (Libc.Errno != Libc.EEXIST)
            throw Failure(folder, "make");
    }

    private static void SyncFolder(string folder)
    {
        var fd = Libc.open(folder, Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (fd < 0)
            throw Failure(folder, "open");
        var synced = Libc.fsync(fd);
        var failure = synced < 0 ? Failure(folder, "sync") : null;
        _ = Libc.close(fd);
        if (failure is not null)
            throw failure;
    }

    private static CniException Failure(string path, string operation) => new(
        CniErrorCode.IoFailure,
        $"the daemon is not running, and the DEL cannot be kept for it: cannot {operation} {path}: {Libc.Describe(Libc.Errno)}",
        "the runtime repeats the DEL; make room or start the daemon");
}
