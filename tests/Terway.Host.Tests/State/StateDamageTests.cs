using CsCheck;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Host.State;
using Terway.Host.Tests.Fixtures;

namespace Terway.Host.Tests.State;

public sealed class StateDamageTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Path => _folder["state.db"];

    public void Dispose() => _folder.Dispose();

    private StateStore Open() => StateStore.Open(Path, TimeProvider.System, NullLogger.Instance);

    [Fact]
    public async Task A_file_of_a_newer_schema_is_refused_and_left_alone()
    {
        await FillAsync(3);
        Sql("PRAGMA user_version=2");
        var before = await File.ReadAllBytesAsync(Path, TestContext.Current.CancellationToken);
        var e = Assert.Throws<StateException>(Open);
        Assert.Contains("newer daemon", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(Path, TestContext.Current.CancellationToken));
        Assert.Empty(Directory.GetFiles(_folder.Path, "*damaged*"));
    }

    [Fact]
    public async Task A_file_that_another_process_holds_is_refused_and_left_alone()
    {
        await using var holder = Open();
        await holder.WriteAsync(new StateWrite.PutFact("a", [1]));
        Assert.Throws<StateException>(Open);
        Assert.Empty(Directory.GetFiles(_folder.Path, "*damaged*"));
    }

    [Theory]
    [InlineData("this is no database, but long enough to be taken for one ............................................................")]
    [InlineData("short, but no database")]
    public async Task A_foreign_file_is_set_aside_with_its_content(string content)
    {
        await File.WriteAllTextAsync(Path, content, TestContext.Current.CancellationToken);
        await using var store = Open();
        Assert.NotNull(store.SetAside);
        Assert.Equal(content, await File.ReadAllTextAsync(store.SetAside, TestContext.Current.CancellationToken));
        await store.WriteAsync(new StateWrite.PutFact("a", [1]));
    }

    [Theory]
    [InlineData("CREATE TABLE fact(other TEXT)")]
    [InlineData("CREATE TABLE notes(a TEXT); PRAGMA user_version=1")]
    public async Task A_database_of_another_program_is_set_aside(string sql)
    {
        Sql(sql);
        await using var store = Open();
        Assert.NotNull(store.SetAside);
        Assert.Empty(store.Initial.Facts);
    }

    [Theory]
    [InlineData("UPDATE attachment SET body = X'7B'")]
    [InlineData("UPDATE attachment SET body = CAST('{}' AS BLOB)")]
    [InlineData("UPDATE attachment SET body = CAST('null' AS BLOB)")]
    [InlineData("INSERT INTO tombstone VALUES('c', 'e', 9223372036854775807)")]
    [InlineData("INSERT INTO node_object VALUES('p', 'k', CAST('[{\"kind\":\"unheard-of\"}]' AS BLOB))")]
    public async Task A_row_that_cannot_be_read_sets_the_file_aside(string sql)
    {
        await FillAsync(1);
        Sql(sql);
        await using var store = Open();
        Assert.NotNull(store.SetAside);
        Assert.Empty(store.Initial.Attachments);
    }

    [Fact]
    public async Task A_truncated_file_is_set_aside()
    {
        await FillAsync(200);
        await using (var file = File.OpenWrite(Path)) file.SetLength(file.Length / 2);
        await using var store = Open();
        Assert.NotNull(store.SetAside);
    }

    [Fact]
    public async Task Noise_anywhere_in_the_file_never_keeps_the_daemon_from_starting()
    {
        await FillAsync(60);
        var good = await File.ReadAllBytesAsync(Path, TestContext.Current.CancellationToken);
        Gen.Select(Gen.Int[0, good.Length - 600], Gen.Int[1, 600], Gen.Byte.Array[256]).Sample((at, length, noise) =>
        {
            foreach (var left in Directory.GetFiles(_folder.Path)) File.Delete(left);
            var bad = (byte[])good.Clone();
            for (var i = 0; i < length; i++) bad[at + i] = noise[i % noise.Length];
            File.WriteAllBytes(Path, bad);
            StateStore store;
            try
            {
                store = Open();
            }
            catch (StateException e) when (e.Message.Contains("newer daemon", StringComparison.Ordinal))
            {
                return; // the noise hit the version's four bytes
            }

            store.WriteAsync(new StateWrite.PutFact("still works", [1])).GetAwaiter().GetResult();
            store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }, iter: 150, threads: 1);
    }

    [Fact]
    public async Task A_log_torn_at_any_byte_loses_only_the_commits_behind_it()
    {
        var live = _folder["live.db"];
        byte[] database, log;
        await using (var store = StateStore.Open(live, TimeProvider.System, NullLogger.Instance))
        {
            for (var i = 0; i < 20; i++) await store.WriteAsync(new StateWrite.PutFact($"a{i:00}", [1]), new StateWrite.PutFact($"b{i:00}", [1]));
            database = await File.ReadAllBytesAsync(live, TestContext.Current.CancellationToken);
            log = await File.ReadAllBytesAsync(live + "-wal", TestContext.Current.CancellationToken);
        }

        Assert.NotEmpty(log);
        Gen.Int[0, log.Length].Sample(length =>
        {
            foreach (var left in Directory.GetFiles(_folder.Path, "state.db*")) File.Delete(left);
            File.WriteAllBytes(Path, database);
            File.WriteAllBytes(Path + "-wal", log[..length]);
            var store = Open();
            var facts = store.Initial.Facts.Keys.ToHashSet();
            store.DisposeAsync().AsTask().GetAwaiter().GetResult();
            Assert.Null(store.SetAside);
            var commits = facts.Count / 2;
            Assert.Equal(Enumerable.Range(0, commits).SelectMany(static i => new[] { $"a{i:00}", $"b{i:00}" }).Order(), facts.Order());
            if (length == log.Length) Assert.Equal(20, commits);
        }, iter: 100, threads: 1);
    }

    private async Task FillAsync(int records)
    {
        await using var store = Open();
        for (var i = 0; i < records; i++)
        {
            await store.WriteAsync(new StateWrite.PutAttachment(Samples.Record($"c{i}"), AttachmentPhase.Attached), new StateWrite.PutFact($"f{i}", [1, 2, 3]));
        }
    }

    private void Sql(string text)
    {
        using var connection = new SqliteConnection($"Data Source={Path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100
        command.CommandText = text;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
