using Terway.Cni.Wire;
using Terway.Host.Cni;
using Terway.Host.Tests.Fixtures;

namespace Terway.Host.Tests.Cni;

public sealed class ConflistTests
{
    [Fact]
    public void Conflist_is_what_runtimes_read_and_root_only_and_nothing_else_is_left()
    {
        using var folder = new TempFolder();
        var file = new ConflistFile(folder["net.d"], "/elsewhere/cni.socket", "/elsewhere/spool");
        file.Write();
        Assert.Equal([file.Path], Directory.GetFiles(folder["net.d"]));
        Assert.Equal("10-terway.conflist", Path.GetFileName(file.Path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file.Path));
        var conf = Samples.Json(File.ReadAllText(file.Path));
        Assert.Equal("1.0.0", conf.GetProperty("cniVersion").GetString());
        Assert.Contains("1.1.0", conf.GetProperty("cniVersions").EnumerateArray().Select(static v => v.GetString()));
        var plugin = Assert.Single(conf.GetProperty("plugins").EnumerateArray());
        Assert.Equal("terway", plugin.GetProperty("type").GetString());
        Assert.True(plugin.GetProperty("capabilities").GetProperty("bandwidth").GetBoolean());
        Assert.Equal("/elsewhere/cni.socket", plugin.GetProperty("daemonSocket").GetString());
        Assert.Equal("/elsewhere/spool", plugin.GetProperty("spoolDir").GetString());
    }

    [Fact]
    public void Conflist_with_the_same_content_is_not_touched_and_another_one_is_replaced_whole()
    {
        using var folder = new TempFolder();
        var file = new ConflistFile(folder.Path, CniPaths.DefaultDaemonSocket, CniPaths.DefaultSpoolDir);
        file.Write();
        var plugin = Samples.Json(File.ReadAllText(file.Path)).GetProperty("plugins")[0];
        Assert.False(plugin.TryGetProperty("daemonSocket", out _));
        Assert.False(plugin.TryGetProperty("spoolDir", out _));
        File.SetLastWriteTimeUtc(file.Path, DateTime.UnixEpoch);
        file.Write();
        Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(file.Path));
        using var old = File.OpenRead(file.Path);
        new ConflistFile(folder.Path, "/other", "/spool").Write();
        // Whoever has the old file open still reads all of the old file.
        Assert.DoesNotContain("/other", new StreamReader(old).ReadToEnd(), StringComparison.Ordinal);
        Assert.Contains("/other", File.ReadAllText(file.Path), StringComparison.Ordinal);
    }
}
