using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Terway.Linux.Native;

/// <summary>
/// The C library's calls. Results are raw (-1 and errno); callers read errno with <see cref="Errno"/> at once.
/// Variadic functions (open, ioctl, syscall) are declared with the arity used: on Linux x64 and arm64 the convention is the same.
/// </summary>
internal static unsafe partial class Libc
{
    private const string C = "libc";

    public static int Errno
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Marshal.GetLastSystemError();
    }

    [LibraryImport(C, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags, int mode);

    [LibraryImport(C)]
    public static partial int open(byte* path, int flags, int mode);

    [LibraryImport(C)]
    public static partial int fcntl(int fd, int command, nint argument);

    [LibraryImport(C)]
    public static partial int close(int fd);

    [LibraryImport(C)]
    public static partial int fsync(int fd);

    [LibraryImport(C)]
    public static partial nint read(int fd, void* buffer, nuint count);

    [LibraryImport(C)]
    public static partial nint write(int fd, void* buffer, nuint count);

    [LibraryImport(C)]
    public static partial int kill(int pid, int signal);

    [LibraryImport(C)]
    public static partial int setns(int fd, int type);

    [LibraryImport(C)]
    public static partial int unshare(int flags);

    [LibraryImport(C, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mount(string source, string target, string? type, ulong flags, string? data);

    [LibraryImport(C)]
    public static partial int mount(byte* source, byte* target, byte* type, ulong flags, void* data);

    [LibraryImport(C, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int umount2(string target, int flags);

    [LibraryImport(C, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mkdir(string path, uint mode);

    [LibraryImport(C, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int unlink(string path);

    [LibraryImport(C)]
    public static partial int ioctl(int fd, nuint request, nint argument);

    [LibraryImport(C)]
    public static partial int fstatfs(int fd, void* buffer);

    [LibraryImport(C)]
    public static partial int statx(int dirFd, byte* path, int flags, uint mask, statx_buf* buffer);

    [LibraryImport(C)]
    public static partial int flock(int fd, int operation);

    [LibraryImport(C)]
    public static partial int ftruncate(int fd, long length);

    [LibraryImport(C)]
    public static partial int socket(int family, int type, int protocol);

    [LibraryImport(C)]
    public static partial int bind(int fd, void* address, uint length);

    [LibraryImport(C)]
    public static partial int getsockname(int fd, void* address, uint* length);

    [LibraryImport(C)]
    public static partial int setsockopt(int fd, int level, int option, void* value, uint length);

    [LibraryImport(C)]
    public static partial int getsockopt(int fd, int level, int option, void* value, uint* length);

    [LibraryImport(C)]
    public static partial nint sendto(int fd, void* buffer, nuint length, int flags, void* address, uint addressLength);

    [LibraryImport(C)]
    public static partial nint recvfrom(int fd, void* buffer, nuint length, int flags, void* address, uint* addressLength);

    [LibraryImport(C)]
    public static partial int poll(pollfd* fds, nuint count, int timeoutMilliseconds);

    [LibraryImport(C)]
    public static partial int eventfd(uint initial, int flags);

    [LibraryImport(C)]
    public static partial nint syscall(nint number, nint a0, nint a1, nint a2);

    [LibraryImport(C)]
    public static partial int prlimit(int pid, int resource, rlimit* newLimit, rlimit* oldLimit);

    [LibraryImport(C)]
    public static partial void* mmap(void* address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport(C)]
    public static partial int munmap(void* address, nuint length);

    [LibraryImport(C)]
    public static partial int vsnprintf(byte* buffer, nuint size, byte* format, nint arguments);
}
