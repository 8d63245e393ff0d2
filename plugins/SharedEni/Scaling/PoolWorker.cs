using Terway.Plugins.SharedEni.Operations;
using Terway.Plugins.SharedEni.Pool;

namespace Terway.Plugins.SharedEni.Scaling;

/// <summary>
/// The pool's only loop. It sleeps until something happened (a pod came or went, an operation ended, a time was reached), then decides everything
/// afresh from the pool's state and starts the operations. What fails is not repeated by the operation, but by the next decision.
/// </summary>
internal sealed class PoolWorker : IAsyncDisposable
{
    private static readonly TimeSpan s_inventoryPeriod = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(50);
    private const int MaxGathers = 6;

    private readonly PoolContext _context;
    private readonly WakeSignal _signal;
    private readonly CancellationTokenSource _stopping;
    private readonly HashSet<Task> _operations = [];
    private readonly Starvation _starvation;
    private readonly ITimer _timer;
    private readonly BringUp _bringUp;
    private readonly CreateEni _create;
    private readonly AssignAddresses _assign;
    private readonly UnassignAddresses _unassign;
    private readonly DeleteEni _delete;
    private readonly RefreshEni _refresh;
    private readonly ResolveCreate _resolve;
    private readonly Inventory _inventory;
    private readonly HashSet<string> _resolving = [];
    private Task _loop = Task.CompletedTask;
    private TimeSpan _syncAt;
    private TimeSpan _inventoryAt;
    private bool _inventoryRuns;
    private bool _nodeReady;
    private bool _nodeRuns;
    private int _seenArrivals;
    private int _starvedFindings;
    private long _decided = -1;

    public PoolWorker(PoolContext context, WakeSignal signal, CancellationTokenSource stopping)
    {
        _context = context;
        _signal = signal;
        _stopping = stopping;
        _starvation = new Starvation(context.Pool, context.Backoffs, context.Settings, context.Clock);
        _timer = context.Time.CreateTimer(static s => ((WakeSignal)s!).Raise(), signal, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _bringUp = new(context);
        _create = new(context, _bringUp);
        _assign = new(context);
        _unassign = new(context);
        _delete = new(context);
        _refresh = new(context);
        _resolve = new(context);
        _inventory = new(context);
        _syncAt = context.Clock.Now + context.Settings.SyncPeriod;
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
                return _operations.Count == 0 && _decided == _signal.Raised;
            }
        }
    }

    public void Start() => _loop = Task.Run(LoopAsync);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _loop;
        Task[] running;
        lock (_context.Pool.Gate)
        {
            running = [.. _operations];
        }

        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
        var work = new List<Func<Task>>();
        Finding? starved;
        IReadOnlyList<string> past;
        bool relaxed;
        lock (_context.Pool.Gate)
        {
            var now = _context.Clock.Now;
            _context.Pool.ServeWaiters(now);
            PlanNode(work);
            PlanEnis(work);
            PlanUnresolved(work);
            PlanInventory(work, now);
            PlanGrowth(work, now);
            past = now >= _syncAt ? _context.Backoffs.Forget(_context.Settings.SyncPeriod) : [];
            PlanShrink(work, now);
            starved = _starvation.Relieve(now);
            relaxed = _context.Pool.Usable(now) > 0;
            ArmTimer(now);
        }

        // Operations start outside of the lock, but each is known before any of them can end.
        foreach (var start in work)
        {
            Launch(start);
        }

        foreach (var key in past)
        {
            _context.Findings.Clear(key);
        }

        if (starved is not null)
        {
            _starvedFindings++;
            _context.Findings.Set("cooldown", starved);
        }
        else if (relaxed && _starvedFindings > 0)
        {
            _starvedFindings = 0;
            _context.Findings.Clear("cooldown");
        }
    }

    private void PlanNode(List<Func<Task>> work)
    {
        if (_nodeReady || _nodeRuns || _context.Backoffs.IsBlocked(NodeObjects.NodeKey))
        {
            return;
        }

        _nodeRuns = true;
        work.Add(async () =>
        {
            try
            {
                await _context.Host.EnsureNodeObjectsAsync(NodeObjects.NodeKey, NodeObjects.ForNode(_context.Families), _stopping.Token);
                _context.Failures.Recovered(NodeObjects.NodeKey);
                _nodeReady = true;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                TimeSpan wait;
                lock (_context.Pool.Gate)
                {
                    wait = _context.Backoffs.Fail(NodeObjects.NodeKey, e);
                }

                _context.Findings.Set(NodeObjects.NodeKey, new(FindingSeverity.Error, e.Message, $"tried again after {wait.TotalSeconds:0} s"));
            }
            finally
            {
                _nodeRuns = false;
            }
        });
    }

    private void PlanEnis(List<Func<Task>> work)
    {
        foreach (var eni in _context.Pool.Enis)
        {
            if (eni.Busy || _context.Backoffs.IsBlocked(Backoffs.Eni(eni.Id)))
            {
                continue;
            }

            switch (eni.State)
            {
                case EniState.Starting or EniState.Attaching when _nodeReady:
                    Occupy(work, eni, t => _bringUp.RunAsync(eni, attachStarted: false, t));
                    break;
                case EniState.Deleting:
                    Occupy(work, eni, t => _delete.RunAsync(eni, t));
                    break;
                case EniState.Lost when !eni.HasInUse:
                    Occupy(work, eni, t => _delete.ForgetAsync(eni, t));
                    break;
                case EniState.Ready when eni.NeedsRefresh:
                    Occupy(work, eni, t => _refresh.RunAsync(eni, t));
                    break;
                case EniState.Ready when eni.Addresses.Any(a => a.State == AddressState.Leaving):
                    Occupy(work, eni, t => _unassign.RunAsync(eni, t));
                    break;
                case EniState.Ready when !eni.Saved:
                    Occupy(work, eni, t => _refresh.SaveAsync(eni, t));
                    break;
                default:
                    break;
            }
        }
    }

    private void PlanUnresolved(List<Func<Task>> work)
    {
        foreach (var (token, at) in _context.Pool.UnresolvedCreates)
        {
            if (!_context.Backoffs.IsBlocked(Backoffs.Intent(token)) && _resolving.Add(token))
            {
                work.Add(async () =>
                {
                    try
                    {
                        await _resolve.RunAsync(token, at, _stopping.Token);
                    }
                    finally
                    {
                        lock (_context.Pool.Gate)
                        {
                            _resolving.Remove(token);
                        }
                    }
                });
            }
        }
    }

    private void PlanInventory(List<Func<Task>> work, TimeSpan now)
    {
        if (_inventoryRuns || _context.Backoffs.IsBlocked(Backoffs.Inventory) || (_context.Pool.Inventoried && now < _inventoryAt))
        {
            return;
        }

        _inventoryRuns = true;
        _inventoryAt = now + (s_inventoryPeriod * (0.8 + (0.4 * Random.Shared.NextDouble())));
        work.Add(async () =>
        {
            try
            {
                await _inventory.RunAsync(_stopping.Token);
            }
            finally
            {
                _inventoryRuns = false;
            }
        });
    }

    private void PlanGrowth(List<Func<Task>> work, TimeSpan now)
    {
        var plan = GrowthPlan.Compute(_context.Pool, _context.Backoffs, _context.Settings.VSwitches, now);
        foreach (var assign in plan.Assigns)
        {
            assign.Eni.PendingSlots = assign.Slots;
            Occupy(work, assign.Eni, t => _assign.RunAsync(assign.Eni, assign.Counts, t));
        }

        foreach (var slots in plan.Creates)
        {
            _context.Pool.CreatingEnis++;
            _context.Pool.CreatingSlots += slots;
            work.Add(() => _create.RunAsync(slots, _stopping.Token));
        }
    }

    private void PlanShrink(List<Func<Task>> work, TimeSpan now)
    {
        if (now < _syncAt)
        {
            return;
        }

        _syncAt = now + _context.Settings.SyncPeriod;
        if (!_context.Pool.Inventoried)
        {
            return;
        }

        var plan = ShrinkPlan.Compute(_context.Pool, _context.Settings, now);
        foreach (var eni in plan.Deletes)
        {
            eni.State = EniState.Deleting;
            eni.Saved = false;
            Occupy(work, eni, t => _delete.RunAsync(eni, t));
        }

        foreach (var unassign in plan.Unassigns)
        {
            foreach (var address in unassign.Addresses.SelectMany(a => a))
            {
                unassign.Eni.MakeBusy(address, AddressState.Leaving);
            }

            unassign.Eni.Saved = false;
            Occupy(work, unassign.Eni, t => _unassign.RunAsync(unassign.Eni, t));
        }
    }

    private void Occupy(List<Func<Task>> work, PoolEni eni, Func<CancellationToken, Task> operation)
    {
        eni.Busy = true;
        eni.Version++;
        work.Add(async () =>
        {
            try
            {
                await operation(_stopping.Token);
            }
            finally
            {
                lock (_context.Pool.Gate)
                {
                    eni.Busy = false;
                    eni.PendingSlots = 0;
                    eni.Version++;
                }
            }
        });
    }

    private void Launch(Func<Task> start)
    {
        Task? task = null;
        var known = new TaskCompletionSource();
        task = Task.Run(async () =>
        {
            await known.Task;
            try
            {
                await start();
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
            }
            catch (Exception e)
            {
                Log.WorkerFailed(_context.Log, e);
            }
            finally
            {
                lock (_context.Pool.Gate)
                {
                    _operations.Remove(task!);
                }

                _signal.Raise();
            }
        });
        lock (_context.Pool.Gate)
        {
            _operations.Add(task);
        }

        known.SetResult();
    }

    /// <summary>Caller holds the pool's lock.</summary>
    private void ArmTimer(TimeSpan now)
    {
        var due = _syncAt;
        Sooner(_context.Pool.Inventoried ? _inventoryAt : null);
        Sooner(_context.Backoffs.NextExpiry());
        if (_context.Pool.Waiters.First is { } first)
        {
            Sooner(first.Value.Deadline);
            foreach (var eni in _context.Pool.Enis)
            {
                Sooner(eni.OldestRelease() is { } released && released > TimeSpan.MinValue ? released + _context.Pool.Cooldown : null);
            }
        }

        var wait = due - now;
        _timer.Change(wait < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : wait, Timeout.InfiniteTimeSpan);

        void Sooner(TimeSpan? at)
        {
            if (at is { } time && time < due)
            {
                due = time;
            }
        }
    }
}
