using Terway.Linux.Native;

namespace Terway.Linux.Tests.Bpf;

/// <summary>A bpf file system of one test.</summary>
public sealed class BpfMount : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("twt-bpffs-").FullName;

    public BpfMount() => Assert.True(Libc.mount("bpf", _directory, "bpf", 0, null) == 0, Errno.Describe(Libc.Errno));

    public string PathOf(string name) => Path.Combine(_directory, name);

    public void Dispose()
    {
        _ = Libc.umount2(_directory, sched.MNT_DETACH);
        Directory.Delete(_directory);
    }
}
