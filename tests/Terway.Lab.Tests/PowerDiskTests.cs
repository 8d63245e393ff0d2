using System.Diagnostics;
using Terway.Lab.Nodes;

namespace Terway.Lab.Tests;

/// <summary>What is left of a disk whose power went.</summary>
public sealed class PowerDiskTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("twt-power-");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_synced_is_there_and_nothing_else(bool heldElsewhere)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        var state = Path.Combine(_folder.FullName, "state");
        await using var disk = await PowerDisk.CreateAsync(Path.Combine(_folder.FullName, "disk"), [state], null, Token);
        // A container runtime's mount namespace: it has the old mount, and keeps the file system that lost its power in the kernel.
        using var holder = heldElsewhere ? Process.Start(new ProcessStartInfo("unshare", ["--mount", "sh", "-c", "echo ready; exec sleep 60"]) { RedirectStandardOutput = true }) : null;
        try
        {
            if (holder is not null) Assert.Equal("ready", await holder.StandardOutput.ReadLineAsync(Token));
            for (var life = 0; life < 3; life++)
            {
                Write($"synced-{life}", flush: true);
                Write($"lost-{life}", flush: false);
                await disk.LosePowerAsync(Token);
                for (var past = 0; past <= life; past++)
                {
                    Assert.Equal($"synced-{past}", await File.ReadAllTextAsync(Path.Combine(state, $"synced-{past}"), Token));
                    Assert.False(File.Exists(Path.Combine(state, $"lost-{past}")));
                }
            }
        }
        finally
        {
            holder?.Kill();
            if (holder is not null) await holder.WaitForExitAsync(CancellationToken.None);
        }

        void Write(string name, bool flush)
        {
            using var file = File.Create(Path.Combine(state, name));
            file.Write(System.Text.Encoding.ASCII.GetBytes(name));
            file.Flush(flush);
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
