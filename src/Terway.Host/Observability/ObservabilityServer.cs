using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Terway.Plugin;

namespace Terway.Host.Observability;

/// <summary>
/// <c>/metrics</c>, <c>/healthz</c> and <c>/readyz</c> on a unix socket of root's and, when asked for, on TCP. Begins with the daemon's start, so that
/// a start that takes long can be seen; nothing runs in it but when somebody asks.
/// </summary>
internal sealed partial class ObservabilityServer : IAsyncDisposable
{
    private const string ListenFinding = "metrics-listen";

    private readonly NodeReadiness _readiness;
    private readonly MetricsCollector _collector;
    private readonly NodeGauges _gauges;
    private readonly List<HttpResponder> _responders = [];
    private readonly SemaphoreSlim _checking = new(1, 1);
    private volatile ObservedNode? _node;

    private ObservabilityServer(NodeReadiness readiness)
    {
        _readiness = readiness;
        // Their instruments are shown from the start, also those that nothing was counted on yet.
        foreach (var type in (Type[])[typeof(CniMetrics), typeof(ReconcileMetrics), typeof(JournalMetrics)]) RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        _collector = new MetricsCollector(MetricsCollector.IsTerway);
        _gauges = new NodeGauges(readiness);
    }

    /// <summary>Listens. An address of TCP that cannot be had is a finding and no reason to leave pods without network.</summary>
    /// <param name="socketPath">The caller holds the daemon's lock, so a socket file there is a left-over.</param>
    /// <param name="listen">Null for the unix socket alone.</param>
    /// <param name="readiness">What <c>/readyz</c> decides by.</param>
    /// <param name="loggers">For what goes wrong.</param>
    public static ObservabilityServer Start(string socketPath, IPEndPoint? listen, NodeReadiness readiness, ILoggerFactory loggers)
    {
        var server = new ObservabilityServer(readiness);
        var log = loggers.CreateLogger<HttpResponder>();
        File.Delete(socketPath);
        var local = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        local.Bind(new UnixDomainSocketEndPoint(socketPath));
        File.SetUnixFileMode(socketPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        server._responders.Add(HttpResponder.Start(local, server.AnswerAsync, limits: null, log));
        if (listen is not null) server.Listen(listen, log, loggers.CreateLogger<ObservabilityServer>());
        return server;
    }

    /// <summary>From now on there are pods and plugins to look at, and a CNI server that must answer.</summary>
    public void Attach(ObservedNode node)
    {
        _gauges.Attach(node);
        _node = node;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var responder in _responders) await responder.DisposeAsync().ConfigureAwait(false);
        _gauges.Dispose();
        _collector.Dispose();
        _checking.Dispose();
    }

    private void Listen(IPEndPoint address, ILogger<HttpResponder> log, ILogger own)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(address);
            _responders.Add(HttpResponder.Start(socket, AnswerAsync, limits: null, log));
            if (!IPAddress.IsLoopback(address.Address)) LogOpen(own, address);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            LogNotListening(own, address, e.Message);
            _readiness.Report(ListenFinding, new Finding(
                FindingSeverity.Warning, $"metrics are not served on {address}: {e.Message}", "free the address or give another one with --metrics-listen, and restart the daemon"));
        }
    }

    private async Task<HttpAnswer?> AnswerAsync(string path, CancellationToken cancellationToken)
    {
        switch (path)
        {
            case "/metrics":
                await AskPluginsAsync(cancellationToken).ConfigureAwait(false);
                return new HttpAnswer(200, PrometheusText.ContentType, PrometheusText.Write(_collector.Collect()));
            case "/healthz":
                return await HealthAsync(cancellationToken).ConfigureAwait(false);
            case "/readyz":
                await AskPluginsAsync(cancellationToken).ConfigureAwait(false);
                return ReadinessReport.Write(_readiness, _node?.Plugins.Status ?? []);
            default:
                return null;
        }
    }

    // The daemon asks for the plugins' health every few minutes; who looks at their states is told those of now.
    private async Task AskPluginsAsync(CancellationToken cancellationToken)
    {
        if (_node is not { } node) return;
        try
        {
            await node.Plugins.CheckHealthAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidOperationException)
        {
            // One was stopped at this very moment: the daemon ends.
        }
    }

    private async Task<HttpAnswer> HealthAsync(CancellationToken cancellationToken)
    {
        if (_node is not { } node) return HttpAnswer.Text(200, "ok: starting");
        // However many ask, the CNI server is asked once at a time.
        await _checking.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Watchdog.FindStuckAsync(node.CniSocket, node.Store.CommitSince, Watchdog.CniLimit, cancellationToken).ConfigureAwait(false) is { } stuck
                ? HttpAnswer.Text(503, stuck) : HttpAnswer.Text(200, "ok");
        }
        finally
        {
            _checking.Release();
        }
    }

    [LoggerMessage(EventId = 8010, Level = LogLevel.Warning, Message = "Metrics are served on {Address}: whoever reaches it can read them")]
    private static partial void LogOpen(ILogger log, IPEndPoint address);

    [LoggerMessage(EventId = 8011, Level = LogLevel.Error, Message = "Metrics cannot be served on {Address}: {Reason}; pods are served")]
    private static partial void LogNotListening(ILogger log, IPEndPoint address, string reason);
}
