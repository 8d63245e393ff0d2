using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Terway.Host.Kernel;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Pods;

/// <summary>
/// Takes attachments away. A DEL is answered once the intent is on disk; the kernel work follows in the background, many links at a time, since
/// the kernel waits tens of milliseconds for every removal of a link but no longer for a hundred of them. An address goes back to its pool only
/// after that. Each attachment is taken away exactly once, whoever asks and how often. Thread-safe.
/// </summary>
internal sealed partial class PodDetacher : IAsyncDisposable
{
    private const int BatchLimit = 256;

    private static readonly TimeSpan s_retryDelay = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_undoTimeout = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_stageTimeout = TimeSpan.FromSeconds(10);

    private readonly ActivePlugins _plugins;
    private readonly AttachmentTable _table;
    private readonly StateStore _store;
    private readonly INodeKernel _kernel;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    // As many as there are attachments: bounded by the node's addresses.
    private readonly Channel<Removal> _queue = Channel.CreateUnbounded<Removal>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Lock _lock = new();
    private readonly Dictionary<AttachmentKey, Removal> _pending = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public PodDetacher(
        ActivePlugins plugins, AttachmentTable table, StateStore store, INodeKernel kernel, TimeProvider time, ILogger<PodDetacher> log)
    {
        _plugins = plugins;
        _table = table;
        _store = store;
        _kernel = kernel;
        _time = time;
        _log = log;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Attachments whose kernel objects still wait to be taken away.</summary>
    public int PendingCount
    {
        get
        {
            lock (_lock) return _pending.Count;
        }
    }

    /// <summary>
    /// Journals that the attachment goes, and leaves the rest to the background. Nothing happens to one that goes already or is gone. An ADD that
    /// is making it must not be under way.
    /// </summary>
    /// <param name="record">The attachment as the table has it.</param>
    /// <param name="alongside">Changes to commit with it, in any case.</param>
    /// <exception cref="StateException">Neither is journaled, and nothing was done.</exception>
    public async Task DetachAsync(AttachmentRecord record, params StateWrite[] alongside)
    {
        if (!TryBegin(record, out var removal))
        {
            var write = alongside.Length > 0 ? _store.WriteAsync(alongside) : Task.CompletedTask;
            await write.ConfigureAwait(false);
            if (removal is not null) await removal.Journaled.Task.ConfigureAwait(false);
            return;
        }

        try
        {
            await _store.WriteAsync([new StateWrite.SetPhase(record.Key, AttachmentPhase.Detaching), .. alongside]).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            lock (_lock) _pending.Remove(record.Key);
            removal!.Journaled.SetException(e);
            _ = removal.Journaled.Task.Exception;
            removal.Gone.SetResult();
            throw;
        }

        removal!.Journaled.SetResult();
        Enqueue(removal);
    }

    /// <summary>Takes away what the previous life of the daemon left in phase Adding or Detaching.</summary>
    public void Resume(AttachmentRecord record) => BeginJournaled(record);

    /// <summary>Undoes a failed ADD and waits for it, so that the runtime's next try does not meet its own remains.</summary>
    public async Task UndoAsync(AttachmentRecord record)
    {
        // The journal still says Adding, which the next start undoes as well: no write is needed before the work.
        BeginJournaled(record);
        await WaitSomeTimeAsync(record).ConfigureAwait(false);
    }

    /// <summary>
    /// Waits until the pod's NICs are back on the node: after that the runtime deletes the namespace. Ends in any case, after a while, since the
    /// kernel brings back what dies with its namespace, and a pod that cannot be deleted helps nobody.
    /// </summary>
    public Task WaitNicsBackAsync(AttachmentRecord record) => record.Nics.Any() ? WaitSomeTimeAsync(record) : Task.CompletedTask;

    private async Task WaitSomeTimeAsync(AttachmentRecord record)
    {
        try
        {
            await WaitGoneAsync(record, CancellationToken.None).WaitAsync(s_undoTimeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The background goes on trying; the address stays taken meanwhile.
            LogUndoSlow(_log, record.Key, s_undoTimeout.TotalSeconds);
        }
    }

    /// <summary>Waits until a detaching attachment is gone from kernel and journal.</summary>
    public Task WaitGoneAsync(AttachmentRecord record, CancellationToken cancellationToken)
    {
        Removal? removal;
        lock (_lock) _pending.TryGetValue(record.Key, out removal);
        return ReferenceEquals(removal?.Record, record) ? removal.Gone.Task.WaitAsync(cancellationToken) : Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    // False with the removal that is under way, or with none when the attachment is gone.
    private bool TryBegin(AttachmentRecord record, out Removal? removal)
    {
        lock (_lock)
        {
            if (_pending.TryGetValue(record.Key, out removal)) return false;
            if (!ReferenceEquals(_table.Find(record.Key)?.Record, record)) return false;
            _pending.Add(record.Key, removal = new Removal(record));
            return true;
        }
    }

    private void BeginJournaled(AttachmentRecord record)
    {
        if (!TryBegin(record, out var removal)) return;
        removal!.Journaled.SetResult();
        Enqueue(removal);
    }

    private void Enqueue(Removal removal)
    {
        _table.Put(removal.Record, AttachmentPhase.Detaching);
        _queue.Writer.TryWrite(removal);
    }

    private async Task RunAsync()
    {
        try
        {
            while (await _queue.Reader.WaitToReadAsync(_stop.Token).ConfigureAwait(false))
            {
                var batch = new List<Removal>();
                while (batch.Count < BatchLimit && _queue.Reader.TryRead(out var removal)) batch.Add(removal);
                await RemoveAsync(batch).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopping: the journal says Detaching, the next start goes on.
        }
    }

    /// <summary>Takes a batch away. What fails is tried again later, by itself: one broken attachment must not keep the addresses of others.</summary>
    private async Task RemoveAsync(List<Removal> batch)
    {
        var ready = await DetachStagesAsync(batch).ConfigureAwait(false);
        if (ready.Count == 0 || await TryRemoveAsync(ready).ConfigureAwait(false)) return;
        foreach (var removal in ready)
        {
            if (ready.Count == 1 || !await TryRemoveAsync([removal]).ConfigureAwait(false)) RetryLater(removal);
        }
    }

    private async Task<List<Removal>> DetachStagesAsync(List<Removal> batch)
    {
        if (_plugins.Stages.Count == 0) return batch;
        var done = await Task.WhenAll(batch.Select(DetachStagesAsync)).ConfigureAwait(false);
        var ready = new List<Removal>(batch.Count);
        for (var i = 0; i < batch.Count; i++)
        {
            if (done[i]) ready.Add(batch[i]);
            else RetryLater(batch[i]);
        }

        return ready;
    }

    private async Task<bool> DetachStagesAsync(Removal removal)
    {
        foreach (var stage in _plugins.Stages.Reverse())
        {
            try
            {
                await stage.DetachAsync(removal.Record.Attachment, _stop.Token).WaitAsync(s_stageTimeout, _time, _stop.Token).ConfigureAwait(false);
            }
#pragma warning disable CA1031 // plugin code; said and tried again
            catch (Exception e) when (!_stop.IsCancellationRequested)
#pragma warning restore CA1031
            {
                LogStageFailed(_log, e, stage.GetType().FullName, removal.Record.Key);
                return false;
            }
        }

        return true;
    }

    private async Task<bool> TryRemoveAsync(List<Removal> batch)
    {
        try
        {
            // First, while the namespace is there for certain: the runtime waits for it.
            foreach (var record in batch.Select(static r => r.Record)) await ReturnNicsAsync(record).ConfigureAwait(false);
            await _kernel.RemoveAsync([.. batch.Select(static r => r.Record.Objects)]).ConfigureAwait(false);
            var now = _time.GetUtcNow();
            var writes = new List<StateWrite>();
            foreach (var removal in batch)
            {
                writes.Add(new StateWrite.DeleteAttachment(removal.Record.Key));
                foreach (var address in removal.Record.Attachment.Allocation.Addresses) writes.Add(new StateWrite.PutReleased(address.Address.ToString(), now));
            }

            await _store.WriteAsync([.. writes]).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // said and tried again
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogRemoveFailed(_log, e, batch.Count, batch[0].Record.Key);
            return false;
        }

        foreach (var removal in batch) Finish(removal);
        return true;
    }

    private async Task ReturnNicsAsync(AttachmentRecord record)
    {
        KernelObject.Nic[] nics = [.. record.Nics];
        if (nics.Length > 0) await _kernel.ReturnNicsAsync(nics, record.Attachment.Pod.NetNsPath, record.NetNsInode).ConfigureAwait(false);
    }

    private void Finish(Removal removal)
    {
        try
        {
            _plugins.FindProvider(removal.Record.Provider)?.Release(removal.Record.Attachment.Allocation, used: true);
        }
#pragma warning disable CA1031 // plugin code; its next start learns from the journal that the address is free
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogReleaseFailed(_log, e, removal.Record.Provider, removal.Record.Key);
        }

        lock (_lock)
        {
            _table.Remove(removal.Record);
            _pending.Remove(removal.Record.Key);
        }

        removal.Gone.SetResult();
    }

    private void RetryLater(Removal removal) => _ = Task.Delay(s_retryDelay, _time, _stop.Token).ContinueWith(
        _ => _queue.Writer.TryWrite(removal), _stop.Token, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);

    private sealed class Removal(AttachmentRecord record)
    {
        public AttachmentRecord Record => record;

        public TaskCompletionSource Journaled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Gone { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    [LoggerMessage(EventId = 3011, Level = LogLevel.Error, Message = "Attachment {Key} is not undone after {Seconds} s; going on in the background")]
    private static partial void LogUndoSlow(ILogger log, AttachmentKey key, double seconds);

    [LoggerMessage(EventId = 3010, Level = LogLevel.Error, Message = "{Count} attachments, {Key} among them, could not be taken away; trying again")]
    private static partial void LogRemoveFailed(ILogger log, Exception e, int count, AttachmentKey key);

    [LoggerMessage(EventId = 3012, Level = LogLevel.Error, Message = "Stage {Stage} could not let go of {Key}; trying again")]
    private static partial void LogStageFailed(ILogger log, Exception e, string? stage, AttachmentKey key);

    [LoggerMessage(EventId = 3013, Level = LogLevel.Error, Message = "{Provider} failed to take back the address of {Key}, which stays taken until the daemon is restarted")]
    private static partial void LogReleaseFailed(ILogger log, Exception e, string provider, AttachmentKey key);
}
