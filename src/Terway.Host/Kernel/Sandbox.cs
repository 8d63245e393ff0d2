using Terway.Linux;
using Terway.Linux.Namespaces;

namespace Terway.Host.Kernel;

/// <summary>A pod's network namespace.</summary>
internal static class Sandbox
{
    /// <summary>Opens the namespace; null when there is none at the path (any more).</summary>
    public static NetNs? TryOpen(string path)
    {
        try
        {
            return path.Length == 0 ? null : NetNs.Open(path);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.EINVAL or Errno.ENOTDIR or Errno.ENXIO)
        {
            return null;
        }
    }

    /// <summary>What tells the namespace from others; null when there is none at the path (any more).</summary>
    public static ulong? InodeOf(string path)
    {
        using var ns = TryOpen(path);
        return ns?.Inode;
    }
}
