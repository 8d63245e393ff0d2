using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Terway.Host.State;

/// <summary>
/// The node's durable state. One thread owns the connection; writes that wait at the same time share a commit, so a burst of pods costs a few
/// fsyncs instead of hundreds. Thread-safe.
/// </summary>
internal sealed partial class StateStore : IAsyncDisposable
{
    /// <summary>Writes waiting for the disk. A caller beyond that waits for room, so a stalled disk cannot eat the memory.</summary>
    private const int QueueLimit = 1024;

    private const int MaxCommitsTogether = 256;

    private readonly SqliteConnection _connection;
    private readonly BlockingCollection<Waiting> _queue = new(QueueLimit);
    private readonly Dictionary<string, SqliteCommand> _commands = [];
    private bool _full = true;
    private readonly Thread _writer;
    private readonly ILogger _log;

    private StateStore(SqliteConnection connection, StateSnapshot initial, ILogger log)
    {
        _connection = connection;
        _log = log;
        Initial = initial;
        _writer = new Thread(WriteLoop) { IsBackground = true, Name = "state writer" };
        _writer.Start();
    }

    /// <summary>What the file held when it was opened.</summary>
    public StateSnapshot Initial { get; }

    /// <summary>Where the previous file was put because it was damaged; null when it was not.</summary>
    public string? SetAside { get; private init; }

    /// <summary>Opens the state file; a damaged one is set aside and an empty one begun.</summary>
    /// <exception cref="StateException">The file cannot be made or written, or belongs to a newer daemon.</exception>
    public static StateStore Open(string path, TimeProvider time, ILogger log)
    {
        string? aside = null;
        for (var attempt = 0; ; attempt++)
        {
            SqliteConnection? connection = null;
            try
            {
                connection = StateFile.Open(path);
                StateFile.Check(connection);
                return new StateStore(connection, StateReader.Read(connection), log) { SetAside = aside };
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

    /// <summary>Commits the changes together; completes when they are on disk.</summary>
    /// <exception cref="StateException">They are not, and what they announce must not be done.</exception>
    public Task WriteAsync(params StateWrite[] writes)
    {
        // Continuations must not run on the writer thread: they would hold up everybody else's commit.
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            _queue.Add(new Waiting(Prepare(writes), writes.Any(static w => w.SurvivesPowerLoss), done));
        }
        catch (InvalidOperationException)
        {
            throw new StateException("the state file is closed: the daemon is stopping");
        }

        return done.Task;
    }

    public ValueTask DisposeAsync()
    {
        _queue.CompleteAdding();
        _writer.Join();
        foreach (var command in _commands.Values) command.Dispose();
        _connection.Dispose();
        _queue.Dispose();
        return ValueTask.CompletedTask;
    }

    private void WriteLoop()
    {
        var batch = new List<Waiting>();
        foreach (var first in _queue.GetConsumingEnumerable())
        {
            batch.Clear();
            batch.Add(first);
            while (batch.Count < MaxCommitsTogether && _queue.TryTake(out var next)) batch.Add(next);
            Commit(batch);
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
        try
        {
            Synchronise(batch.Exists(static w => w.SurvivesPowerLoss));
            Execute("BEGIN IMMEDIATE", []);
            foreach (var waiting in batch)
            {
                foreach (var (sql, arguments) in waiting.Writes) Execute(sql, arguments);
            }

            Execute("COMMIT", []);
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

            LogWriteFailed(_log, e, _connection.DataSource);
            var failure = new StateException(
                $"state file {_connection.DataSource} cannot be written: {e.Message}; check that its disk is there, writable and not full", e);
            foreach (var waiting in batch) waiting.Done.SetException(failure);
            return;
        }

        foreach (var waiting in batch) waiting.Done.SetResult();
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

    private readonly record struct Waiting((string Sql, object[] Arguments)[] Writes, bool SurvivesPowerLoss, TaskCompletionSource Done);

    [LoggerMessage(EventId = 2001, Level = LogLevel.Error, Message = "State file {Path} is damaged ({Reason}); set aside as {Aside}, rebuilding from kernel and cloud")]
    private static partial void LogSetAside(ILogger log, string path, string aside, string reason);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Error, Message = "State file {Path} cannot be written")]
    private static partial void LogWriteFailed(ILogger log, Exception e, string path);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Debug, Message = "Rollback: {Reason}")]
    private static partial void LogRollback(ILogger log, string reason);
}
