using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Terway.Linux.Tests.Bpf;

/// <summary>The C programs beside this file, compiled once for all tests.</summary>
public sealed class BpfTestObject : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("twt-bpf-").FullName;

    public BpfTestObject()
    {
        Count = Compile("count");
        Refused = Compile("refused");
    }

    public string Count { get; }

    public string Refused { get; }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static string Multiarch =>
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";

    private string Compile(string name)
    {
        var output = Path.Combine(_directory, $"{name}.o");
        var start = new ProcessStartInfo(
            "clang-14",
            ["-O2", "-g", "-target", "bpf", $"-I/usr/include/{Multiarch}", "-c", Path.Combine(AppContext.BaseDirectory, "Bpf", $"{name}.bpf.c"), "-o", output])
        {
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error);
        return output;
    }
}
