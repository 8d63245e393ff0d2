using Terway.Configuration.Plugins.Manifests;
using Terway.Plugin;

namespace Terway.Configuration.Tests;

/// <summary>
/// Configurations without a plugin list, as clusters of upstream Terway have them, and what they become: one folder each in Golden/shapes. With
/// TERWAY_GOLDEN=write the expectations are written anew; look through the difference before it is committed.
/// </summary>
public sealed class GoldenTests : IDisposable
{
    private static readonly bool s_write = Environment.GetEnvironmentVariable("TERWAY_GOLDEN") == "write";
    private readonly DirectoryInfo _plugins = Directory.CreateTempSubdirectory("terway-golden-");

    public static TheoryData<string> Shapes => [.. Directory.EnumerateDirectories(Folder()).Select(static f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    public void Dispose() => _plugins.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Shape_becomes_what_is_written_down(string shape)
    {
        var golden = new GoldenShape(Path.Combine(Folder(), shape));
        var translated = golden.Translate(Catalog());
        if (s_write) File.WriteAllText(Path.Combine(Folder(), shape, GoldenShape.Expected), translated);
        Assert.Empty(golden.Problems());
        Assert.Equal(golden.ExpectedText(), translated);
    }

    [Fact]
    public void There_is_a_shape_for_each_plugin_and_each_kind_of_finding()
    {
        var configs = Directory.EnumerateDirectories(Folder()).Select(static f => new GoldenShape(f).Read()).ToList();
        Assert.Equal(
            ["DataPathV2", "ExclusiveEni", "IPv6DualStack", "NetworkPolicy", "SharedEni", "TrunkEni"],
            configs.SelectMany(static c => c.Plugins).Select(static p => p.Name).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(Enum.GetValues<FindingSeverity>(), configs.SelectMany(static c => c.Findings).Select(static f => f.Finding.Severity).Distinct().Order());
    }

    [Fact]
    public void Folder_that_lacks_a_file_or_has_one_that_nothing_reads_is_told()
    {
        var folder = _plugins.CreateSubdirectory("shape").FullName;
        File.WriteAllText(Path.Combine(folder, "node-labels"), "terway-config=x\n");
        File.WriteAllText(Path.Combine(folder, "enI_conf"), "{}");
        Assert.Equal(
            ["eni_conf is missing", "10-terway.conf is missing", "expected.json is missing", "node.eni_conf is missing", "nothing reads enI_conf"],
            new GoldenShape(folder).Problems());
    }

    /// <summary>The plugins' own manifests; those of plugins that are not there yet stand in Golden/plugins.</summary>
    private PluginCatalog Catalog()
    {
        foreach (var from in Directory.EnumerateDirectories(Path.Combine(AppContext.BaseDirectory, "manifests")).Concat(Directory.EnumerateDirectories(Path.Combine(Folder(), "../plugins"))))
        {
            var to = Path.Combine(_plugins.FullName, Path.GetFileName(from), "1.0.0");
            if (Directory.Exists(to)) continue;
            Directory.CreateDirectory(to);
            File.Copy(Path.Combine(from, "plugin.json"), Path.Combine(to, "plugin.json"));
        }

        var catalog = PluginCatalog.Discover(_plugins.FullName);
        Assert.Empty(catalog.Rejected);
        return catalog;
    }

    /// <summary>In the source tree and not beside the binaries: there the expectations are written.</summary>
    private static string Folder()
    {
        var root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "Terway.sln"))) root = Path.GetDirectoryName(root);
        return Path.Combine(root ?? throw new InvalidOperationException("no Terway.sln above the tests"), "tests/Terway.Configuration.Tests/Golden/shapes");
    }
}
