using System.Runtime.InteropServices;

namespace Terway.Linux.Native;

/// <summary>Owns a file descriptor.</summary>
internal sealed class FdHandle : SafeHandle
{
    public FdHandle()
        : base(-1, ownsHandle: true)
    {
    }

    public FdHandle(int fd)
        : base(-1, ownsHandle: true) => SetHandle(fd);

    public override bool IsInvalid => handle is -1;

    /// <summary>The number. Valid only while the caller keeps this object alive and undisposed.</summary>
    public int Fd
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed || IsInvalid, this);
            return (int)handle;
        }
    }

    protected override bool ReleaseHandle() => Libc.close((int)handle) == 0;
}
