namespace Terway.EndToEnd.Tests.Fixtures;

/// <summary>What the machine must have for these tests.</summary>
internal static class Machine
{
    public const string ReferencePlugins = "/usr/lib/cni";
    public const string BusyBox = "/usr/bin/busybox";

    /// <summary>Skips the running test, with the name of what is missing, when <paramref name="program"/> cannot run containers here.</summary>
    public static void Require(string program)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        foreach (var needed in (string[])["nsenter", "unshare", "runc", program])
            Assert.SkipUnless(IsInPath(needed), $"no program {needed}: build/deps.sh test installs it");
        foreach (var file in (string[])[BusyBox, Path.Combine(ReferencePlugins, "loopback")])
            Assert.SkipUnless(File.Exists(file), $"no file {file}: build/deps.sh test installs it");
        Assert.SkipUnless(IsStatic(BusyBox), $"{BusyBox} is linked dynamically, and cannot run in an image of its own: install busybox-static");
        Assert.SkipUnless(
            File.ReadLines("/proc/filesystems").Any(static line => line.EndsWith("\toverlay", StringComparison.Ordinal)), "the kernel has no overlay file system");
        foreach (var ns in (string[])["net", "mnt", "pid"])
            Assert.SkipUnless(File.Exists($"/proc/self/ns/{ns}"), $"the kernel has no {ns} namespaces");
    }

    private static bool IsInPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>No PT_INTERP among the program headers of a 64-bit little-endian ELF file (elf(5)).</summary>
    private static bool IsStatic(string program)
    {
        const int ProgramHeaderOffset = 32, EntrySizeOffset = 54, CountOffset = 56;
        const uint PtInterp = 3;
        using var reader = new BinaryReader(File.OpenRead(program));
        var header = reader.ReadBytes(64);
        var offset = BitConverter.ToInt64(header, ProgramHeaderOffset);
        var size = BitConverter.ToUInt16(header, EntrySizeOffset);
        for (var i = 0; i < BitConverter.ToUInt16(header, CountOffset); i++)
        {
            reader.BaseStream.Position = offset + (i * size);
            if (reader.ReadUInt32() == PtInterp)
                return false;
        }

        return true;
    }
}
