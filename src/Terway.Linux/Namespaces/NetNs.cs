using System.Runtime.CompilerServices;
using Terway.Linux.Native;

namespace Terway.Linux.Namespaces;

/// <summary>
/// A reference to a network namespace, held by a file descriptor. The namespace lives at least as long as this object.
/// Thread safe; nothing here changes the namespace of any thread.
/// </summary>
public sealed class NetNs : IDisposable
{
    private readonly FdHandle _handle;

    private NetNs(FdHandle handle, string description)
    {
        _handle = handle;
        Description = description;
        Inode = InodeOf(handle.Fd);
    }

    /// <summary>The inode in nsfs: equal inodes mean the same namespace (there is one nsfs in a kernel).</summary>
    public ulong Inode { get; }

    /// <summary>The descriptor. Valid while this object is alive and not disposed.</summary>
    public int Fd => _handle.Fd;

    /// <summary>The path it was opened by, for messages.</summary>
    public string Description { get; }

    /// <summary>Opens the namespace bound at <paramref name="path"/>.</summary>
    /// <exception cref="LinuxException">ENOENT: nothing there. EINVAL: the file is not a network namespace (a runtime unmounted it, for example).</exception>
    public static NetNs Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        // O_NONBLOCK: the path comes from outside and could be a FIFO.
        return Own(OpenFile(path), path);
    }

    /// <summary>The namespace of the calling thread.</summary>
    public static NetNs OpenCurrent() => Open("/proc/thread-self/ns/net");

    /// <summary>A new namespace without a name: it has a loopback link, is nobody's home, and goes with this object and the sockets opened in it.</summary>
    /// <exception cref="LinuxException">The kernel refused, e.g. EPERM.</exception>
    public static NetNs CreateUnnamed()
    {
        using var home = OpenCurrent();
        var result = 0;
        var thread = new Thread(() => result = CreateHere(home)) { IsBackground = true, Name = "netns-create" };
        thread.Start();
        thread.Join();
        if (result == NetNsVisit.Lost)
            Environment.FailFast("could not return from a new network namespace");
        return result >= 0 ? Own(new FdHandle(result), "unnamed") : throw new LinuxException(-result, "create network namespace");
    }

    /// <summary>Takes ownership of <paramref name="fd"/>, also when this throws.</summary>
    public static NetNs FromFd(int fd) => Own(new FdHandle(fd), $"fd {fd}");

    /// <summary>True when <paramref name="path"/> is a network namespace. A missing file, and a file from which the namespace was unmounted, are not.</summary>
    /// <exception cref="LinuxException">The path could not be judged, e.g. EACCES.</exception>
    public static bool Exists(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var fd = Libc.open(path, fcntl.O_RDONLY | fcntl.O_CLOEXEC | fcntl.O_NONBLOCK, 0);
        if (fd < 0)
        {
            var errno = Libc.Errno;
            return errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ENXIO ? false : throw new LinuxException(errno, $"open {path}");
        }

        using var handle = new FdHandle(fd);
        return IsNetNs(fd);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Description} (net:[{Inode}])";

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static unsafe int CreateHere(NetNs home)
    {
        fixed (byte* self = "/proc/thread-self/ns/net\0"u8)
            return NetNsVisit.CreateOpen(home.Fd, self);
    }

    private static FdHandle OpenFile(string path)
    {
        var fd = Libc.open(path, fcntl.O_RDONLY | fcntl.O_CLOEXEC | fcntl.O_NONBLOCK, 0);
        return fd >= 0 ? new FdHandle(fd) : throw new LinuxException(Libc.Errno, $"open network namespace {path}");
    }

    private static NetNs Own(FdHandle handle, string description)
    {
        if (!IsNetNs(handle.Fd))
        {
            handle.Dispose();
            throw new LinuxException(Errno.EINVAL, $"open network namespace {description}: the file is not a network namespace");
        }

        return new NetNs(handle, description);
    }

    private static unsafe bool IsNetNs(int fd)
    {
        // struct statfs starts with f_type, a long, on every 64-bit architecture; 120 bytes in all.
        var buffer = stackalloc byte[256];
        return Libc.fstatfs(fd, buffer) == 0
            && Unsafe.ReadUnaligned<long>(buffer) == sched.NSFS_MAGIC
            && Libc.ioctl(fd, sched.NS_GET_NSTYPE, 0) == sched.CLONE_NEWNET;
    }

    private static unsafe ulong InodeOf(int fd)
    {
        statx_buf stat;
        byte empty = 0;
        return Libc.statx(fd, &empty, fcntl.AT_EMPTY_PATH, sched.STATX_INO, &stat) == 0
            ? stat.stx_ino
            : throw new LinuxException(Libc.Errno, $"statx of namespace descriptor {fd}");
    }
}
