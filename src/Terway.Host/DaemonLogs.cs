using Microsoft.Extensions.Logging;
using Terway.Host.Observability;

namespace Terway.Host;

/// <summary>
/// Logs to standard output, one line an event. The console logger of Microsoft.Extensions comes with a container, options and a formatter that cost
/// a start tens of milliseconds and the node some megabytes.
/// </summary>
internal sealed class DaemonLogs : IDisposable
{
    private readonly LineLoggerProvider _provider;

    public DaemonLogs(string level, string format)
    {
        var minimum = level switch
        {
            "debug" => LogLevel.Debug,
            "warning" => LogLevel.Warning,
            "error" => LogLevel.Error,
            _ => LogLevel.Information,
        };
        _provider = new LineLoggerProvider(Console.OpenStandardOutput(), minimum, TimeProvider.System, format == "json" ? JsonLine.Write : TextLine.Write);
        var filter = new LoggerFilterOptions { MinLevel = minimum };
        // The web server tells of every request, four lines each.
        if (minimum == LogLevel.Information) filter.Rules.Add(new LoggerFilterRule(null, "Microsoft", LogLevel.Warning, null));
        Factory = new LoggerFactory([_provider], filter);
    }

    public ILoggerFactory Factory { get; }

    public void Dispose()
    {
        Factory.Dispose();
        _provider.Dispose();
    }
}
