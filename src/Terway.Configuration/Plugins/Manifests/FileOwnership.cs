using System.Runtime.InteropServices;

namespace Terway.Configuration.Plugins.Manifests;

/// <summary>Kind, owner and mode of a file, by statx(2), whose layout is the same on every architecture.</summary>
internal readonly partial record struct FileOwnership(uint Uid, uint Gid, UnixFileMode Mode, bool IsRegular, bool IsDirectory, bool IsLink)
{
    private const int AtFdCwd = -100;
    private const int AtSymlinkNoFollow = 0x100;
    private const uint StatxBasic = 0x7ff;
    private const int TypeMask = 0xf000;

    /// <summary>Looks at a path itself, not at what a link points to.</summary>
    /// <exception cref="IOException">It cannot be looked at.</exception>
    public static FileOwnership Of(string path)
    {
        if (Statx(AtFdCwd, path, AtSymlinkNoFollow, StatxBasic, out var s) != 0)
            throw new IOException($"stat '{path}': {Marshal.GetLastPInvokeErrorMessage()}");
        return new FileOwnership(s.Uid, s.Gid, (UnixFileMode)(s.Mode & 0xfff),
            (s.Mode & TypeMask) == 0x8000, (s.Mode & TypeMask) == 0x4000, (s.Mode & TypeMask) == 0xa000);
    }

    /// <summary>Who besides root and the daemon's own user can write to it; null when nobody can.</summary>
    public string? ForeignWriter()
    {
        if (Uid != 0 && Uid != GetEuid())
            return $"its owner, user {Uid}";
        if (IsLink)
            return null;
        if ((Mode & UnixFileMode.OtherWrite) != 0)
            return "everybody";
        return (Mode & UnixFileMode.GroupWrite) != 0 ? $"group {Gid}" : null;
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, out StatxBuffer buffer);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEuid();

    /// <summary>struct statx of linux/stat.h, 256 bytes.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatxBuffer
    {
        [FieldOffset(20)]
        public uint Uid;
        [FieldOffset(24)]
        public uint Gid;
        [FieldOffset(28)]
        public ushort Mode;
    }
}
