using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Terway.Cli.Bundle;
using Terway.Cli.Commands;

namespace Terway.Cli.Tests;

public sealed class BundleTests : IDisposable
{
    private static readonly string[] s_secrets =
    [
        "LTAI5tPlantedKeyId", "Planted/Secret+Value==", "planted-token-in-settings", "planted-in-the-environment", "planted-in-the-credential-file", "planted\"quoted\"value", "8877665544",
    ];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Secrets_of_configuration_and_environment_are_in_no_file()
    {
        var credentials = _folder.Write("credentials.json", "planted-in-the-credential-file");
        var config = _folder.Write("eni_conf", $$"""
            {
              "version": "1", // a comment
              "access_key": "LTAI5tPlantedKeyId", "access_secret": "Planted/Secret+Value==", "credential_path": "{{credentials}}",
              "max_pool_size": 5, "eni_tags": { "api_token": "planted-token-in-settings" },
              "plugins": [ { "name": "SharedEni", "settings": { "credentials": { "any": ["planted\"quoted\"value", 8877665544] } } } ]
            }
            """);
        var log = _folder.Write("terwayd.log", """
            signing with LTAI5tPlantedKeyId and Planted/Secret+Value==
            GET /?token=planted-token-in-settings&secret=Planted%2FSecret%2BValue%3D%3D
            env planted-in-the-environment, json planted\u0022quoted\u0022value planted"quoted"value 8877665544
            an ordinary line
            """);
        _folder.Write("net.d/10-terway.conflist", """{"plugins":[{"type":"terway"}]}""");
        _folder.Write("net.d/99-other.conflist", "planted-token-in-settings");
        var files = await WriteAsync(config, log, "planted-in-the-environment");

        // What is no secret is there.
        Assert.Contains("an ordinary line", files["terwayd.log"], StringComparison.Ordinal);
        Assert.Contains("\"max_pool_size\": 5", files["eni_conf.json"], StringComparison.Ordinal);
        Assert.Contains("\"access_secret\": ", files["eni_conf.json"], StringComparison.Ordinal);
        Assert.Contains("99-other.conflist", files["cni/files.txt"], StringComparison.Ordinal);
        foreach (var (name, text) in files)
        {
            foreach (var secret in s_secrets)
            {
                Assert.False(text.Contains(secret, StringComparison.Ordinal), $"{secret} is in {name}");
                Assert.False(text.Contains(Uri.EscapeDataString(secret), StringComparison.Ordinal), $"{secret} is in {name}, as in URLs");
                Assert.False(text.Contains(secret.Replace("\"", "\\u0022", StringComparison.Ordinal), StringComparison.Ordinal), $"{secret} is in {name}, as in JSON");
            }
        }
    }

    [Fact]
    public async Task Without_a_daemon_the_rest_is_there()
    {
        var files = await WriteAsync(_folder.Write("eni_conf", """{"mtu": -1}"""), _folder["no.log"], "");
        Assert.Contains("out of range", files["doctor.json"], StringComparison.Ordinal);
        Assert.Contains("lo ", files["kernel/links.txt"], StringComparison.Ordinal);
        Assert.Contains("lookup local", files["kernel/rules.txt"], StringComparison.Ordinal);
        Assert.Contains("net/ipv4/ip_forward = ", files["kernel/sysctls.txt"], StringComparison.Ordinal);
        Assert.Contains("kernel Linux", files["versions.txt"], StringComparison.Ordinal);
        Assert.NotEmpty(files["mapping.error.txt"]);
        Assert.Contains("no.log", files["terwayd.log.error.txt"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configuration_that_is_no_JSON_is_left_out()
    {
        var files = await WriteAsync(_folder.Write("eni_conf", "{ \"access_secret\": \"planted-token-in-settings\", oops"), _folder["no.log"], "");
        Assert.Contains("left out", files["eni_conf.json"], StringComparison.Ordinal);
        Assert.All(files, static f => Assert.DoesNotContain("planted-token", f.Value, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_archive_is_for_root_alone()
    {
        var path = _folder["out.tar.gz"];
        var run = await CommandRun.OfAsync(["support-bundle", "--output", path, .. Options(_folder.Write("eni_conf", "{}"), _folder["no.log"])]);
        Assert.Equal((0, path + "\n"), (run.Code, run.Output));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Contains("doctor.json", (await ReadAsync(path)).Keys);
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_is_exit_code_2()
    {
        var run = await CommandRun.OfAsync(["support-bundle", "--output", "/nonexistent/out.tar.gz", .. Options(_folder["eni_conf"], _folder["no.log"])]);
        Assert.Equal(2, run.Code);
        Assert.Contains("/nonexistent/out.tar.gz", run.Error, StringComparison.Ordinal);
    }

    private string[] Options(string config, string log) =>
    [
        "--socket", _folder["run/eni.socket"], "--config", config, "--state-dir", _folder["state"], "--plugin-dir", _folder["plugins"], "--cni-conf-dir", _folder["net.d"],
        "--cni-bin-dir", _folder["bin"], "--log-file", log, "--metadata-endpoint", "http://127.0.0.1:1/",
    ];

    private async Task<Dictionary<string, string>> WriteAsync(string config, string log, string environmentSecret)
    {
        var redaction = new Redaction();
        redaction.LearnEnvironment(new Dictionary<string, string> { ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = environmentSecret, ["HOME"] = "/root" });
        var path = _folder["bundle.tar.gz"];
        await using (var file = File.Create(path))
        {
            using var bundle = new BundleWriter(file, "bundle", redaction, DateTimeOffset.UnixEpoch);
            var paths = new NodePaths
            {
                ConfigFile = config,
                LogFile = log,
                StateDir = _folder["state"],
                PluginDir = _folder["plugins"],
                CniConfDir = _folder["net.d"],
                CniBinDir = _folder["bin"],
                ApiSocket = _folder["run/eni.socket"],
                MetadataEndpoint = new Uri("http://127.0.0.1:1/"),
            };
            await SupportBundle.WriteAsync(bundle, redaction, paths, TimeProvider.System, TestContext.Current.CancellationToken);
        }

        return await ReadAsync(path);
    }

    private static async Task<Dictionary<string, string>> ReadAsync(string path)
    {
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        await using var file = File.OpenRead(path);
        await using var zip = new GZipStream(file, CompressionMode.Decompress);
        await using var tar = new TarReader(zip);
        while (await tar.GetNextEntryAsync(cancellationToken: TestContext.Current.CancellationToken) is { } entry)
        {
            using var reader = new StreamReader(entry.DataStream ?? Stream.Null, Encoding.UTF8);
            files.Add(entry.Name[(entry.Name.IndexOf('/', StringComparison.Ordinal) + 1)..], await reader.ReadToEndAsync(TestContext.Current.CancellationToken));
        }

        return files;
    }
}
