using System.Diagnostics;
using System.Runtime.InteropServices;
using Terway.Host.Tests.Fixtures;
using Terway.Linux.Bpf;

namespace Terway.Host.Tests.Kernel;

/// <summary>A bpf file system of one test, and in it what a plugin would have pinned for the sample plan.</summary>
internal sealed class SamplePins : IDisposable
{
    private static readonly Lazy<string> s_object = new(Compile);

    public SamplePins()
    {
        BpfFileSystem.Mount(Folder);
        try
        {
            Directory.CreateDirectory(PathOf(""));
            using var loaded = Load();
            loaded.Maps["packets"].Pin(PathOf("packets"));
            loaded.Programs["count_tc"].Pin(PathOf("count_tc"));
            Map = BpfMap.OpenPinned(PathOf("packets"))!;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("twt-pins-").FullName;

    /// <summary>32-bit keys, 64-bit values, 2 entries.</summary>
    public BpfMap Map { get; } = null!;

    /// <summary>As the plugin's next version does: another program at the same path.</summary>
    /// <returns>Its id.</returns>
    public uint Exchange()
    {
        using var loaded = Load();
        File.Delete(PathOf("count_tc"));
        loaded.Programs["count_tc"].Pin(PathOf("count_tc"));
        return loaded.Programs["count_tc"].Id;
    }

    /// <summary>Another program under a name of its own.</summary>
    /// <returns>Its id.</returns>
    public uint PinAs(string name)
    {
        using var loaded = Load();
        loaded.Programs["count_tc"].Pin(PathOf(name));
        return loaded.Programs["count_tc"].Id;
    }

    public IEnumerable<string> Snapshot() =>
        Directory.EnumerateFileSystemEntries(Folder, "*", SearchOption.AllDirectories).Where(static p => !p.EndsWith(".debug", StringComparison.Ordinal))
            .Concat(Map.Entries<uint, ulong>().Select(static e => $"entry {e.Key:x} {e.Value:x}"));

    public void Dispose()
    {
        Map?.Dispose();
        BpfFileSystem.Unmount(Folder);
        Directory.Delete(Folder);
    }

    private static BpfObject Load()
    {
        var loaded = BpfObject.Open(s_object.Value);
        loaded.SetMaxEntries("packets", 2);
        loaded.Load();
        return loaded;
    }

    private static string Compile()
    {
        var output = Path.Combine(AppContext.BaseDirectory, "Kernel", "count.bpf.o");
        var multiarch = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
        using var process = Process.Start(
            "clang-14",
            ["-O2", "-g", "-target", "bpf", $"-I/usr/include/{multiarch}", "-c", Path.Combine(AppContext.BaseDirectory, "Kernel", "count.bpf.c"), "-o", output]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }

    private string PathOf(string name) => Path.Combine(Folder, Samples.Pins, name);
}
