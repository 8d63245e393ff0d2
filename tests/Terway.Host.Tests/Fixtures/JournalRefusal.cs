using Microsoft.Data.Sqlite;
using Terway.Host.State;

namespace Terway.Host.Tests.Fixtures;

/// <summary>A state file that refuses changes and deletions of rows while a test wants it to, without being closed.</summary>
internal static class JournalRefusal
{
    private const string Refused = "test/refused";
    private const string Allowed = "test/allowed";

    /// <summary>Prepares a state file that nobody has open.</summary>
    public static void Install(string path)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        foreach (var (table, change) in ((string, string)[])[("attachment", "UPDATE"), ("tombstone", "DELETE"), ("released", "DELETE")])
        {
            using var command = connection.CreateCommand();
#pragma warning disable CA2100 // names of this file's own
            command.CommandText = $"""
                CREATE TRIGGER refuse_{table} BEFORE {change} ON {table} BEGIN
                    SELECT RAISE(ABORT, 'refused by the test') WHERE EXISTS(SELECT 1 FROM fact WHERE key = '{Refused}') AND NOT EXISTS(SELECT 1 FROM fact WHERE key = '{Allowed}');
                END
                """;
#pragma warning restore CA2100
            command.ExecuteNonQuery();
        }
    }

    public static Task BeginAsync(StateStore store) => store.WriteAsync(new StateWrite.PutFact(Refused, []));

    public static Task EndAsync(StateStore store) => store.WriteAsync(new StateWrite.PutFact(Allowed, []));
}
