using Microsoft.Data.Sqlite;

namespace Terway.Host.State;

/// <summary>
/// Opens the node's state file: SQLite, write-ahead log, synchronous=FULL, so that a commit survives loss of power
/// (https://www.sqlite.org/pragma.html#pragma_synchronous).
/// </summary>
internal static class StateFile
{
    /// <summary>Raised when a table changes in a way that an older daemon must not touch.</summary>
    private const int SchemaVersion = 1;

    private const string Schema = """
        CREATE TABLE IF NOT EXISTS attachment(
          container_id TEXT NOT NULL, if_name TEXT NOT NULL, phase INTEGER NOT NULL, body BLOB NOT NULL,
          PRIMARY KEY(container_id, if_name)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS tombstone(
          container_id TEXT NOT NULL, if_name TEXT NOT NULL, at INTEGER NOT NULL,
          PRIMARY KEY(container_id, if_name)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS released(address TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS node_object(
          plugin TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY(plugin, key)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS plugin_record(
          plugin TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY(plugin, key)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS fact(key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
        """;

    /// <exception cref="StateException">Damaged, locked, of a newer schema, or not writable.</exception>
    public static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            Pooling = false,
        }.ToString());
        try
        {
            connection.Open();
            Execute(connection, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA locking_mode=EXCLUSIVE; PRAGMA busy_timeout=2000;");
            var version = Convert.ToInt32(Scalar(connection, "PRAGMA user_version"), System.Globalization.CultureInfo.InvariantCulture);
            if (version > SchemaVersion)
            {
                throw new StateException(
                    $"state file {path} has schema {version}, this daemon knows {SchemaVersion}: it was written by a newer daemon; install that version again");
            }

            if (version == 0)
            {
                Execute(connection, $"BEGIN IMMEDIATE; {Schema} PRAGMA user_version={SchemaVersion}; COMMIT;");
            }

            return connection;
        }
        catch (SqliteException e)
        {
            connection.Dispose();
            throw IsDisk(e) ? Unwritable(path, e) : new StateException($"state file {path}: {e.Message}", e) { Damaged = IsDamage(e) };
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>SQLITE_CORRUPT and SQLITE_NOTADB; a full disk, a missing right or another process is no damage.</summary>
    public static bool IsDamage(SqliteException e) => e.SqliteErrorCode is 11 or 26;

    /// <summary>SQLITE_PERM, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL and SQLITE_CANTOPEN.</summary>
    public static bool IsDisk(SqliteException e) => e.SqliteErrorCode is 3 or 8 or 10 or 13 or 14;

    /// <summary>What to tell whoever asked for a change that is not on disk.</summary>
    public static StateException Unwritable(string path, Exception e) =>
        new($"state file {path} cannot be written: {e.Message}; check that its disk is there, writable and not full", e)
        {
            Disk = e is IOException or UnauthorizedAccessException || (e is SqliteException sqlite && IsDisk(sqlite)),
        };

    /// <summary>
    /// Checks the file's pages. Checksums are not part of SQLite; this finds torn and truncated pages.
    /// </summary>
    /// <exception cref="StateException">The file is damaged, or cannot be read.</exception>
    public static void Check(SqliteConnection connection)
    {
        string? result;
        try
        {
            result = (string?)Scalar(connection, "PRAGMA quick_check(1)");
        }
        catch (SqliteException e)
        {
            // Damage of the schema's own page ends the check instead of being its result.
            throw new StateException($"state file {connection.DataSource}: {e.Message}", e) { Damaged = IsDamage(e) };
        }

        if (result != "ok") throw new StateException($"state file {connection.DataSource} is damaged: {result}") { Damaged = true };
    }

    /// <summary>Writes a page. SQLite opens what it cannot write, and the first pod would be the one to find out.</summary>
    /// <exception cref="StateException">The file cannot be written.</exception>
    public static void CheckWritable(SqliteConnection connection)
    {
        try
        {
            Execute(connection, $"BEGIN IMMEDIATE; PRAGMA user_version={SchemaVersion}; COMMIT;");
        }
        catch (SqliteException e)
        {
            throw Unwritable(connection.DataSource, e);
        }
    }

    /// <summary>Puts a damaged file out of the way, for later study, with its log.</summary>
    /// <exception cref="StateException">It cannot be moved.</exception>
    public static string SetAside(string path, DateTimeOffset now)
    {
        var aside = $"{path}.damaged-{now.UtcDateTime:yyyyMMddTHHmmss}";
        try
        {
            foreach (var suffix in new[] { "", "-wal", "-shm" })
            {
                if (File.Exists(path + suffix)) File.Move(path + suffix, aside + suffix, overwrite: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, e);
        }

        return aside;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
