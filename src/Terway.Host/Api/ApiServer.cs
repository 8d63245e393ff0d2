using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Terway.Host.Api;

/// <summary>gRPC on a unix socket that only root may open.</summary>
internal static class ApiServer
{
    /// <summary>Starts the server. The caller holds the daemon's lock, so a socket file there is a left-over.</summary>
    public static async Task<WebApplication> StartAsync(string socket, DaemonView view, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        File.Delete(socket);
        // The empty builder: no configuration files, no file watchers, no console of its own.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "terwayd" });
        builder.WebHost.UseKestrelCore();
        builder.Services.AddSingleton(loggers);
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.ListenUnixSocket(socket, static listen => listen.Protocols = HttpProtocols.Http2);
            options.AddServerHeader = false;
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(view);
        var app = builder.Build();
        app.UseRouting();
        app.MapGrpcService<NodeApi>();
        await app.StartAsync(cancellationToken).ConfigureAwait(false);
        File.SetUnixFileMode(socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return app;
    }
}
