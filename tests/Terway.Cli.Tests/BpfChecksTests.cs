using Terway.Cli.Doctor;
using Terway.Linux.Bpf;

namespace Terway.Cli.Tests;

public sealed class BpfChecksTests : IDisposable
{
    private const long Plenty = 1L << 30;

    private static readonly Version s_new = new(6, 1);

    private readonly TempFolder _folder = new();

    private string Dir => _folder["bpf/terway"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_node_that_has_everything_passes(bool wanted)
    {
        Assert.All(Run(wanted: wanted), static c => Assert.Equal(CheckResult.Ok, c.Result));
        Directory.CreateDirectory(Path.Combine(Dir, "datapath-v1"));
        Directory.CreateDirectory(Path.Combine(Dir, "services-v2"));
        Assert.All(Run(wanted: wanted), static c => Assert.Equal(CheckResult.Ok, c.Result));
    }

    [Theory]
    [InlineData("5.9", true, true, "kernel for eBPF")]
    [InlineData("6.1", false, true, "bpf file system")]
    [InlineData("6.1", true, false, "bpf file system")]
    public void What_is_missing_fails_where_it_is_needed_and_warns_elsewhere(string kernel, bool mounted, bool writable, string name)
    {
        var mount = mounted ? new BpfMountPoint("/sys/fs/bpf", writable) : null;
        Assert.Equal((name, CheckResult.Fail), Only(Run(Version.Parse(kernel), wanted: true, mount, absent: !mounted)));
        Assert.Equal((name, CheckResult.Warn), Only(Run(Version.Parse(kernel), wanted: false, mount, absent: !mounted)));
    }

    [Fact]
    public void The_oldest_kernel_passes_and_says_what_is_different_there() =>
        Assert.Contains(Run(new Version(5, 10)), static c => c is { Name: "kernel for eBPF", Result: CheckResult.Ok } && c.Reason.Contains("locked memory", StringComparison.Ordinal));

    [Fact]
    public void A_name_of_ours_that_is_no_folder_fails_and_pins_of_others_are_told()
    {
        _folder.Write("bpf/terway/somebody", "");
        Assert.Equal(("eBPF pins", CheckResult.Warn), Only(Run()));
        // The kernel's own.
        File.Move(Path.Combine(Dir, "somebody"), Path.Combine(Dir, "maps.debug"));
        // The daemon's, of programs on links.
        Directory.CreateDirectory(Path.Combine(Dir, "tcx", "eth1"));
        Assert.All(Run(), static c => Assert.Equal(CheckResult.Ok, c.Result));
        _folder.Write("bpf/terway/datapath-v1", "");
        Assert.Equal(("eBPF pins", CheckResult.Fail), Only(Run()));
        Directory.Delete(Dir, recursive: true);
        _folder.Write("bpf/terway", "");
        Assert.Equal(("eBPF pins", CheckResult.Fail), Only(Run()));
    }

    [Fact]
    public void Too_little_memory_is_told()
    {
        Assert.Equal(("memory for eBPF maps", CheckResult.Warn), Only(Run(available: 100L << 20)));
        Assert.True(BpfChecks.AvailableMemory() > 0);
    }

    private static (string, CheckResult) Only(IEnumerable<Check> checks)
    {
        var wrong = Assert.Single(checks, static c => c.Result != CheckResult.Ok);
        Assert.NotEmpty(wrong.Fix);
        return (wrong.Name, wrong.Result);
    }

    private List<Check> Run(Version? version = null, bool wanted = true, BpfMountPoint? mount = null, bool absent = false, long? available = Plenty) =>
        [.. BpfChecks.Run(Dir, version ?? s_new, wanted, _ => absent ? null : mount ?? new BpfMountPoint("/sys/fs/bpf", IsWritable: true), available)];
}
