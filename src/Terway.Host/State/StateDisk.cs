using Terway.Linux;
using Terway.Plugin;

namespace Terway.Host.State;

/// <summary>
/// Whether the journal can be written. While it cannot, the node is not ready and says why, and a write is tried every second: nobody else may try one,
/// since a node that is not ready gets no pods. Thread-safe.
/// </summary>
internal sealed class StateDisk : IAsyncDisposable
{
    private const string FindingPath = "state";

    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);

    private readonly StateStore _store;
    private readonly string _path;
    private readonly NodeReadiness _readiness;
    private readonly TimeProvider _time;
    private readonly FileIdentity? _opened;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _replaced = new();
    private readonly Lock _lock = new();
    private Task _loop = Task.CompletedTask;
    private bool _fails;
    private bool _trying;

    private StateDisk(StateStore store, string path, NodeReadiness readiness, TimeProvider time)
    {
        _store = store;
        _path = path;
        _readiness = readiness;
        _time = time;
        _opened = FileIdentity.Of(path);
    }

    /// <summary>
    /// Cancelled when another file has taken the place of the one that is open and fails: its disk was repaired and mounted again. What this process
    /// writes nobody would ever read; a new start reads what is there.
    /// </summary>
    public CancellationToken Replaced => _replaced.Token;

    /// <param name="store">The open state file.</param>
    /// <param name="path">Where it is.</param>
    /// <param name="readiness">Who is told.</param>
    /// <param name="time">The clock of the tries.</param>
    public static StateDisk Watch(StateStore store, string path, NodeReadiness readiness, TimeProvider time)
    {
        var disk = new StateDisk(store, path, readiness, time);
        store.DiskChanged = disk.Notice;
        return disk;
    }

    /// <summary>Notes why the journal cannot be written; null when it can.</summary>
    public static void Report(NodeReadiness readiness, string? reason) => readiness.Suspend(FindingPath, reason is null ? null : new Finding(
        FindingSeverity.Error, reason, "running pods go on, and new ones are served by itself once it can be written"));

    public async ValueTask DisposeAsync()
    {
        _store.DiskChanged = null;
        await _stop.CancelAsync().ConfigureAwait(false);
        Task loop;
        lock (_lock) loop = _loop;
        await loop.ConfigureAwait(false);
        _stop.Dispose();
        _replaced.Dispose();
    }

    private void Notice(string? reason)
    {
        Report(_readiness, reason);
        lock (_lock)
        {
            _fails = reason is not null;
            if (!_fails || _trying || _stop.IsCancellationRequested) return;
            _trying = true;
            _loop = Task.Run(TryAsync);
        }
    }

    private async Task TryAsync()
    {
        try
        {
            while (true)
            {
                lock (_lock)
                {
                    if (!_fails)
                    {
                        _trying = false;
                        return;
                    }
                }

                await Task.Delay(s_retry, _time, _stop.Token).ConfigureAwait(false);
                if (FileIdentity.Of(_path) is { } now && now != _opened)
                {
                    await _replaced.CancelAsync().ConfigureAwait(false);
                    return;
                }

                await TryWriteAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The daemon stops.
        }
    }

    private async Task TryWriteAsync()
    {
        try
        {
            await _store.WriteAsync(new StateWrite.PutFact("writable", [])).ConfigureAwait(false);
        }
        catch (StateException)
        {
            // Told already.
        }
    }
}
