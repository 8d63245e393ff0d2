using Terway.Linux.Native;

namespace Terway.Linux.Bpf;

/// <summary>The file system whose files keep maps, programs and links alive. Each mount made here is one of its own, empty at first.</summary>
public static class BpfFileSystem
{
    /// <summary>Mounts one on a folder, in the calling thread's mount namespace.</summary>
    public static void Mount(string folder)
    {
        Directory.CreateDirectory(folder);
        if (Libc.mount("bpf", folder, "bpf", 0, null) != 0)
            throw new LinuxException(Libc.Errno, $"mount a bpf file system at {folder}");
    }

    /// <summary>Takes it away, and with it every pin, also while somebody has files in it open. False when nothing is mounted there.</summary>
    public static bool Unmount(string folder)
    {
        if (Libc.umount2(folder, sched.MNT_DETACH) == 0)
            return true;
        return Libc.Errno is Errno.EINVAL or Errno.ENOENT ? false : throw new LinuxException(Libc.Errno, $"unmount {folder}");
    }
}
