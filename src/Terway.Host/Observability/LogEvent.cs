using Microsoft.Extensions.Logging;

namespace Terway.Host.Observability;

/// <summary>One event of the log.</summary>
/// <param name="Time">When.</param>
/// <param name="Level">How bad.</param>
/// <param name="Category">Who says it.</param>
/// <param name="Id">Number and name of the message.</param>
/// <param name="Message">The message with its values.</param>
/// <param name="Fields">The values by their names in the message's template, and the template itself.</param>
/// <param name="Exception">What it is about, or null.</param>
internal readonly record struct LogEvent(
    DateTimeOffset Time, LogLevel Level, string Category, EventId Id, string Message, IReadOnlyList<KeyValuePair<string, object?>> Fields, Exception? Exception);

/// <summary>Makes a line, its end included, of an event. Called on the thread that logs.</summary>
internal delegate string LogLine(in LogEvent logged);
