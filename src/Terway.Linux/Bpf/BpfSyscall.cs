using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Terway.Linux.Namespaces;
using Terway.Linux.Native;

namespace Terway.Linux.Bpf;

/// <summary>bpf(2).</summary>
internal static unsafe class BpfSyscall
{
    private static readonly nint s_number = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 321,
        Architecture.Arm64 => 280,
        var other => throw new PlatformNotSupportedException($"the bpf system call's number is not known for {other}"),
    };

    /// <summary>A result of 0 or more, or a negative errno. EINTR and EAGAIN (the verifier was interrupted by a signal) are retried.</summary>
    public static int Call<T>(int command, ref T attributes)
        where T : unmanaged
    {
        fixed (T* p = &attributes)
        {
            for (var attempt = 0; ; attempt++)
            {
                var result = Libc.syscall(s_number, command, (nint)p, sizeof(T));
                if (result >= 0)
                    return (int)result;
                var errno = Libc.Errno;
                if (errno is not (Errno.EINTR or Errno.EAGAIN) || attempt == 5)
                    return -errno;
            }
        }
    }

    public static void Pin(int fd, string path)
    {
        fixed (byte* p = NetNsVisit.CString(path))
        {
            var attributes = new bpf_attr_obj { pathname = (ulong)p, bpf_fd = fd };
            var result = Call(bpf.BPF_OBJ_PIN, ref attributes);
            if (result < 0)
                throw new BpfException(-result, $"pin at {path}", -result == Errno.EPERM ? "is the directory on a bpf file system?" : null);
        }
    }

    /// <summary>Null when nothing is pinned there.</summary>
    public static FdHandle? OpenPinned(string path)
    {
        fixed (byte* p = NetNsVisit.CString(path))
        {
            var attributes = new bpf_attr_obj { pathname = (ulong)p };
            var result = Call(bpf.BPF_OBJ_GET, ref attributes);
            if (result >= 0)
                return new FdHandle(result);
            return -result == Errno.ENOENT ? null : throw new BpfException(-result, $"open what is pinned at {path}");
        }
    }

    public static T Info<T>(int fd, string what)
        where T : unmanaged
    {
        T info = default;
        var attributes = new bpf_attr_info { bpf_fd = fd, info_len = (uint)sizeof(T), info = (ulong)&info };
        var result = Call(bpf.BPF_OBJ_GET_INFO_BY_FD, ref attributes);
        return result >= 0 ? info : throw new BpfException(-result, $"read information of {what}");
    }

    public static string Name(byte* name)
    {
        var span = new ReadOnlySpan<byte>(name, bpf.BPF_OBJ_NAME_LEN);
        var end = span.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? span : span[..end]);
    }

    public static FdHandle Duplicate(int fd)
    {
        var copy = Libc.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 0);
        return copy >= 0 ? new FdHandle(copy) : throw new LinuxException(Libc.Errno, $"duplicate descriptor {fd}");
    }
}
