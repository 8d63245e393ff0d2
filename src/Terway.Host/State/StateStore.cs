using System.Diagnostics;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Terway.Host.Observability;

namespace Terway.Host.State;

/// <summary>
/// The node's durable state. One thread at a time commits; writes that wait at the same time share a commit, so a burst of pods costs a few
/// fsyncs instead of hundreds. Thread-safe.
/// </summary>
internal sealed partial class StateStore : IAsyncDisposable
{
    private const int MaxCommitsTogether = 256;

    private readonly SqliteConnection _connection;
    private readonly Lock _lock = new();
    private readonly Queue<Waiting> _waiting = new();
    private readonly Dictionary<string, SqliteCommand> _commands = [];
    private bool _full = true;
    private readonly ILogger _log;
    private readonly ICommitHook? _hook;
    private bool _committing;
    private long _commitBegan;
    private bool _diskFails;
    private bool _closed;
    private TaskCompletionSource? _idle;

    private StateStore(SqliteConnection connection, StateSnapshot initial, ILogger log, ICommitHook? hook)
    {
        _connection = connection;
        _log = log;
        _hook = hook;
        Initial = initial;
    }

    /// <summary>What the file held when it was opened.</summary>
    public StateSnapshot Initial { get; }

    /// <summary>Where the previous file was put because it was damaged; null when it was not.</summary>
    public string? SetAside { get; private init; }

    /// <summary>
    /// Told when commits begin to fail because of the disk, with the reason, and with null once one is on disk again. Called by the thread that
    /// commits: it must return at once.
    /// </summary>
    public Action<string?>? DiskChanged { get; set; }

    /// <summary>How long it has been at the present commit; zero when there is none.</summary>
    public TimeSpan CommitSince
    {
        get
        {
            lock (_lock) return _committing ? Stopwatch.GetElapsedTime(_commitBegan) : TimeSpan.Zero;
        }
    }

    /// <summary>Opens the state file; a damaged one is set aside and an empty one begun.</summary>
    /// <exception cref="StateException">The file cannot be made or written, or belongs to a newer daemon.</exception>
    public static StateStore Open(string path, TimeProvider time, ILogger log, ICommitHook? hook = null)
    {
        string? aside = null;
        for (var attempt = 0; ; attempt++)
        {
            SqliteConnection? connection = null;
            try
            {
                connection = StateFile.Open(path);
                StateFile.Check(connection);
                StateFile.CheckWritable(connection);
                return new StateStore(connection, StateReader.Read(connection), log, hook) { SetAside = aside };
            }
            catch (StateException e) when (attempt == 0 && e.Damaged)
            {
                connection?.Dispose();
                aside = StateFile.SetAside(path, time.GetUtcNow());
                LogSetAside(log, path, aside, e.Message);
            }
            catch
            {
                connection?.Dispose();
                throw;
            }
        }
    }

    /// <summary>
    /// Commits the changes together; completes when they are on disk. Blocks its caller for the commit when nobody else is committing, which is
    /// quicker than handing over to another thread and back; else what waits shares the next commit.
    /// </summary>
    /// <exception cref="StateException">They are not, and what they announce must not be done.</exception>
    public Task WriteAsync(params StateWrite[] writes)
    {
        // Continuations must not run on the committing thread: they would hold up everybody else's commit.
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiting = new Waiting(Prepare(writes), writes.Any(static w => w.SurvivesPowerLoss), done, _hook is null ? [] : writes);
        lock (_lock)
        {
            if (_closed) throw new StateException("the state file is closed: the daemon is stopping");
            // As many as there are calls under way, which the callers bound.
            _waiting.Enqueue(waiting);
            if (_committing) return done.Task;
            _committing = true;
            _commitBegan = Stopwatch.GetTimestamp();
        }

        // What came meanwhile is not on this caller's time.
        if (CommitNext()) ThreadPool.UnsafeQueueUserWorkItem(static store => store.CommitAll(), this, preferLocal: false);
        return done.Task;
    }

    public async ValueTask DisposeAsync()
    {
        Task idle;
        lock (_lock)
        {
            _closed = true;
            idle = _committing ? (_idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
        }

        await idle.ConfigureAwait(false);
        foreach (var command in _commands.Values) command.Dispose();
        _commands.Clear();
        await _connection.DisposeAsync().ConfigureAwait(false);
    }

    private void CommitAll()
    {
        while (CommitNext())
        {
        }
    }

    // True when there is more to commit, and it is still this thread's turn.
    private bool CommitNext()
    {
        var batch = new List<Waiting>();
        lock (_lock)
        {
            while (batch.Count < MaxCommitsTogether && _waiting.TryDequeue(out var next)) batch.Add(next);
            _commitBegan = Stopwatch.GetTimestamp();
        }

        Commit(batch);
        lock (_lock)
        {
            if (_waiting.Count > 0) return true;
            _committing = false;
            _idle?.TrySetResult();
            return false;
        }
    }

    // Made on the caller's thread: what cannot be written fails the one who asked for it, not the others of its commit.
    private static (string Sql, object[] Arguments)[] Prepare(StateWrite[] writes)
    {
        try
        {
            var prepared = new (string, object[])[writes.Length];
            for (var i = 0; i < writes.Length; i++) prepared[i] = (writes[i].Sql, writes[i].Arguments);
            return prepared;
        }
        catch (Exception e) when (e is ArgumentException or JsonException or NotSupportedException)
        {
            throw new StateException($"a record cannot be written to the state file: {e.Message}", e);
        }
    }

    private void Commit(List<Waiting> batch)
    {
        foreach (var waiting in batch) _hook?.Before(waiting.Changes);
        try
        {
            Synchronise(batch.Exists(static w => w.SurvivesPowerLoss));
            Execute("BEGIN IMMEDIATE", []);
            foreach (var waiting in batch)
            {
                foreach (var (sql, arguments) in waiting.Writes) Execute(sql, arguments);
            }

            Execute("COMMIT", []);
            if (_diskFails) TellDisk(null);
            JournalMetrics.Committed(_commitBegan, batch.Count, ok: true);
        }
#pragma warning disable CA1031 // handed to the callers; on this thread it would end the process
        catch (Exception e)
#pragma warning restore CA1031
        {
            Rollback();
            if (batch.Count > 1)
            {
                // One of them may be to blame; each by itself, only that one fails.
                foreach (var one in batch) Commit([one]);
                return;
            }

            JournalMetrics.Committed(_commitBegan, batch.Count, ok: false);
            LogWriteFailed(_log, e, _connection.DataSource);
            var failure = StateFile.Unwritable(_connection.DataSource, e);
            if (failure.Disk) TellDisk(failure.Message);
            foreach (var waiting in batch) waiting.Done.SetException(failure);
            return;
        }

        foreach (var waiting in batch) _hook?.After(waiting.Changes);
        foreach (var waiting in batch) waiting.Done.SetResult();
    }

    private void TellDisk(string? reason)
    {
        _diskFails = reason is not null;
        DiskChanged?.Invoke(reason);
    }

    // With the write-ahead log NORMAL commits without waiting for the disk: the end of the process loses nothing, loss of power may lose the last
    // commits but never one before another (https://www.sqlite.org/pragma.html#pragma_synchronous). The next FULL commit carries them along.
    private void Synchronise(bool full)
    {
        if (full == _full) return;
        Execute(full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", []);
        _full = full;
    }

    private void Execute(string sql, object[] arguments)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = _connection.CreateCommand();
#pragma warning disable CA2100 // texts are constants of StateWrite
            command.CommandText = sql;
#pragma warning restore CA2100
            for (var i = 0; i < arguments.Length; i++) command.Parameters.AddWithValue($"${i + 1}", DBNull.Value);
            _commands.Add(sql, command);
        }

        for (var i = 0; i < arguments.Length; i++) command.Parameters[i].Value = arguments[i] ?? DBNull.Value;
        command.ExecuteNonQuery();
    }

    private void Rollback()
    {
        try
        {
            Execute("ROLLBACK", []);
        }
        catch (SqliteException e)
        {
            // SQLite has rolled back by itself on some errors (full disk), and then says so.
            LogRollback(_log, e.Message);
        }
    }

    private readonly record struct Waiting((string Sql, object[] Arguments)[] Writes, bool SurvivesPowerLoss, TaskCompletionSource Done, StateWrite[] Changes);

    [LoggerMessage(EventId = 2001, Level = LogLevel.Error, Message = "State file {Path} is damaged ({Reason}); set aside as {Aside}, rebuilding from kernel and cloud")]
    private static partial void LogSetAside(ILogger log, string path, string aside, string reason);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Error, Message = "State file {Path} cannot be written")]
    private static partial void LogWriteFailed(ILogger log, Exception e, string path);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Debug, Message = "Rollback: {Reason}")]
    private static partial void LogRollback(ILogger log, string reason);
}
