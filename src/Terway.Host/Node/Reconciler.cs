using Microsoft.Extensions.Logging;
using Terway.Host.Kernel;
using Terway.Host.Observability;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Node;

/// <summary>
/// Keeps kernel and journal together. At start it finishes what was begun, repairs what is broken and removes what is nobody's; afterwards it
/// repairs what is missing as soon as it hears of it, and compares everything every now and then for what nobody tells of.
/// </summary>
internal sealed class Reconciler : IAsyncDisposable
{
    /// <summary>How often all is compared without a reason.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(2);

    // Who flushes a table removes objects one by one: one comparison for all of them.
    private static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(20);

    // Somebody who removes things in a loop must not keep a processor busy here: a repair within a second is what is promised.
    private static readonly TimeSpan s_spacing = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan s_firstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestRetry = TimeSpan.FromMinutes(1);
    private const string FindingPath = "reconciler";

    private readonly StateStore _store;
    private readonly AttachmentTable _table;
    private readonly INodeKernel _kernel;
    private readonly PodDetacher _detacher;
    private readonly NodeObjects _nodeObjects;
    private readonly PodRepair _pods;
    private readonly NodeReadiness _readiness;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _noticed = new(0);
    private readonly CancellationTokenSource _stop = new();
    private int _raised;
    private Task _loop = Task.CompletedTask;

    public Reconciler(
        StateStore store, AttachmentTable table, PodDetacher detacher, INodeKernel kernel, NodeObjects nodeObjects, ActivePlugins plugins,
        NodeReadiness readiness, TimeProvider time, ILogger<Reconciler> log)
    {
        _store = store;
        _table = table;
        _kernel = kernel;
        _detacher = detacher;
        _nodeObjects = nodeObjects;
        _pods = new PodRepair(table, detacher, kernel, plugins, log);
        _readiness = readiness;
        _time = time;
        _log = log;
    }

    /// <summary>Before any call is served, and after the plugins made their node objects again.</summary>
    /// <param name="attachments">All that the journal holds.</param>
    /// <param name="cancellationToken">Ends the work between two pods.</param>
    public async Task RunAtStartAsync(IReadOnlyList<(AttachmentRecord Record, AttachmentPhase Phase)> attachments, CancellationToken cancellationToken)
    {
        foreach (var (record, phase) in attachments) _table.Put(record, phase);
        await _nodeObjects.ReleaseOutlivedAsync(cancellationToken).ConfigureAwait(false);
        var unfinished = 0;
        foreach (var (record, phase) in attachments)
        {
            if (phase == AttachmentPhase.Attached) continue;
            unfinished++;
            // Adding: the runtime heard no success and makes a new sandbox. Detaching: it heard success.
            _detacher.Resume(record);
        }

        var pods = await _pods.RunAsync(reclaim: false, cancellationToken).ConfigureAwait(false);
        var removed = await RemoveUnplannedAsync().ConfigureAwait(false);
        ReconcileMetrics.Repaired("pod", pods.Repaired);
        HostLog.Reconciled(_log, attachments.Count - unfinished, unfinished, pods.Repaired, removed);
    }

    /// <summary>From now on repairs what <see cref="Notice"/> tells of, and compares all every <see cref="Period"/>.</summary>
    public void Start() => _loop = Task.Run(LoopAsync);

    /// <summary>Something that a plan holds may be missing. Thread-safe, returns at once.</summary>
    public void Notice()
    {
        if (Interlocked.Exchange(ref _raised, 1) == 0) _noticed.Release();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        _noticed.Dispose();
    }

    private async Task LoopAsync()
    {
        var wholeAt = _time.GetTimestamp();
        var retry = TimeSpan.Zero;
        try
        {
            while (true)
            {
                var due = Period - _time.GetElapsedTime(wholeAt);
                if (retry > TimeSpan.Zero && retry < due) due = retry;
                if (await WaitAsync(due).ConfigureAwait(false)) await Task.Delay(s_gather, _time, _stop.Token).ConfigureAwait(false);
                Volatile.Write(ref _raised, 0);
                var whole = _time.GetElapsedTime(wholeAt) >= Period;
                if (whole) wholeAt = _time.GetTimestamp();
                var clean = await PassAsync(whole).ConfigureAwait(false);
                retry = clean ? TimeSpan.Zero : retry == TimeSpan.Zero ? s_firstRetry : retry * 2 < s_longestRetry ? retry * 2 : s_longestRetry;
                await Task.Delay(s_spacing, _time, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The daemon stops; the next start compares everything.
        }
    }

    private async Task<bool> WaitAsync(TimeSpan limit)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        using var timer = _time.CreateTimer(static t => ((CancellationTokenSource)t!).Cancel(), timeout, limit > TimeSpan.Zero ? limit : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        try
        {
            await _noticed.WaitAsync(timeout.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            return false;
        }
    }

    // False when something could not be repaired and is to be tried again soon.
    private async Task<bool> PassAsync(bool whole)
    {
        try
        {
            await _nodeObjects.ReleaseOutlivedAsync(_stop.Token).ConfigureAwait(false);
            // The node's own first: a pod's traffic goes through it.
            var (repaired, failed) = await _nodeObjects.RepairAsync(_stop.Token).ConfigureAwait(false);
            ReconcileMetrics.Repaired("node", repaired.Count);
            foreach (var what in repaired) HostLog.NodeRepaired(_log, what);
            var pods = await _pods.RunAsync(reclaim: whole, _stop.Token).ConfigureAwait(false);
            ReconcileMetrics.Repaired("pod", pods.Repaired);
            if (whole && await RemoveUnplannedAsync().ConfigureAwait(false) is > 0 and var removed) HostLog.UnplannedRemoved(_log, removed);
            string[] open = [.. failed, .. pods.Failed];
            _readiness.Report(FindingPath, open.Length == 0 ? null : new Finding(
                FindingSeverity.Warning, $"{open.Length} network objects cannot be repaired: {open[0]}",
                "it is tried again; look for the program that removed them or holds their names"));
            foreach (var what in failed) HostLog.NodeRepairFailed(_log, what);
            return open.Length == 0;
        }
#pragma warning disable CA1031 // the loop must go on: told, and tried again
        catch (Exception e) when (!_stop.IsCancellationRequested)
#pragma warning restore CA1031
        {
            HostLog.PassFailed(_log, e);
            return false;
        }
    }

    private async Task<int> RemoveUnplannedAsync()
    {
        // Every plan is journaled before it is made. In the life of a new state file what no plan has may stem from the one before it, and be in
        // use until the plugins have asked the cloud which ENIs there are.
        if (!StateRecovery.IsDone(_store)) return 0;
        var removed = await _kernel.RemoveUnplannedAsync(() => [.. _nodeObjects.Plans, .. _table.All.Select(static a => a.Record.Objects)]).ConfigureAwait(false);
        ReconcileMetrics.Removed("unplanned", removed);
        return removed;
    }
}
