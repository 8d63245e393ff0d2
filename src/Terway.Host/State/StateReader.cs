using System.Text.Json;
using Microsoft.Data.Sqlite;
using Terway.Plugin;

namespace Terway.Host.State;

/// <summary>Reads the whole state file once, at start: a node's state is a few hundred rows.</summary>
internal static class StateReader
{
    /// <exception cref="StateException">A row cannot be read: the file counts as damaged.</exception>
    public static StateSnapshot Read(SqliteConnection connection)
    {
        try
        {
            return new StateSnapshot
            {
                Attachments = Rows(connection, "SELECT body, phase FROM attachment", static r => (
                    Record: Parse(r, 0, StateJson.Default.AttachmentRecord), Phase: (AttachmentPhase)r.GetInt64(1))),
                Tombstones = Rows(connection, "SELECT container_id, if_name, at FROM tombstone", static r => (
                    Key: new AttachmentKey(r.GetString(0), r.GetString(1)), At: Time(r, 2))).ToDictionary(static t => t.Key, static t => t.At),
                Released = Rows(connection, "SELECT address, at FROM released", static r => (Address: r.GetString(0), At: Time(r, 1)))
                    .ToDictionary(static t => t.Address, static t => t.At),
                NodeObjects = Rows(connection, "SELECT plugin, key, body FROM node_object", static r => (
                    Key: (r.GetString(0), r.GetString(1)), Objects: Parse(r, 2, StateJson.Default.IReadOnlyListKernelObject)))
                    .ToDictionary(static t => t.Key, static t => t.Objects),
                PluginRecords = Rows(connection, "SELECT plugin, key, value FROM plugin_record", static r => (
                    Key: (r.GetString(0), r.GetString(1)), Value: r.GetFieldValue<byte[]>(2))).ToDictionary(static t => t.Key, static t => t.Value),
                Facts = Rows(connection, "SELECT key, value FROM fact", static r => (Key: r.GetString(0), Value: r.GetFieldValue<byte[]>(1)))
                    .ToDictionary(static t => t.Key, static t => t.Value),
            };
        }
        catch (SqliteException e)
        {
            // SQLITE_ERROR: a table or a column is not there, so this is another program's file, or not all of ours.
            throw new StateException($"state file {connection.DataSource} cannot be read: {e.Message}", e)
            {
                Damaged = StateFile.IsDamage(e) || e.SqliteErrorCode == 1,
            };
        }
        catch (Exception e) when (e is JsonException or InvalidCastException or ArgumentException or NotSupportedException)
        {
            throw new StateException($"state file {connection.DataSource} cannot be read: {e.Message}", e) { Damaged = true };
        }
    }

    private static List<T> Rows<T>(SqliteConnection connection, string sql, Func<SqliteDataReader, T> read)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // constant texts of this file
        command.CommandText = sql;
#pragma warning restore CA2100
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(read(reader));
        return rows;
    }

    private static T Parse<T>(SqliteDataReader reader, int column, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(column), type) ?? throw new JsonException("null record");

    private static DateTimeOffset Time(SqliteDataReader reader, int column) => DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(column));
}
