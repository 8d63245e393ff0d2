using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Terway.Host.Api;

/// <summary>
/// gRPC on a unix socket that only root may open. The web server behind it starts with the first caller: on most nodes nobody ever calls, and it
/// costs 10 MiB and a tenth of a second.
/// </summary>
internal sealed partial class ApiServer : IAsyncDisposable
{
    private const int Backlog = 64;

    private readonly string _path;
    private readonly Socket _listener;
    private readonly Func<DaemonView> _view;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _log;
    private readonly Thread _waiting;
    private volatile bool _stopping;
    private WebApplication? _app;

    private ApiServer(string path, Socket listener, Func<DaemonView> view, ILoggerFactory loggers)
    {
        _path = path;
        _listener = listener;
        _view = view;
        _loggers = loggers;
        _log = loggers.CreateLogger<ApiServer>();
        _waiting = new Thread(WaitForCaller) { IsBackground = true, Name = "api" };
        _waiting.Start();
    }

    /// <summary>Listens on <paramref name="path"/>. The caller holds the daemon's lock, so a socket file there is a left-over.</summary>
    public static ApiServer Start(string path, Func<DaemonView> view, ILoggerFactory loggers)
    {
        File.Delete(path);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        listener.Listen(Backlog);
        return new ApiServer(path, listener, view, loggers);
    }

    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        if (_app is null)
        {
            // Ends the wait: a connection is what it waits for.
            using var wake = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await wake.ConnectAsync(new UnixDomainSocketEndPoint(_path)).ConfigureAwait(false);
            }
            catch (SocketException e)
            {
                // The socket file is gone: the thread ends with the process.
                LogNotWoken(_log, e.Message);
                return;
            }
        }

        _waiting.Join();
        if (_app is not null) await _app.DisposeAsync().ConfigureAwait(false);
        _listener.Dispose();
    }

    private void WaitForCaller()
    {
        try
        {
            // The connection stays in the backlog: the web server accepts it.
            _listener.Poll(Timeout.InfiniteTimeSpan, SelectMode.SelectRead);
            if (_stopping) return;
            _app = StartServer();
        }
#pragma warning disable CA1031 // a thread of our own: pods do not depend on the API
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogFailed(_log, e, _path);
        }
    }

    private WebApplication StartServer()
    {
        // The empty builder: no configuration files, no file watchers, no console of its own.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "terwayd" });
        builder.WebHost.UseKestrelCore();
        builder.Services.AddSingleton(_loggers);
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.ListenHandle((ulong)_listener.Handle, static listen => listen.Protocols = HttpProtocols.Http2);
            options.AddServerHeader = false;
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(_view());
        var app = builder.Build();
        app.UseRouting();
        app.MapGrpcService<NodeApi>();
        app.StartAsync().GetAwaiter().GetResult();
        return app;
    }

    [LoggerMessage(EventId = 7001, Level = LogLevel.Error, Message = "The API on {Path} cannot be served; pods are")]
    private static partial void LogFailed(ILogger log, Exception e, string path);

    [LoggerMessage(EventId = 7002, Level = LogLevel.Debug, Message = "The API's thread is left to the end of the process: {Reason}")]
    private static partial void LogNotWoken(ILogger log, string reason);
}
