using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Terway.Host.Kernel;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Pods;

/// <summary>
/// Takes attachments away. A DEL is answered once the intent is on disk; the kernel work follows in the background, many links at a time, since
/// the kernel waits tens of milliseconds for every removal of a link but no longer for a hundred of them. An address goes back to its pool only
/// after that.
/// </summary>
internal sealed partial class PodDetacher : IAsyncDisposable
{
    private const int BatchLimit = 256;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan UndoTimeout = TimeSpan.FromSeconds(5);

    private readonly ActivePlugins _plugins;
    private readonly AttachmentTable _table;
    private readonly StateStore _store;
    private readonly INodeKernel _kernel;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    // As many as there are attachments: bounded by the node's addresses.
    private readonly Channel<AttachmentRecord> _queue = Channel.CreateUnbounded<AttachmentRecord>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentDictionary<AttachmentKey, TaskCompletionSource> _pending = new();
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
    public int PendingCount => _pending.Count;

    /// <summary>Journals that the attachment goes, and leaves the rest to the background. The caller holds its fence.</summary>
    public async Task DetachAsync(AttachmentRecord record)
    {
        if (_pending.ContainsKey(record.Key)) return;
        await _store.WriteAsync(new StateWrite.SetPhase(record.Key, AttachmentPhase.Detaching)).ConfigureAwait(false);
        Enqueue(record);
    }

    /// <summary>Takes away what the previous life of the daemon left in phase Adding or Detaching.</summary>
    public void Resume(AttachmentRecord record) => Enqueue(record);

    /// <summary>Undoes a failed ADD and waits for it, so that the runtime's next try does not meet its own remains.</summary>
    public async Task UndoAsync(AttachmentRecord record)
    {
        // The journal still says Adding, which the next start undoes as well: no write is needed before the work.
        Enqueue(record);
        try
        {
            await WaitGoneAsync(record, CancellationToken.None).WaitAsync(UndoTimeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The background goes on trying; the address stays taken meanwhile.
            LogUndoSlow(_log, record.Key, UndoTimeout.TotalSeconds);
        }
    }

    /// <summary>Waits until a detaching attachment is gone from kernel and journal.</summary>
    public Task WaitGoneAsync(AttachmentRecord record, CancellationToken cancellationToken) =>
        _pending.TryGetValue(record.Key, out var gone) ? gone.Task.WaitAsync(cancellationToken) : Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private void Enqueue(AttachmentRecord record)
    {
        if (!_pending.TryAdd(record.Key, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))) return;
        _table.Put(record, AttachmentPhase.Detaching);
        _queue.Writer.TryWrite(record);
    }

    private async Task RunAsync()
    {
        var batch = new List<AttachmentRecord>();
        try
        {
            while (await _queue.Reader.WaitToReadAsync(_stop.Token).ConfigureAwait(false))
            {
                batch.Clear();
                while (batch.Count < BatchLimit && _queue.Reader.TryRead(out var record)) batch.Add(record);
                await RemoveUntilGoneAsync(batch).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping: the journal says Detaching, the next start goes on.
        }
    }

    private async Task RemoveUntilGoneAsync(List<AttachmentRecord> batch)
    {
        while (true)
        {
            try
            {
                await RemoveAsync(batch).ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogRemoveFailed(_log, e, batch.Count);
            }

            await Task.Delay(RetryDelay, _time, _stop.Token).ConfigureAwait(false);
        }
    }

    private async Task RemoveAsync(List<AttachmentRecord> batch)
    {
        foreach (var record in batch)
        {
            foreach (var stage in _plugins.Stages.Reverse()) await stage.DetachAsync(record.Attachment, _stop.Token).ConfigureAwait(false);
        }

        await _kernel.RemoveAsync([.. batch.Select(static r => r.Objects)]).ConfigureAwait(false);
        var now = _time.GetUtcNow();
        var writes = new List<StateWrite>();
        foreach (var record in batch)
        {
            writes.Add(new StateWrite.DeleteAttachment(record.Key));
            foreach (var address in record.Attachment.Allocation.Addresses) writes.Add(new StateWrite.PutReleased(address.Address.ToString(), now));
        }

        await _store.WriteAsync([.. writes]).ConfigureAwait(false);
        foreach (var record in batch)
        {
            _table.Remove(record);
            _plugins.FindProvider(record.Provider)?.Release(record.Attachment.Allocation, used: true);
            if (_pending.TryRemove(record.Key, out var gone)) gone.SetResult();
        }
    }

    [LoggerMessage(EventId = 3011, Level = LogLevel.Error, Message = "Attachment {Key} is not undone after {Seconds} s; going on in the background")]
    private static partial void LogUndoSlow(ILogger log, AttachmentKey key, double seconds);

    [LoggerMessage(EventId = 3010, Level = LogLevel.Error, Message = "{Count} attachments could not be taken away; trying again")]
    private static partial void LogRemoveFailed(ILogger log, Exception e, int count);
}
