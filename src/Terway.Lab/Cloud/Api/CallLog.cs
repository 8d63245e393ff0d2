using System.Collections.Immutable;

namespace Terway.Lab.Cloud.Api;

/// <summary>One answered, refused or aborted OpenAPI call.</summary>
/// <param name="Code"><c>OK</c>, an error code, <c>LostAnswer</c>, <c>Unreachable</c> or <c>BlackHole</c>.</param>
/// <param name="ClientToken">By which the service knows a repeated request; null: none.</param>
/// <param name="IgnoredParameters">Sent, but unknown to the action: the cloud ignores them silently, so a misspelt one shows here.</param>
public sealed record CallRecord(
    DateTimeOffset At,
    string Action,
    string Code,
    int HttpStatus,
    TimeSpan Duration,
    string RequestId,
    string AccessKeyId,
    string? ClientToken,
    ImmutableArray<string> IgnoredParameters);

/// <summary>Counts OpenAPI calls and remembers the last ones. Thread-safe.</summary>
public sealed class CallLog
{
    private const int MaxRecords = 1000;

    private readonly Lock _lock = new();
    private readonly Queue<CallRecord> _records = new();
    private readonly SortedDictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _codes = new(StringComparer.Ordinal);
    private int _held;

    /// <summary>Calls by action since the last reset, whatever became of them.</summary>
    public ImmutableSortedDictionary<string, int> Counts
    {
        get
        {
            lock (_lock)
                return _counts.ToImmutableSortedDictionary(StringComparer.Ordinal);
        }
    }

    /// <summary>Calls by result code since the last reset.</summary>
    public ImmutableSortedDictionary<string, int> Codes
    {
        get
        {
            lock (_lock)
                return _codes.ToImmutableSortedDictionary(StringComparer.Ordinal);
        }
    }

    /// <summary>The last calls, oldest first.</summary>
    public ImmutableArray<CallRecord> Records
    {
        get
        {
            lock (_lock)
                return [.. _records];
        }
    }

    /// <summary>Calls that a delay or a fault keeps waiting now.</summary>
    public int Held => Volatile.Read(ref _held);

    public void Reset()
    {
        lock (_lock)
        {
            _records.Clear();
            _counts.Clear();
            _codes.Clear();
        }
    }

    internal void Add(CallRecord record)
    {
        lock (_lock)
        {
            if (_records.Count == MaxRecords)
                _records.Dequeue();
            _records.Enqueue(record);
            _counts[record.Action] = _counts.GetValueOrDefault(record.Action) + 1;
            _codes[record.Code] = _codes.GetValueOrDefault(record.Code) + 1;
        }
    }

    /// <summary>Counts a call as held until what is returned is disposed.</summary>
    internal HeldCall Hold()
    {
        Interlocked.Increment(ref _held);
        return new HeldCall(this);
    }

    internal readonly struct HeldCall(CallLog log) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref log._held);
    }
}
