using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Terway.Host;

/// <summary>Logs to standard output, one line an event.</summary>
internal sealed class DaemonLogs : IDisposable
{
    public DaemonLogs(string level)
    {
        Factory = LoggerFactory.Create(builder => builder
            .AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
                console.UseUtcTimestamp = true;
                console.ColorBehavior = LoggerColorBehavior.Disabled;
            })
            .SetMinimumLevel(level switch
            {
                "debug" => LogLevel.Debug,
                "warning" => LogLevel.Warning,
                "error" => LogLevel.Error,
                _ => LogLevel.Information,
            }));
    }

    public ILoggerFactory Factory { get; }

    public void Dispose() => Factory.Dispose();
}
