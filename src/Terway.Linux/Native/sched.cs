namespace Terway.Linux.Native;

internal static class sched
{
    public const int CLONE_NEWNET = 0x40000000;
    public const nuint NS_GET_NSTYPE = 0xb703;
    public const long NSFS_MAGIC = 0x6e736673;
    public const ulong MS_BIND = 4096;
    public const ulong MS_REC = 16384;
    public const ulong MS_PRIVATE = 1 << 18;
    public const ulong MS_SHARED = 1 << 20;
    public const int MNT_DETACH = 2;
    public const int RLIMIT_MEMLOCK = 8;
    public const uint STATX_INO = 0x100;
    public const int EFD_CLOEXEC = 0x80000;
    public const int EFD_NONBLOCK = 0x800;
    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int MAP_SHARED = 1;
}
