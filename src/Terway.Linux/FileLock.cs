using System.Globalization;
using System.Text;
using Terway.Linux.Native;

namespace Terway.Linux;

/// <summary>
/// An exclusive lock on a file (flock), for a daemon that must run once. The kernel releases it when the process ends, however it ends.
/// The file stays, with the holder's process id in it; deleting it would let two processes lock two files of one name.
/// </summary>
public sealed class FileLock : IDisposable
{
    private readonly FdHandle _handle;

    private FileLock(FdHandle handle, string path)
    {
        _handle = handle;
        Path = path;
    }

    /// <summary>The locked file.</summary>
    public string Path { get; }

    /// <summary>Takes the lock, or returns null at once when another process, or another place in this one, holds it.</summary>
    /// <exception cref="LinuxException">The file cannot be opened.</exception>
    public static unsafe FileLock? TryAcquire(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var handle = new FdHandle(Libc.open(path, fcntl.O_RDWR | fcntl.O_CREAT | fcntl.O_CLOEXEC, 0x180 /* 0600 */));
        if (handle.IsInvalid)
            throw new LinuxException(Libc.Errno, $"open lock file {path}");
        if (Libc.flock(handle.Fd, fcntl.LOCK_EX | fcntl.LOCK_NB) != 0)
        {
            var errno = Libc.Errno;
            handle.Dispose();
            return errno == Errno.EAGAIN ? null : throw new LinuxException(errno, $"lock {path}");
        }

        // For people who look at the file; the lock does not depend on it.
        Span<byte> pid = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n"));
        if (Libc.ftruncate(handle.Fd, 0) == 0)
        {
            fixed (byte* p = pid)
                _ = Libc.write(handle.Fd, p, (nuint)pid.Length);
        }

        return new FileLock(handle, path);
    }

    /// <summary>Releases the lock.</summary>
    public void Dispose() => _handle.Dispose();
}
