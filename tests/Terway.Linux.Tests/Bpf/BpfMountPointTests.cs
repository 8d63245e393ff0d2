using Terway.Linux.Bpf;

namespace Terway.Linux.Tests.Bpf;

public sealed class BpfMountPointTests
{
    private static readonly string[] s_mounts =
    [
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
        "30 22 0:26 / /sys rw,nosuid shared:6 - sysfs sysfs rw",
        "31 30 0:32 / /sys/fs/bpf rw,nosuid shared:9 - bpf bpf rw,mode=700",
        "40 22 0:40 / /bpf\\040read-only ro,nosuid - bpf bpf rw",
        "41 22 0:41 / /frozen rw - bpf bpf ro",
        "42 22 0:42 / /covered rw - bpf bpf rw",
        "43 42 0:43 / /covered rw - tmpfs tmpfs rw",
    ];

    [Theory]
    [InlineData("/sys/fs/bpf", "/sys/fs/bpf", true)]
    [InlineData("/sys/fs/bpf/terway/not/yet", "/sys/fs/bpf", true)]
    [InlineData("/bpf read-only/terway", "/bpf read-only", false)]
    [InlineData("/frozen/terway", "/frozen", false)]
    [InlineData("/sys/fs/bpf2/terway", null, false)]
    [InlineData("/sys/fs", null, false)]
    [InlineData("/covered/terway", null, false)]
    public void The_mount_that_a_path_is_on_is_found(string path, string? point, bool writable) =>
        Assert.Equal(point is null ? null : new BpfMountPoint(point, writable), BpfMountPoint.Find(path, s_mounts));

    [Fact]
    public void A_real_one_is_found_and_gone_when_it_is_unmounted()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var folder = Directory.CreateTempSubdirectory("twt-bpffs-").FullName;
        BpfFileSystem.Mount(folder);
        try
        {
            Assert.Equal(new BpfMountPoint(folder, IsWritable: true), BpfMountPoint.Find(Path.Combine(folder, "terway")));
        }
        finally
        {
            Assert.True(BpfFileSystem.Unmount(folder));
        }

        Assert.Null(BpfMountPoint.Find(folder));
        Directory.Delete(folder);
    }
}
