using System.Diagnostics;
using System.Runtime.InteropServices;
using Terway.Configuration.Plugins.Manifests;

namespace Terway.Host.Tests.Plugins;

public sealed partial class PluginCatalogTests
{
    private static string Version1(PluginFolder folder) => Path.Combine(folder.Root, "Good/1.0.0");

    [Fact]
    public void Discover_lists_versions_newest_first()
    {
        using var folder = new PluginFolder("Good/1.0.0", "Good/2.0.0");

        Assert.Equal(["Good 2.0.0", "Good 1.0.0"], folder.Discover().VersionsOf("Good").Select(p => p.ToString()));
        Assert.Empty(folder.Discover().Rejected);
    }

    [Fact]
    public void Discover_folder_absent_is_said()
    {
        var rejected = Assert.Single(PluginCatalog.Discover("/nonexistent/plugins").Rejected);

        Assert.Equal("the plugin folder '/nonexistent/plugins' does not exist; install the plugins there", Assert.Single(rejected.Reasons));
    }

    [Fact]
    public void Discover_names_of_folder_and_manifest_differ_is_refused()
    {
        using var folder = new PluginFolder();
        folder.Add("Good", "Better/3.0.0");

        Rejected(folder, "the folder is called 'Better', the manifest says 'Good'; rename one of them",
            "the folder is called '3.0.0', the manifest says '1.0.0'; rename one of them");
    }

    [Fact]
    public void Discover_without_manifest_is_refused()
    {
        using var folder = new PluginFolder("Good");
        File.Delete(Path.Combine(Version1(folder), "plugin.json"));

        Rejected(folder, "plugin.json is missing; copy it beside the entry assembly");
    }

    [Fact]
    public void Discover_without_version_folder_is_refused()
    {
        using var folder = new PluginFolder("Good");
        Directory.Delete(Version1(folder), recursive: true);

        Rejected(folder, "no version inside; the layout is <name>/<version>/plugin.json");
    }

    [Fact]
    public void Discover_manifest_too_large_is_refused()
    {
        using var folder = new PluginFolder("Good");
        PluginFolder.Write(Path.Combine(Version1(folder), "plugin.json"), new string(' ', (1 << 20) + 1));

        Rejected(folder, "plugin.json: is larger than 1048576 bytes");
    }

    [Theory]
    [InlineData("Good.dll", UnixFileMode.OtherWrite, "'Good.dll' can be written by everybody")]
    [InlineData("Good.dll", UnixFileMode.GroupWrite, "'Good.dll' can be written by group 0")]
    [InlineData("plugin.json", UnixFileMode.OtherWrite, "'plugin.json' can be written by everybody")]
    [InlineData(".", UnixFileMode.OtherWrite, "the folder can be written by everybody")]
    public void Discover_writable_by_others_is_refused(string file, UnixFileMode more, string reason)
    {
        using var folder = new PluginFolder("Good");
        var path = Path.GetFullPath(Path.Combine(Version1(folder), file));
        File.SetUnixFileMode(path, File.GetUnixFileMode(path) | more);

        Rejected(folder, $"{reason}; run 'chown root:root' and 'chmod go-w' on '{path}'");
    }

    [Fact]
    public void Discover_owned_by_somebody_else_is_refused()
    {
        using var folder = new PluginFolder("Good");
        var path = Path.Combine(Version1(folder), "Greeting.dll");
        Assert.SkipUnless(Chown(path, 12345, 0) == 0, "only root can give a file away");

        Rejected(folder, $"'Greeting.dll' can be written by its owner, user 12345; run 'chown root:root' and 'chmod go-w' on '{path}'");
    }

    [Theory]
    [InlineData("Good")]
    [InlineData("")]
    public void Discover_parent_folder_writable_by_others_refuses_all_in_it(string parent)
    {
        using var folder = new PluginFolder("Good");
        var path = Path.Combine(folder.Root, parent);
        File.SetUnixFileMode(path, File.GetUnixFileMode(path) | UnixFileMode.OtherWrite);

        Assert.Empty(folder.Discover().Plugins);
        Assert.Contains("can be written by everybody", Assert.Single(Assert.Single(folder.Discover().Rejected).Reasons));
    }

    [Theory]
    [InlineData("link.dll", "/etc/passwd", false)]
    [InlineData("link.dll", "../2.0.0/Good.dll", false)]
    [InlineData("link.dll", "sub/../../x", false)]
    [InlineData("sub/link.dll", "../Good.dll", true)]
    [InlineData("sub/link.dll", "../../x", false)]
    [InlineData("link.dll", "./Good.dll", true)]
    [InlineData("here", ".", true)]
    [InlineData("here", "sub/..", false)]
    public void Discover_symbolic_link_may_only_lead_inside(string link, string target, bool accepted)
    {
        using var folder = new PluginFolder("Good");
        Directory.CreateDirectory(Path.Combine(Version1(folder), "sub"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.CreateSymbolicLink(Path.Combine(Version1(folder), link), target);

        if (accepted)
            Assert.Single(folder.Discover().Plugins);
        else
            Rejected(folder, $"'{link}' is a symbolic link that leads out of the plugin's folder, to '{target}'; put the file itself there");
    }

    [Fact]
    public void Discover_version_folder_that_is_a_link_is_refused()
    {
        using var folder = new PluginFolder("Good");
        Directory.CreateSymbolicLink(Path.Combine(folder.Root, "Good/2.0.0"), "1.0.0");

        Rejected(folder, "the folder is a symbolic link that leads out of the plugin's folder, to '1.0.0'; put the file itself there");
    }

    [Fact]
    public void Digest_is_what_coreutils_compute()
    {
        using var folder = new PluginFolder("Good");
        var version = Version1(folder);
        foreach (var name in new[] { "a b", "B", "ä", "sub/x", "sub-y", "sub.z" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(version, name))!);
            PluginFolder.Write(Path.Combine(version, name), name);
        }
        using var shell = Process.Start(new ProcessStartInfo("sh",
            ["-c", "find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum"])
        { WorkingDirectory = version, RedirectStandardOutput = true })!;
        var expected = shell.StandardOutput.ReadToEnd().Split(' ')[0];

        Assert.Equal(expected, PluginDigest.Compute(version));
    }

    [Fact]
    public void Digest_changes_with_name_and_place_of_a_file()
    {
        using var folder = new PluginFolder("Good");
        var version = Version1(folder);
        var before = PluginDigest.Compute(version);
        File.Move(Path.Combine(version, "Greeting.dll"), Path.Combine(version, "greeting.dll"));

        Assert.NotEqual(before, PluginDigest.Compute(version));
    }

    [Fact]
    public void Digest_of_folder_with_link_is_refused()
    {
        using var folder = new PluginFolder("Good");
        File.CreateSymbolicLink(Path.Combine(Version1(folder), "link.dll"), "Good.dll");

        Assert.Throws<InvalidDataException>(() => PluginDigest.Compute(Version1(folder)));
    }

    private static void Rejected(PluginFolder folder, params string[] reasons) =>
        Assert.Equal(reasons, Assert.Single(folder.Discover().Rejected).Reasons);

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Chown(string path, uint owner, uint group);
}
