using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Terway.Lab.Cloud;

/// <summary>One Kestrel with one handler on some listeners. Leaves signals to the program.</summary>
internal sealed class LabHttpServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private LabHttpServer(WebApplication app) => _app = app;

    /// <summary>Base addresses of the TCP listeners, with the ports that were picked.</summary>
    public IReadOnlyList<Uri> Addresses =>
        [.. _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Where(static a => a.StartsWith("http://", StringComparison.Ordinal) && !a.StartsWith("http://unix:", StringComparison.Ordinal))
            .Select(static a => new Uri(a))];

    public static async Task<LabHttpServer> StartAsync(IReadOnlyList<LabListener> listeners, RequestDelegate handler, CancellationToken ct)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, ProgramLifetime>();
        builder.Services.Configure<HostOptions>(static o => o.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 1 << 20;
            foreach (var listener in listeners)
            {
                if (listener.EndPoint is { } endPoint)
                {
                    kestrel.Listen(endPoint);
                }
                else if (listener.Opened is { } socket)
                {
                    kestrel.ListenHandle((ulong)socket.Handle);
                }
                else if (listener.Path is { } path)
                {
                    File.Delete(path);
                    kestrel.ListenUnixSocket(path);
                }
            }
        });
        var app = builder.Build();
        app.Run(handler);
        await app.StartAsync(ct);
        return new LabHttpServer(app);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    /// <summary>The default one would take SIGINT and SIGTERM away from the program, once for each server.</summary>
    private sealed class ProgramLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
