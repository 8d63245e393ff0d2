using Terway.EniPool.Operations;
using Terway.EniPool.Pool;

namespace Terway.EniPool.Scaling;

/// <summary>
/// The pool's only loop. It sleeps until something happened (a pod came or went, an operation ended, a time was reached), then decides everything
/// afresh from the pool's state and starts the operations. What fails is not repeated by the operation, but by the next decision.
/// </summary>
internal sealed class PoolWorker : IAsyncDisposable
{
    private static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(50);
    private const int MaxGathers = 6;

    private readonly PoolContext _context;
    private readonly WakeSignal _signal;
    private readonly CancellationTokenSource _stopping;
    private readonly OperationSet _operations;
    private readonly Starvation _starvation;
    private readonly HoldFindings _holds;
    private readonly ITimer _timer;
    private readonly CreateEni _create;
    private readonly Upkeep _upkeep;
    private readonly Scaler _scaler;
    private Task _loop = Task.CompletedTask;
    private int _seenArrivals;
    private bool _starvationShown;
    private long _decided = -1;

    public PoolWorker(PoolContext context, WakeSignal signal, CancellationTokenSource stopping)
    {
        _context = context;
        _signal = signal;
        _stopping = stopping;
        _operations = new OperationSet(signal.Raise, e => Log.WorkerFailed(context.Log, e), stopping.Token);
        _starvation = new Starvation(context.Pool, context.Backoffs, context.Settings, context.Clock, context.Calls);
        _holds = new HoldFindings(context);
        _timer = context.Time.CreateTimer(static s => ((WakeSignal)s!).Raise(), signal, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        var bringUp = new BringUp(context);
        var unassign = new UnassignAddresses(context);
        var delete = new DeleteEni(context);
        _create = new(context, bringUp);
        _upkeep = new(context, bringUp, unassign, delete);
        _scaler = new(context, _create, unassign, delete);
    }

    /// <summary>Why no pod can be served now nor will be by itself.</summary>
    public string? Exhausted => _starvation.Exhausted;

    /// <summary>Nothing is under way and nothing to decide: only time or a caller changes anything. For tests.</summary>
    internal bool IsSettled
    {
        get
        {
            lock (_context.Pool.Gate)
            {
                return _operations.IsEmpty && _decided == _signal.Raised;
            }
        }
    }

    public void Start() => _loop = Task.Run(LoopAsync);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _loop;
        await _operations.DrainAsync();
        await _timer.DisposeAsync();
        _create.Dispose();
        _context.Dispose();
    }

    private async Task LoopAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await GatherAsync();
                var seen = _signal.Raised;
                Decide();
                lock (_context.Pool.Gate)
                {
                    _decided = seen;
                }

                await _signal.WaitAsync(_stopping.Token);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // A defect here must not leave the node without addresses: told, and tried again.
                Log.WorkerFailed(_context.Log, e);
                await Task.Delay(TimeSpan.FromSeconds(1), _context.Time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Pods come in bursts: while more of them keep coming, they are counted before the cloud is asked.</summary>
    private async Task GatherAsync()
    {
        for (var i = 0; i < MaxGathers; i++)
        {
            lock (_context.Pool.Gate)
            {
                if (_context.Pool.Waiters.Count == 0 || _context.Pool.Arrivals == _seenArrivals)
                {
                    return;
                }

                _seenArrivals = _context.Pool.Arrivals;
            }

            await Task.Delay(s_gather, _context.Time, _stopping.Token);
        }
    }

    private void Decide()
    {
        var work = new WorkList(_context, _stopping.Token);
        Finding? starved;
        IReadOnlyList<string> past;
        bool relaxed;
        lock (_context.Pool.Gate)
        {
            var now = _context.Clock.Now;
            _context.Pool.ServeWaiters(now);
            _upkeep.Plan(work, now);
            _scaler.PlanGrowth(work, now);
            past = _scaler.IsSyncDue(now) ? _context.Backoffs.Forget(_context.Settings.SyncPeriod) : [];
            _scaler.PlanShrink(work, now);
            starved = _starvation.Relieve(now);
            relaxed = _context.Pool.Usable(now) > 0;
            ArmTimer(now);
        }

        work.StartAll(_operations);
        foreach (var key in past)
        {
            _context.Findings.Clear(key);
        }

        ShowStarvation(starved, relaxed);
        _holds.Update();
    }

    private void ShowStarvation(Finding? starved, bool relaxed)
    {
        if (starved is not null)
        {
            _starvationShown = true;
            _context.Findings.Set("cooldown", starved);
        }
        else if (relaxed && _starvationShown)
        {
            _starvationShown = false;
            _context.Findings.Clear("cooldown");
        }
    }

    /// <summary>Caller holds the pool's lock.</summary>
    private void ArmTimer(TimeSpan now)
    {
        var due = _scaler.NextAt;
        Sooner(_upkeep.NextAt);
        Sooner(_context.Backoffs.NextExpiry());
        if (_context.Pool.Waiters.First is { } first)
        {
            Sooner(first.Value.Deadline);

            // Of others nothing is given, however cool it is: that would be a time in the past, again and again.
            foreach (var eni in _context.Pool.Enis.Where(e => e.IsOpen))
            {
                Sooner(eni.OldestRelease() is { } released && released > TimeSpan.MinValue ? released + _context.Pool.Cooldown : null);
            }
        }

        var wait = due - now;
        _timer.Change(wait < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : wait, Timeout.InfiniteTimeSpan);

        void Sooner(TimeSpan? at)
        {
            // What is due by now has just been looked at: what could not be done then waits for something else than time.
            if (at is { } time && time > now && time < due)
            {
                due = time;
            }
        }
    }
}
