using System.Diagnostics;
using System.Text.RegularExpressions;
using Terway.Cni.Tests.Fixtures;
using Terway.Cni.Wire;

namespace Terway.Cni.Tests;

/// <summary>The binary as a file that is copied onto hosts, and as a process that starts for every call.</summary>
public sealed class BinaryTests(NodeFixture node, ITestOutputHelper output) : CniTest(node)
{
    [Fact]
    public void Binary_needs_no_newer_glibc_than_2_31() => Assert.InRange(new ElfFile(Node.Binary).NewestGlibc, new Version(2, 2), new Version(2, 31));

    [Fact]
    public void Binary_needs_no_library_but_the_c_library()
    {
        string[] ofGlibc = ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"];
        Assert.Empty(new ElfFile(Node.Binary).Libraries.Except(ofGlibc));
    }

    [Fact]
    public async Task Reader_of_symbol_versions_agrees_with_objdump()
    {
        const string file = "/bin/bash"; // newer than 2.31 on this distribution: the reader must be able to see that
        using var objdump = Process.Start(new ProcessStartInfo("objdump", ["-T", file]) { RedirectStandardOutput = true })!;
        var expected = Regex.Matches(await objdump.StandardOutput.ReadToEndAsync(Cancel), "GLIBC_([0-9.]+)").Select(m => Version.Parse(m.Groups[1].Value)).Max();
        Assert.Equal(expected, new ElfFile(file).NewestGlibc);
    }

    /// <summary>Reported, not judged: an absolute time says nothing on a shared machine.</summary>
    [Fact]
    public async Task Calls_in_a_row_report_their_time()
    {
        await using var daemon = new ScriptedDaemon(Socket, ScriptedDaemon.Answers(CniResponse.Success("{}")));
        var times = new List<double>();
        for (var i = 0; i < 60; i++)
        {
            var start = Stopwatch.GetTimestamp();
            (await Call("ADD").Run(Cancel)).AssertOk();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        times.Sort();
        output.WriteLine($"ADD, exec to exit, with this test's own Process.Start: median {times[30]:F1} ms, best {times[0]:F1} ms");
        Assert.Equal(60, daemon.Requests.Count);
    }
}
