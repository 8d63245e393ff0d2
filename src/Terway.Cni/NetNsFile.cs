using Terway.Cni.Native;
using Terway.Cni.Wire;

namespace Terway.Cni;

/// <summary>Whether CNI_NETNS names a network namespace that a pod can live in.</summary>
internal static unsafe class NetNsFile
{
    private const int TypeMask = 0xF000;
    private const int RegularFile = 0x8000;

    /// <exception cref="CniException">
    /// Code 4: not absolute, not there, not a network namespace, or the one this process runs in - the node's.
    /// </exception>
    public static void Validate(string path)
    {
        if (path[0] != '/')
            throw Invalid(path, "it is not an absolute path");
        if (!TryStat(path, out var pod))
            throw Invalid(path, Libc.Describe(Libc.Errno));
        if ((pod.Mode & TypeMask) != RegularFile) // opening a FIFO or a device could block or act
            throw Invalid(path, "it is not a namespace file");

        var fd = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0);
        if (fd < 0)
            throw Invalid(path, Libc.Describe(Libc.Errno));
        try
        {
            if (Libc.ioctl(fd, Libc.NS_GET_NSTYPE) != Libc.CLONE_NEWNET)
                throw Invalid(path, "it is not a network namespace");
        }
        finally
        {
            _ = Libc.close(fd);
        }

        if (TryStat("/proc/self/ns/net", out var own)
            && own.Inode == pod.Inode && own.DeviceMajor == pod.DeviceMajor && own.DeviceMinor == pod.DeviceMinor)
            throw Invalid(path, "it is the node's own network namespace; a host-network pod needs no CNI call");
    }

    private static bool TryStat(string path, out Libc.Statx result)
    {
        fixed (Libc.Statx* p = &result)
            return Libc.statx(Libc.AT_FDCWD, path, 0, Libc.STATX_INO, p) == 0;
    }

    private static CniException Invalid(string path, string why) =>
        new(CniErrorCode.InvalidEnvironmentVariables, $"CNI_NETNS '{(path.Length <= 200 ? path : path[..200] + "...")}' cannot be used: {why}");
}
