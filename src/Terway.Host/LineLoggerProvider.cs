using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Terway.Host;

/// <summary>
/// Writes <c>time level category[event] message</c>, exceptions on the same line. A thread of its own does the writing, so that a slow reader of the
/// log does not hold up pods; beyond a bound of waiting lines new ones are dropped and counted. Thread-safe.
/// </summary>
internal sealed class LineLoggerProvider : ILoggerProvider
{
    private const int QueueLimit = 4096;

    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(1);

    private readonly Stream _output;
    private readonly LogLevel _minimum;
    private readonly TimeProvider _time;
    private readonly BlockingCollection<string> _lines = new(QueueLimit);
    private readonly Thread _writer;
    private long _dropped;

    public LineLoggerProvider(Stream output, LogLevel minimum, TimeProvider time)
    {
        _output = output;
        _minimum = minimum;
        _time = time;
        _writer = new Thread(Write) { IsBackground = true, Name = "log" };
        _writer.Start();
    }

    public ILogger CreateLogger(string categoryName) => new LineLogger(this, categoryName);

    /// <summary>Writes what waits, for a second at most.</summary>
    public void Dispose()
    {
        if (_lines.IsAddingCompleted) return;
        _lines.CompleteAdding();
        if (_writer.Join(s_drain)) _lines.Dispose();
    }

    private void Add(string line)
    {
        try
        {
            if (!_lines.TryAdd(line)) Interlocked.Increment(ref _dropped);
        }
        catch (InvalidOperationException)
        {
            // Stopping: the last lines of the last threads.
        }
    }

    private void Write()
    {
        var buffer = new ArrayWriter();
        foreach (var line in _lines.GetConsumingEnumerable())
        {
            buffer.Append(line);
            var dropped = Interlocked.Exchange(ref _dropped, 0);
            if (dropped > 0) buffer.Append(string.Create(CultureInfo.InvariantCulture, $"{dropped} lines of this log were dropped: its reader is too slow\n"));
            try
            {
                _output.Write(buffer.Written);
            }
            catch (IOException)
            {
                // Nobody reads the log (any more): pods are still served.
            }

            buffer.Clear();
        }
    }

    private sealed class ArrayWriter
    {
        private byte[] _bytes = new byte[1024];
        private int _length;

        public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

        public void Append(string text)
        {
            var needed = _length + Encoding.UTF8.GetMaxByteCount(text.Length);
            if (needed > _bytes.Length) Array.Resize(ref _bytes, needed);
            _length += Encoding.UTF8.GetBytes(text, _bytes.AsSpan(_length));
        }

        public void Clear() => _length = 0;
    }

    private sealed class LineLogger(LineLoggerProvider provider, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= provider._minimum && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            var line = new StringBuilder(160)
                .Append(provider._time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture))
                .Append(' ').Append(Name(logLevel)).Append(' ').Append(category).Append('[').Append(eventId.Id).Append("] ")
                .Append(formatter(state, exception));
            if (exception is not null) line.Append(" | ").Append(exception);
            provider.Add(line.Replace("\r", "").Replace("\n", " | ").Append('\n').ToString());
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
}
