using System.Text;
using Terway.Linux.Native;

namespace Terway.Linux;

/// <summary>Which file a path leads to: file system and inode. Another file in its place, or its file system mounted anew, is another one.</summary>
public readonly record struct FileIdentity(uint Major, uint Minor, ulong Inode)
{
    /// <summary>Null when there is nothing, or nothing that can be looked at.</summary>
    public static unsafe FileIdentity? Of(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        statx_buf stat;
        fixed (byte* p = Encoding.UTF8.GetBytes(path + '\0'))
        {
            return Libc.statx(fcntl.AT_FDCWD, p, 0, sched.STATX_INO, &stat) == 0 ? new FileIdentity(stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino) : null;
        }
    }
}
