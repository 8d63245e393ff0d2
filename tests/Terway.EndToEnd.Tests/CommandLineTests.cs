using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Cluster;

namespace Terway.EndToEnd.Tests;

/// <summary>terway-cli as an operator runs it on a node with pods.</summary>
public sealed class CommandLineTests
{
    private static readonly string s_program = Path.Combine(DistFolder.Find().Root, "cli", "terway-cli");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Mapping_finds_what_journal_cloud_and_kernel_do_not_agree_on()
    {
        await using var one = await OneNode.StartAsync(Token);
        var web = await one.Cluster.AddPodAsync(one.Node, "web", Token);
        var db = await one.Cluster.AddPodAsync(one.Node, "db", Token);
        var agreed = await CliAsync(one, "mapping", "--json");
        Assert.True(agreed.Code == 0, agreed.Text);
        using (var json = JsonDocument.Parse(agreed.Output))
        {
            Assert.True(json.RootElement.GetProperty("cloudAsked").GetBoolean());
            Assert.Equal(["default/db ok ok", "default/web ok ok"], json.RootElement.GetProperty("rows").EnumerateArray()
                .Select(static r => $"{r.GetProperty("pod").GetString()} {r.GetProperty("cloud").GetString()} {r.GetProperty("kernel").GetString()}").Order());
        }

        // Not one of ours, so that the daemon, which makes its own rules again, leaves it as it is.
        await NodeAsync(one, "ip", "rule", "add", "from", $"{web.Address}", "lookup", "main", "priority", "100");
        var foreign = await CliAsync(one, "mapping");
        Assert.Equal(1, foreign.Code);
        Assert.Contains($"rule 100: from {web.Address} lookup main", foreign.Output, StringComparison.Ordinal);
        await NodeAsync(one, "ip", "rule", "del", "priority", "100");
        Assert.Equal(0, (await CliAsync(one, "mapping")).Code);

        // An ENI's own address cannot be taken from it.
        var lost = one.Lab.Cloud.Region.Enis.Any(e => e.PrimaryIp.Equals(web.Address)) ? db.Address : web.Address;
        var eni = one.Lab.Cloud.Region.Enis.Single(e => e.PrivateIps.Contains(lost));
        await one.Lab.Cloud.Region.UnassignIpv4Async(eni.Id, [lost], []);
        var unassigned = await CliAsync(one, "mapping");
        Assert.Equal(1, unassigned.Code);
        Assert.Contains($"{eni.Id} has no such address", unassigned.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await CliAsync(one, "mapping", "--no-cloud")).Code);
    }

    [Fact]
    public async Task Only_mapping_asks_the_cloud_and_it_says_when_the_cloud_is_away()
    {
        await using var one = await OneNode.StartAsync(Token);
        await one.Cluster.AddPodAsync(one.Node, "web", Token);
        one.Lab.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.Error, Api = "DescribeNetworkInterfaces", Code = "Forbidden.RAM", Status = 403, Message = "not allowed" });
        var status = await CliAsync(one, "status");
        Assert.True(status.Code == 0, status.Text);
        var mapping = await CliAsync(one, "mapping");
        Assert.True(mapping.Code == 0, mapping.Text);
        Assert.Contains("the cloud was not compared: ", mapping.Output, StringComparison.Ordinal);
        Assert.Contains("Forbidden.RAM", mapping.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_is_content_with_a_node_that_works_and_says_what_was_broken()
    {
        await using var one = await OneNode.StartAsync(Token);
        await one.Cluster.AddPodAsync(one.Node, "web", Token);
        var well = await CliAsync(one, ["doctor", .. Paths(one)]);
        Assert.True(well.Code == 0, well.Text);
        Assert.Contains(well.Output.Split('\n'), static line => line.StartsWith("ok", StringComparison.Ordinal) && line.Contains("is mounted and writable", StringComparison.Ordinal));

        await File.WriteAllTextAsync(Path.Combine(one.Node.Paths.CniConf, "05-flannel.conflist"), "{}", Token);
        var other = await CliAsync(one, ["doctor", .. Paths(one)]);
        Assert.Equal(1, other.Code);
        Assert.Contains("the runtime takes 05-flannel.conflist", other.Output, StringComparison.Ordinal);
        File.Delete(Path.Combine(one.Node.Paths.CniConf, "05-flannel.conflist"));

        await one.Cluster.Daemon(one.Node).StopAsync(Token);
        await NodeAsync(one, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter");
        var down = await CliAsync(one, ["doctor", .. Paths(one)]);
        Assert.Equal(1, down.Code);
        foreach (var failed in (string[])["daemon", "reverse-path filter"])
            Assert.Contains(down.Output.Split('\n'), line => line.StartsWith("fail", StringComparison.Ordinal) && line.Contains(failed, StringComparison.Ordinal));
        Assert.Contains(down.Output.Split('\n'), static line => line.StartsWith("ok", StringComparison.Ordinal) && line.Contains("conflist", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Support_bundle_of_a_running_node_has_everything_but_secrets()
    {
        await using var one = await OneNode.StartAsync(Token);
        await one.Cluster.AddPodAsync(one.Node, "web", Token);
        var config = Path.Combine(one.Node.Paths.Etc, "with-secrets.json");
        await File.WriteAllTextAsync(config, """{"version": "1", "access_key": "LTAI5tPlantedKey", "access_secret": "PlantedSecretValue"}""", Token);
        var path = Path.Combine(one.Node.Paths.Etc, "bundle.tar.gz");
        var run = await CliAsync(one, ["support-bundle", "--output", path, .. Paths(one, config), "--log-file", one.Cluster.Daemon(one.Node).LogFile]);
        Assert.True(run.Code == 0, run.Text);

        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        await using var file = File.OpenRead(path);
        await using var zip = new GZipStream(file, CompressionMode.Decompress);
        await using var tar = new TarReader(zip);
        while (await tar.GetNextEntryAsync(cancellationToken: Token) is { } entry)
        {
            using var reader = new StreamReader(entry.DataStream!);
            files.Add(entry.Name[(entry.Name.IndexOf('/', StringComparison.Ordinal) + 1)..], await reader.ReadToEndAsync(Token));
        }

        Assert.Contains("default/web", files["mapping.json"], StringComparison.Ordinal);
        Assert.Contains("\"ready\": true", files["status.json"], StringComparison.Ordinal);
        Assert.Contains("512: from all to ", files["kernel/rules.txt"], StringComparison.Ordinal);
        Assert.Contains("terway", files["cni/10-terway.conflist"], StringComparison.Ordinal);
        Assert.NotEmpty(files["terwayd.log"]);
        Assert.Contains(files.Keys, static name => name.StartsWith("plugins/SharedEni/", StringComparison.Ordinal));
        Assert.All(files, static f => Assert.False(f.Value.Contains("Planted", StringComparison.Ordinal), f.Key));
    }

    private static string[] Paths(OneNode one, string? config = null) =>
    [
        "--state-dir", one.Node.Paths.State, "--cni-conf-dir", one.Node.Paths.CniConf, "--cni-bin-dir", DistFolder.Find().CniBin, "--plugin-dir", DistFolder.Find().Plugins,
        "--metadata-endpoint", Lab.RunningLab.MetadataEndpoint.ToString(), "--config", config ?? Path.Combine(one.Node.Paths.Etc, "eni_conf"),
        "--bpf-dir", one.Node.Paths.Bpf,
    ];

    private static async Task<(int Code, string Output, string Text)> CliAsync(OneNode one, params string[] arguments)
    {
        var (code, output, error) = await RunAsync(one, [s_program, .. arguments, "--socket", Path.Combine(one.Node.Paths.Run, "eni.socket")]);
        return (code, output, $"exit code {code}\n{output}\n{error}");
    }

    private static async Task NodeAsync(OneNode one, params string[] command)
    {
        var (code, _, error) = await RunAsync(one, command);
        Assert.True(code == 0, $"{string.Join(' ', command)}: {error}");
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(OneNode one, string[] command)
    {
        var start = new ProcessStartInfo("nsenter") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[$"--net={one.Node.NetNsPath}", "--", .. command]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(Token);
        var output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return (process.ExitCode, output, await errors);
    }
}
