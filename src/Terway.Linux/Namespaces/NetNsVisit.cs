using System.Runtime.CompilerServices;
using System.Text;
using Terway.Linux.Native;

namespace Terway.Linux.Namespaces;

/// <summary>
/// The few system calls made while a thread is in a foreign namespace. Every method here goes in, does its calls and comes back without
/// allocating, without calling other managed code, and is compiled once and fully (no tiering): the runtime starts helper threads (tiered
/// compilation, garbage collection) from whatever thread first needs them, and such a thread would keep the foreign namespace for its life.
/// Results are raw: a value, or a negative errno.
/// </summary>
internal static unsafe class NetNsVisit
{
    /// <summary>Returned when the thread could not come back: the process must end.</summary>
    public const int Lost = int.MinValue;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int OpenSocket(int target, int home, int family, int type, int protocol)
    {
        if (Libc.setns(target, sched.CLONE_NEWNET) != 0)
            return -Libc.Errno;
        var fd = Libc.socket(family, type, protocol);
        var errno = fd < 0 ? Libc.Errno : 0;
        if (Libc.setns(home, sched.CLONE_NEWNET) != 0)
            return Lost;
        return fd < 0 ? -errno : fd;
    }

    /// <summary>Opens <paramref name="path"/> inside the namespace, writes once, or reads once when <paramref name="write"/> is false.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Transfer(int target, int home, byte* path, bool write, byte* buffer, int length)
    {
        if (Libc.setns(target, sched.CLONE_NEWNET) != 0)
            return -Libc.Errno;
        var result = (nint)0;
        var errno = 0;
        var fd = Libc.open(path, (write ? fcntl.O_WRONLY : fcntl.O_RDONLY) | fcntl.O_CLOEXEC, 0);
        if (fd < 0)
        {
            errno = Libc.Errno;
        }
        else
        {
            result = write ? Libc.write(fd, buffer, (nuint)length) : Libc.read(fd, buffer, (nuint)length);
            if (result < 0)
                errno = Libc.Errno;
            _ = Libc.close(fd);
        }

        if (Libc.setns(home, sched.CLONE_NEWNET) != 0)
            return Lost;
        return errno != 0 ? -errno : (int)result;
    }

    /// <summary>Makes a new namespace and binds it at <paramref name="path"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int CreateBound(int home, byte* source, byte* path, byte* type)
    {
        if (Libc.unshare(sched.CLONE_NEWNET) != 0)
            return -Libc.Errno;
        var errno = Libc.mount(source, path, type, sched.MS_BIND, null) != 0 ? Libc.Errno : 0;
        if (Libc.setns(home, sched.CLONE_NEWNET) != 0)
            return Lost;
        return -errno;
    }

    /// <summary>Makes a new namespace that lives as long as the descriptor this returns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int CreateOpen(int home, byte* self)
    {
        if (Libc.unshare(sched.CLONE_NEWNET) != 0)
            return -Libc.Errno;
        var fd = Libc.open(self, fcntl.O_RDONLY | fcntl.O_CLOEXEC, 0);
        var errno = fd < 0 ? Libc.Errno : 0;
        if (Libc.setns(home, sched.CLONE_NEWNET) != 0)
            return Lost;
        return fd < 0 ? -errno : fd;
    }

    /// <summary>The inode of the calling thread's namespace, 0 when it cannot be read.</summary>
    public static ulong CurrentInode()
    {
        statx_buf stat;
        fixed (byte* path = "/proc/thread-self/ns/net\0"u8)
            return Libc.statx(fcntl.AT_FDCWD, path, 0, sched.STATX_INO, &stat) == 0 ? stat.stx_ino : 0;
    }

    /// <summary>Ends the process when the calling thread is not in its home namespace: a thread astray would give a pod the node's traffic.</summary>
    public static void VerifyHome(ulong home, string work)
    {
        var current = CurrentInode();
        if (current != home)
            Environment.FailFast($"thread is in network namespace net:[{current}] instead of net:[{home}] after: {work}");
    }

    public static byte[] CString(string value)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(value) + 1];
        Encoding.UTF8.GetBytes(value, bytes);
        return bytes;
    }
}
