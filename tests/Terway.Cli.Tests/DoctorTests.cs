using System.Net;
using System.Net.Sockets;
using System.Text;
using Terway.Cli.Commands;
using Terway.Cli.Doctor;
using Terway.Host.Api.V1;
using Terway.Linux.Netlink;

namespace Terway.Cli.Tests;

public sealed class DoctorTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly NodeSandbox _node = new();

    private NodePaths Paths => new()
    {
        ConfigFile = _folder["eni_conf"],
        StateDir = _folder["state"],
        PluginDir = _folder["plugins"],
        CniConfDir = _folder["net.d"],
        CniBinDir = _folder["bin"],
        ApiSocket = _folder["run/eni.socket"],
    };

    public void Dispose()
    {
        _folder.Dispose();
        _node.Dispose();
    }

    [Fact]
    public void Installed_node_passes()
    {
        Install();
        Assert.All(InstallChecks.Run(Paths), static c => Assert.Equal(CheckResult.Ok, c.Result));
    }

    [Theory]
    [InlineData("net.d/10-terway.conflist", null, "conflist")]
    [InlineData("net.d/10-terway.conflist", "{", "conflist")]
    [InlineData("net.d/10-terway.conflist", "[]", "conflist")]
    [InlineData("net.d/10-terway.conflist", """{"plugins":[{"type":5}]}""", "conflist")]
    [InlineData("net.d/10-terway.conflist", """{"plugins":[{"type":"bridge"}]}""", "conflist")]
    [InlineData("net.d/10-terway.conflist", """{"plugins":[{"type":"terway","daemonSocket":"/elsewhere/cni.socket"}]}""", "conflist")]
    [InlineData("net.d/05-flannel.conflist", "{}", "other CNI")]
    [InlineData("bin/terway", null, "entrypoint")]
    [InlineData("bin/terway", "", "entrypoint")]
    public void What_is_wrong_with_the_installation_fails(string file, string? content, string check)
    {
        Install();
        if (content is null) File.Delete(_folder[file]);
        else _folder.Write(file, content);
        var failed = Assert.Single(InstallChecks.Run(Paths), static c => c.Result == CheckResult.Fail);
        Assert.Equal(check, failed.Name);
        Assert.NotEmpty(failed.Fix);
    }

    [Fact]
    public void Entrypoint_that_nobody_may_execute_fails()
    {
        Install();
        File.SetUnixFileMode(_folder["bin/terway"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Single(InstallChecks.Run(Paths), static c => c is { Name: "entrypoint", Result: CheckResult.Fail });
    }

    [Fact]
    public void Networks_after_ours_do_not_matter()
    {
        Install();
        _folder.Write("net.d/20-other.conflist", "{}");
        _folder.Write("net.d/00-readme.txt", "");
        Assert.DoesNotContain(InstallChecks.Run(Paths), static c => c.Result != CheckResult.Ok);
    }

    [Fact]
    public void Waiting_deletes_are_counted()
    {
        Install();
        foreach (var name in (string[])["a.del.json", "b.del.json", "c.tmp"]) _folder.Write($"state/spool/{name}", "{}");
        var check = Assert.Single(InstallChecks.Run(Paths), static c => c.Name == "spooled deletes");
        Assert.Equal(CheckResult.Warn, check.Result);
        Assert.StartsWith("2 wait", check.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SQLite format 3\0 and more", "Ok")]
    [InlineData("SQLite", "Fail")]
    [InlineData("something else altogether", "Fail")]
    [InlineData(null, "Warn")]
    public void State_file_is_known_by_its_first_bytes(string? content, string result)
    {
        Directory.CreateDirectory(Paths.StateDir);
        if (content is not null) _folder.Write("state/state.db", content);
        Assert.Equal(result, $"{Assert.Single(StateChecks.Run(Paths), static c => c.Name == "state file").Result}");
    }

    [Fact]
    public void Damaged_state_that_was_set_aside_is_told()
    {
        _folder.Write("state/state.db.damaged-1", "x");
        Assert.Contains(StateChecks.Run(Paths), static c => c is { Name: "damaged state", Result: CheckResult.Warn });
    }

    [Fact]
    public void Sound_kernel_passes() => Assert.All(Kernel(), static c => Assert.Equal(CheckResult.Ok, c.Result));

    [Fact]
    public void Old_kernel_fails() => Assert.Equal(CheckResult.Fail, Kernel(version: new Version(4, 18)).Single(static c => c.Name == "kernel").Result);

    [Theory]
    [InlineData("net/ipv4/ip_forward", "0", "forwarding")]
    [InlineData("net/ipv4/conf/all/rp_filter", "1", "reverse-path filter")]
    [InlineData("net/ipv4/conf/eth1/rp_filter", "1", "reverse-path filter")]
    [InlineData("net/ipv4/conf/cali00000000001/rp_filter", "1", "reverse-path filter")]
    public void Parameter_that_breaks_policy_routing_fails(string key, string value, string check) =>
        Assert.Equal(check, Assert.Single(Kernel(k => k == key ? value : Sound(k)), static c => c.Result == CheckResult.Fail).Name);

    // The greater of the two values holds: 2 is loose.
    [Fact]
    public void Loose_filter_passes() => Assert.DoesNotContain(
        Kernel(static k => k switch { "net/ipv4/conf/all/rp_filter" => "2", "net/ipv4/conf/eth1/rp_filter" => "1", _ => Sound(k) }), static c => c.Result == CheckResult.Fail);

    [Fact]
    public void Rules_of_others_before_ours_are_told()
    {
        _node.Do(static batch => batch.RuleAdd(new IpRule { Family = AddressFamily.InterNetwork, Priority = 100, From = IpPrefix.Parse("192.168.0.0/16"), Table = 77 }));
        Assert.Contains(Kernel(), static c => c.Result == CheckResult.Warn && c.Reason.Contains("100: from 192.168.0.0/16 lookup 77", StringComparison.Ordinal));
        _node.Do(static batch => batch.RuleAdd(new IpRule { Family = AddressFamily.InterNetwork, Priority = 200, Table = 77 }));
        Assert.Contains(Kernel(), static c => c.Result == CheckResult.Fail && c.Reason.Contains("for all packets", StringComparison.Ordinal));
    }

    [Fact]
    public void ENI_without_carrier_fails()
    {
        _node.Do(batch => batch.LinkSet(new LinkChange { Index = _node.Index("eth1p"), Up = false }));
        Assert.Contains(Kernel(), static c => c is { Name: "ENI eth1", Result: CheckResult.Fail } && c.Reason.Contains("no carrier", StringComparison.Ordinal));
    }

    [Fact]
    public void Table_without_default_route_fails()
    {
        _node.Do(batch => batch.RouteDelete(_node.DefaultRoute));
        Assert.Contains(Kernel(), c => c.Name == $"table {1000 + _node.Eni}" && c.Result == CheckResult.Fail);
    }

    [Fact]
    public void Status_of_the_daemon_is_judged()
    {
        var status = new NodeStatus { Reason = "too small", Detaching = 1, Attachments = 3 };
        status.Findings.Add(new Finding { Path = "$.mtu", Severity = "Error", Reason = "r", Fix = "f" });
        status.Findings.Add(new Finding { Path = "$.prefix", Severity = "Info", Reason = "r", Fix = "f" });
        status.Plugins.Add(new PluginStatus { Name = "SharedEni", Version = "1.0.0", State = "Rejected", Required = true, Reason = "too old" });
        status.Plugins.Add(new PluginStatus { Name = "Extra", Version = "1.0.0", State = "Faulted" });
        status.Pools.Add(new PoolStatus { Provider = "SharedEni", Exhausted = "the vSwitch is empty" });
        var checks = new List<Check>();
        DaemonChecks.Judge(status, checks);
        Assert.Equal(
            [
                ("daemon", CheckResult.Ok), ("ready", CheckResult.Fail), ("finding $.mtu", CheckResult.Fail), ("plugin SharedEni 1.0.0", CheckResult.Fail),
                ("plugin Extra 1.0.0", CheckResult.Warn), ("pool SharedEni", CheckResult.Warn), ("deletes", CheckResult.Warn),
            ],
            checks.Select(static c => (c.Name, c.Result)));
    }

    [Theory]
    [InlineData(0, "Ok")]
    [InlineData(-300, "Warn")]
    [InlineData(1200, "Fail")]
    public async Task Clock_is_compared_with_that_of_the_cloud(int secondsOff, string result)
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var answer = AnswerAsync(server, TimeProvider.System.GetUtcNow().AddSeconds(secondsOff));
        var check = await ClockCheck.RunAsync(new Uri($"http://{server.LocalEndpoint}/"), TimeProvider.System, TestContext.Current.CancellationToken);
        await answer;
        Assert.Equal(result, $"{check.Result}");
    }

    [Fact]
    public async Task Works_when_nothing_does()
    {
        var run = await CommandRun.OfAsync(
            "doctor", "--socket", _folder["run/eni.socket"], "--config", _folder["eni_conf"], "--state-dir", _folder["state"], "--plugin-dir", _folder["plugins"],
            "--cni-conf-dir", _folder["net.d"], "--cni-bin-dir", _folder["bin"], "--metadata-endpoint", "http://127.0.0.1:1/", "--bpf-dir", _folder["bpf"]);
        Assert.Equal(1, run.Code);
        foreach (var check in (string[])["daemon", "configuration", "conflist", "entrypoint", "state file", "bpf file system", "clock"])
            Assert.Contains(run.Output.Split('\n'), line => line.Contains($" {check} ", StringComparison.Ordinal) && !line.StartsWith("ok", StringComparison.Ordinal));
    }

    private static async Task AnswerAsync(TcpListener server, DateTimeOffset date)
    {
        using var client = await server.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        Assert.True(await stream.ReadAsync(new byte[4096], TestContext.Current.CancellationToken) > 0);
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nDate: {date:R}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), TestContext.Current.CancellationToken);
    }

    private static string? Sound(string key) => key == "net/ipv4/ip_forward" ? "1" : "0";

    private List<Check> Kernel(Func<string, string?>? sysctl = null, Version? version = null) =>
        [.. KernelChecks.Run(_node.Read(), "release", version ?? new Version(5, 10), sysctl ?? Sound)];

    private void Install()
    {
        _folder.Write("net.d/10-terway.conflist", $$"""{"cniVersion":"1.0.0","name":"terway","plugins":[{"type":"terway","daemonSocket":"{{_folder["run/cni.socket"]}}"}]}""");
        _folder.Write("bin/terway", "program");
        File.SetUnixFileMode(_folder["bin/terway"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
