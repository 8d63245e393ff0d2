using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Host.Tests.Fixtures;

namespace Terway.Host.Tests.State;

public sealed class JournalSweepTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Samples.Now);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Sweep_that_cannot_be_journaled_ends_nobody_and_the_next_one_does_its_work()
    {
        await using (var first = Open())
        {
            await first.WriteAsync(new StateWrite.PutReleased("10.0.0.7", _time.GetUtcNow()));
            await new Tombstones(first, _time).AddAsync(new AttachmentKey("c1", "eth0"));
        }

        JournalRefusal.Install(_folder["state.db"]);
        _time.Advance(TimeSpan.FromHours(2));
        await using (var store = Open())
        {
            await JournalRefusal.BeginAsync(store);
            var sweep = new JournalSweep(new Tombstones(store, _time), store, _time, NullLogger.Instance);
            await sweep.RunAsync();
            await JournalRefusal.EndAsync(store);
            await using (var copy = Copy()) Assert.Equal((1, 1), (copy.Initial.Tombstones.Count, copy.Initial.Released.Count));
            await sweep.RunAsync();
        }

        await using var last = Open();
        Assert.Equal((0, 0), (last.Initial.Tombstones.Count, last.Initial.Released.Count));
    }

    private StateStore Open(string name = "state.db") => StateStore.Open(_folder[name], _time, NullLogger.Instance);

    /// <summary>What a start at this moment would find.</summary>
    private StateStore Copy()
    {
        foreach (var file in Directory.GetFiles(Path.GetDirectoryName(_folder["state.db"])!, "state.db*"))
            File.Copy(file, file.Replace("state.db", "copy.db", StringComparison.Ordinal));
        return Open("copy.db");
    }
}
