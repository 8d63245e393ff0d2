using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Host.State;
using Terway.Host.Tests.Fixtures;

namespace Terway.Host.Tests.State;

/// <summary>What happens to the state file when the disk is full and when the process is killed.</summary>
public sealed partial class StateDiskTests
{
    private const int CLONE_NEWNS = 0x20000;
    private const ulong MS_REC = 0x4000;
    private const ulong MS_PRIVATE = 1 << 18;

    [Fact]
    public void A_full_disk_fails_the_write_and_leaves_nothing_half_done_and_writing_goes_on_when_there_is_room()
    {
        using var folder = new TempFolder();
        Exception? failure = null;
        // The file system of 512 KiB is mounted in a mount namespace of this thread's own, and goes with it.
        var thread = new Thread(() => failure = Record.Exception(() =>
        {
            Assert.Equal(0, unshare(CLONE_NEWNS));
            Assert.Equal(0, mount("none", "/", null, MS_REC | MS_PRIVATE, null));
            Assert.Equal(0, mount("twt", folder.Path, "tmpfs", 0, "size=512k"));
            var path = folder["state.db"];
            var written = 0;
            var store = StateStore.Open(path, TimeProvider.System, NullLogger.Instance);
            using (var filler = File.Create(folder["filler"]))
            {
                var chunk = new byte[4096];
                try
                {
                    while (true)
                    {
                        filler.Write(chunk);
                        filler.Flush();
                    }
                }
                catch (IOException)
                {
                    filler.SetLength(Math.Max(0, filler.Length - 32 * 1024));
                }
            }

            StateException? full = null;
            for (; full is null && written < 1000; written++)
            {
                try
                {
                    store.WriteAsync(new StateWrite.PutFact($"a{written}", new byte[2000]), new StateWrite.PutFact($"b{written}", new byte[2000])).GetAwaiter().GetResult();
                }
                catch (StateException e)
                {
                    full = e;
                    written--;
                }
            }

            Assert.NotNull(full);
            Assert.Contains("not full", full.Message, StringComparison.Ordinal);
            Assert.InRange(written, 1, 999);
            File.Delete(folder["filler"]);
            store.WriteAsync(new StateWrite.PutFact("room again", [1])).GetAwaiter().GetResult();
            store.DisposeAsync().AsTask().GetAwaiter().GetResult();
            var again = StateStore.Open(path, TimeProvider.System, NullLogger.Instance);
            again.DisposeAsync().AsTask().GetAwaiter().GetResult();
            Assert.Null(again.SetAside);
            Assert.Equal((2 * written) + 1, again.Initial.Facts.Count);
        }));
        thread.Start();
        thread.Join();
        if (failure is not null) Assert.Fail(failure.ToString());
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task What_was_acknowledged_survives_a_kill_in_the_middle_of_writes()
    {
        for (var round = 0; round < 3; round++)
        {
            using var folder = new TempFolder();
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
            if (System.IO.Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(StateDiskTests).Assembly.Location);
            start.Environment[StateWriterChild.Variable] = folder.Path;
            using var child = Process.Start(start)!;
            try
            {
                var patience = Stopwatch.StartNew();
                while (Acknowledged(folder) < 40 * (round + 1))
                {
                    Assert.False(child.HasExited, "the writing process ended by itself");
                    Assert.True(patience.Elapsed < TimeSpan.FromSeconds(60), "the writing process does not write");
                    await Task.Delay(5, TestContext.Current.CancellationToken);
                }
            }
            finally
            {
                child.Kill();
                await child.WaitForExitAsync(CancellationToken.None);
            }

            var acknowledged = Acknowledged(folder);
            await using var store = StateStore.Open(folder["state.db"], TimeProvider.System, NullLogger.Instance);
            Assert.Null(store.SetAside);
            var facts = store.Initial.Facts.Keys.ToHashSet();
            for (var i = 0; i < acknowledged; i++) Assert.Contains($"a{i}", facts);
            for (var i = 0; facts.Contains($"a{i}") || facts.Contains($"b{i}"); i++)
            {
                Assert.True(facts.Contains($"a{i}") && facts.Contains($"b{i}"), $"commit {i} is there in part");
            }
        }
    }

    private static long Acknowledged(TempFolder folder) => new FileInfo(folder["acknowledged"]) is { Exists: true } file ? file.Length : 0;

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int unshare(int flags);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int mount(string source, string target, string? type, ulong flags, string? data);
}
