using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Terway.Host.Observability;

namespace Terway.Host;

/// <summary>
/// Writes one line an event, as text or as JSON, exceptions on the same line. A thread of its own does the writing, so that a slow reader of the
/// log does not hold up pods; beyond a bound of waiting lines new ones are dropped and counted. Thread-safe.
/// </summary>
internal sealed class LineLoggerProvider : ILoggerProvider
{
    private const int QueueLimit = 4096;

    private static readonly EventId s_droppedEvent = new(1009, "LogDropped");

    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(1);

    private readonly Stream _output;
    private readonly LogLevel _minimum;
    private readonly TimeProvider _time;
    private readonly LogLine _format;
    private readonly BlockingCollection<string> _lines = new(QueueLimit);
    private readonly Thread _writer;
    private long _dropped;

    public LineLoggerProvider(Stream output, LogLevel minimum, TimeProvider time, LogLine format)
    {
        _output = output;
        _minimum = minimum;
        _time = time;
        _format = format;
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
            if (dropped > 0) buffer.Append(_format(new LogEvent(_time.GetUtcNow(), LogLevel.Warning, "Terway.Host", s_droppedEvent, string.Create(CultureInfo.InvariantCulture, $"{dropped} lines of this log were dropped: its reader is too slow"), [new("Dropped", dropped)], null)));
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
            provider.Add(provider._format(new LogEvent(
                provider._time.GetUtcNow(), logLevel, category, eventId, formatter(state, exception), state as IReadOnlyList<KeyValuePair<string, object?>> ?? [], exception)));
        }
    }
}
