namespace Terway.Configuration.Tests;

/// <summary>What the shapes of <see cref="GoldenTests"/> leave open: where a configuration is told from one that is mounted from a ConfigMap.</summary>
public sealed class UpstreamTranslationTests : IDisposable
{
    private static readonly Dictionary<string, string> s_none = [];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("terway-map-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("eni_conf", "SharedEni DataPathV2 NetworkPolicy")]
    [InlineData("pool.json", "SharedEni")]
    public async Task Other_keys_count_beside_a_file_that_has_the_keys_name(string name, string plugins)
    {
        Write(name, "{}");
        Write("10-terway.conf", """{"type": "terway", "eniip_virtual_type": "datapathv2"}""");
        var config = await ConfigFile.ReadAsync(Path.Combine(_folder.FullName, name), s_none, TestContext.Current.CancellationToken);
        Assert.Equal(plugins, Names(config));
    }

    [Fact]
    public async Task Configuration_alone_in_its_folder_asks_for_no_policies()
    {
        Write("eni_conf", "{}");
        Assert.Equal("SharedEni", Names(await ReadAsync()));
        Write("disable_network_policy", "false");
        Assert.Equal("SharedEni NetworkPolicy", Names(await ReadAsync()));
    }

    [Fact]
    public async Task Configuration_has_the_last_word_over_the_CNI_configuration()
    {
        Write("eni_conf", """{"plugins": [{"name": "SharedEni"}], "mtu": 1400, "host_stack_cidrs": null}""");
        Write("10-terway.conf", """{"type": "terway", "eniip_virtual_type": "datapathv2", "mtu": 1500, "host_stack_cidrs": ["169.254.20.10/32"], "disable_host_peer": true}""");
        var config = await ReadAsync();
        Assert.Equal("SharedEni", Names(config));
        Assert.Equal(1400, config.Root.GetProperty("mtu").GetInt32());
        Assert.True(config.Root.GetProperty("disable_host_peer").GetBoolean());
        Assert.False(config.Root.TryGetProperty("host_stack_cidrs", out _));
    }

    private static string Names(NodePoolConfig config) => string.Join(' ', config.Plugins.Select(static p => p.Name));

    private Task<NodePoolConfig> ReadAsync() => ConfigFile.ReadAsync(Path.Combine(_folder.FullName, "eni_conf"), s_none, TestContext.Current.CancellationToken);

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder.FullName, name), text);
}
