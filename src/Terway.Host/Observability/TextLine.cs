using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Terway.Host.Observability;

/// <summary><c>time level category[event] message</c>.</summary>
internal static class TextLine
{
    public static string Write(in LogEvent logged)
    {
        var line = new StringBuilder(160)
            .Append(logged.Time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture))
            .Append(' ').Append(Name(logged.Level)).Append(' ').Append(logged.Category).Append('[').Append(logged.Id.Id).Append("] ")
            .Append(logged.Message);
        if (logged.Exception is not null) line.Append(" | ").Append(logged.Exception);
        return line.Replace("\r", "").Replace("\n", " | ").Append('\n').ToString();
    }

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info ",
        LogLevel.Warning => "warn ",
        LogLevel.Error => "error",
        _ => "crit ",
    };
}
