using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Cni.Wire;
using Terway.Host.Observability;
using Terway.Host.Plugins;
using Terway.Host.Tests.Fixtures;
using Terway.Plugin;

namespace Terway.Host.Tests.Observability;

/// <summary>What the three pages decide, and where they are served.</summary>
public sealed class EndpointTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Starting_daemon_is_alive_and_not_ready()
    {
        using var folder = new TempFolder();
        var path = Path.Combine(folder.Path, "metrics.socket");
        await File.WriteAllTextAsync(path, "left over", Token);
        await using var server = ObservabilityServer.Start(path, null, new NodeReadiness(), NullLoggerFactory.Instance);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        using var client = Client(path);
        using var health = await client.GetAsync("/healthz", Token);
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        using var ready = await client.GetAsync("/readyz", Token);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Equal("the daemon is starting", JsonNode.Parse(await ready.Content.ReadAsStringAsync(Token))!["reason"]!.GetValue<string>());
        var metrics = PrometheusParser.Parse(await client.GetStringAsync("/metrics", Token));
        Assert.Equal(0, metrics["terway_node_ready"].Samples["terway_node_ready"]);
        Assert.InRange(metrics["terway_process_resident_memory_bytes"].Samples.Values.Single(), 1_000_000, double.MaxValue);
        Assert.InRange(metrics["terway_process_open_fds"].Samples.Values.Single(), 3, double.MaxValue);
    }

    [Fact]
    public void Readiness_names_plugins_and_findings_worst_first()
    {
        var readiness = new NodeReadiness();
        readiness.Report("SharedEni/vswitch", new Finding(FindingSeverity.Warning, "few addresses", "add a vSwitch"));
        readiness.Block("plugins[0].version", new Finding(FindingSeverity.Error, "no such \"version\"", "install it"));
        var answer = ReadinessReport.Write(
            readiness, [new PluginStatus("SharedEni", "1.0.0", PluginState.Faulted, "it hung; report it", "asked for", true, [], default)]);
        Assert.Equal((503, "application/json"), (answer.Status, answer.ContentType));
        var json = JsonNode.Parse(answer.Body.Span)!;
        Assert.False(json["ready"]!.GetValue<bool>());
        Assert.Equal(readiness.NotReady(), json["reason"]!.GetValue<string>());
        Assert.Equal(("SharedEni", "1.0.0", "Faulted", "it hung; report it"), (Text(json["plugins"]![0]!, "name"), Text(json["plugins"]![0]!, "version"), Text(json["plugins"]![0]!, "state"), Text(json["plugins"]![0]!, "reason")));
        Assert.Equal(["plugins[0].version", "SharedEni/vswitch"], json["findings"]!.AsArray().Select(static f => Text(f!, "path")));
        Assert.Equal(("Error", "no such \"version\"", "install it"), (Text(json["findings"]![0]!, "severity"), Text(json["findings"]![0]!, "reason"), Text(json["findings"]![0]!, "fix")));
    }

    [Fact]
    public async Task Cni_server_that_does_not_answer_is_stuck_and_one_that_refuses_is_not()
    {
        using var folder = new TempFolder();
        var path = Path.Combine(folder.Path, "cni.socket");
        var limit = TimeSpan.FromMilliseconds(300);
        Assert.Contains("cannot be reached", await Watchdog.FindStuckAsync(path, TimeSpan.Zero, limit, Token), StringComparison.Ordinal);

        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(8);
        // Connections come in, since the kernel takes them, and nobody serves them: an accept loop that hangs.
        Assert.Contains("did not answer", await Watchdog.FindStuckAsync(path, TimeSpan.Zero, limit, Token), StringComparison.Ordinal);
        (await listener.AcceptAsync(Token)).Dispose();

        var serving = Task.Run(
            async () =>
            {
                using var connection = await listener.AcceptAsync(Token);
                await using var stream = new NetworkStream(connection);
                var request = await FrameStream.ReadAsync(stream, WireJson.Default.CniRequest, Token);
                Assert.Equal(CniVerb.Status, request!.Verb);
                await FrameStream.WriteAsync(stream, CniResponse.Failure(CniErrorCode.PluginNotAvailable, "full"), WireJson.Default.CniResponse, Token);
            },
            Token);
        Assert.Null(await Watchdog.FindStuckAsync(path, Watchdog.JournalLimit, TimeSpan.FromSeconds(30), Token));
        await serving;
        Assert.Contains("journal", await Watchdog.FindStuckAsync(path, Watchdog.JournalLimit + TimeSpan.FromSeconds(1), limit, Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Taken_address_is_a_finding_and_the_unix_socket_is_served_all_the_same()
    {
        using var folder = new TempFolder();
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        var readiness = new NodeReadiness();
        var path = Path.Combine(folder.Path, "metrics.socket");
        await using var server = ObservabilityServer.Start(path, (IPEndPoint)taken.LocalEndPoint!, readiness, NullLoggerFactory.Instance);
        var (where, finding) = Assert.Single(readiness.Findings);
        Assert.Equal(("metrics-listen", FindingSeverity.Warning), (where, finding.Severity));
        Assert.Contains(taken.LocalEndPoint!.ToString()!, finding.Reason, StringComparison.Ordinal);
        using var client = Client(path);
        Assert.Contains("terway_findings{severity=\"warning\"} 1", await client.GetStringAsync("/metrics", Token), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1:9098", "127.0.0.1:9098")]
    [InlineData(":9098", "127.0.0.1:9098")]
    [InlineData("[::1]:9098", "[::1]:9098")]
    [InlineData("0.0.0.0:9098", "0.0.0.0:9098")]
    public void Addresses_to_listen_on(string text, string expected)
    {
        DaemonOptions? options = null;
        var exit = DaemonOptions.Command((o, _) => Task.FromResult((options = o) is null ? 1 : 0)).Parse(["--metrics-listen", text]).Invoke();
        Assert.Equal((0, expected), (exit, options?.MetricsListen?.ToString()));
    }

    [Theory]
    [InlineData("9098", "no port")]
    [InlineData("localhost:9098", "no IP address")]
    [InlineData("127.0.0.1", "no port")]
    [InlineData("127.0.0.1:0", "no port")]
    [InlineData("127.0.0.1:65536", "no port")]
    [InlineData("127.0.0.1:+1", "no port")]
    [InlineData("127.1:9098", "no IP address")]
    [InlineData("::1:9098", "no IP address")]
    [InlineData("[127.0.0.1]:9098", "no IP address")]
    [InlineData("http://127.0.0.1:9098", "no IP address")]
    public void Addresses_that_are_refused_with_the_reason(string text, string reason)
    {
        var parsed = DaemonOptions.Command((_, _) => Task.FromResult(0)).Parse(["--metrics-listen", text]);
        var error = Assert.Single(parsed.Errors).Message;
        Assert.Contains("--metrics-listen", error, StringComparison.Ordinal);
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1:", error, StringComparison.Ordinal);
    }

    private static string Text(JsonNode node, string member) => node[member]!.GetValue<string>();

    private static HttpClient Client(string socket) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellationToken);
            return new NetworkStream(connection, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://localhost"),
    };
}
