using System.Diagnostics;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>A bpf file system of one test.</summary>
internal sealed class BpfMount : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("dp-bpffs-").FullName;

    public BpfMount() => Run("mount", "-t", "bpf", "bpf", _directory);

    public string Folder => _directory;

    public void Dispose()
    {
        Run("umount", "-l", _directory);
        Directory.Delete(_directory);
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
