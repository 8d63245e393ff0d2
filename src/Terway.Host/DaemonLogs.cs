using Microsoft.Extensions.Logging;

namespace Terway.Host;

/// <summary>
/// Logs to standard output, one line an event. The console logger of Microsoft.Extensions comes with a container, options and a formatter that cost
/// a start tens of milliseconds and the node some megabytes.
/// </summary>
internal sealed class DaemonLogs : IDisposable
{
    private readonly LineLoggerProvider _provider;

    public DaemonLogs(string level)
    {
        var minimum = level switch
        {
            "debug" => LogLevel.Debug,
            "warning" => LogLevel.Warning,
            "error" => LogLevel.Error,
            _ => LogLevel.Information,
        };
        _provider = new LineLoggerProvider(Console.OpenStandardOutput(), minimum, TimeProvider.System);
        Factory = new LoggerFactory([_provider], new LoggerFilterOptions { MinLevel = minimum });
    }

    public ILoggerFactory Factory { get; }

    public void Dispose()
    {
        Factory.Dispose();
        _provider.Dispose();
    }
}
