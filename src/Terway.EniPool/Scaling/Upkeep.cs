using Terway.EniPool.Operations;
using Terway.EniPool.Pool;

namespace Terway.EniPool.Scaling;

/// <summary>What is to be done whatever the demand: the node's kernel objects, ENIs on their way, calls without a known outcome, the inventory.</summary>
internal sealed class Upkeep(PoolContext context, BringUp bringUp, UnassignAddresses unassign, DeleteEni delete)
{
    private static readonly TimeSpan s_inventoryPeriod = TimeSpan.FromMinutes(30);

    private readonly RefreshEni _refresh = new(context);
    private readonly ResolveCreate _resolve = new(context);
    private readonly Inventory _inventory = new(context);
    private readonly HashSet<string> _resolving = [];
    private TimeSpan _inventoryAt;
    private bool _inventoryRuns;
    private bool _nodeReady;
    private bool _nodeRuns;

    /// <summary>When to look again at the latest.</summary>
    public TimeSpan? NextAt => context.Pool.Inventoried ? _inventoryAt : null;

    /// <summary>Caller holds the pool's lock.</summary>
    public void Plan(WorkList work, TimeSpan now)
    {
        PlanNode(work);
        foreach (var eni in context.Pool.Enis)
        {
            if (!eni.Busy && !context.Backoffs.IsBlocked(Backoffs.Eni(eni.Id)))
            {
                PlanEni(work, eni);
            }
        }

        PlanUnresolved(work);
        PlanInventory(work, now);
    }

    private void PlanEni(WorkList work, PoolEni eni)
    {
        switch (eni.State)
        {
            case EniState.Starting or EniState.Attaching when _nodeReady:
                work.Occupy(eni, t => bringUp.RunAsync(eni, attachStarted: false, t));
                break;
            case EniState.Ready when eni.LinkGone:
                eni.LinkGone = false;
                eni.State = EniState.Attaching;
                work.Occupy(eni, t => bringUp.RunAsync(eni, attachStarted: false, t));
                break;
            case EniState.Deleting:
                work.Occupy(eni, t => delete.RunAsync(eni, t));
                break;
            case EniState.Lost when !eni.HasInUse:
                work.Occupy(eni, t => delete.ForgetAsync(eni, t));
                break;
            case EniState.Ready when eni is { Hold: EniHold.Excluded, HasInUse: false }:
                work.Occupy(eni, t => delete.ForgetAsync(eni, t));
                break;
            case EniState.Ready when eni.NeedsRefresh:
                work.Occupy(eni, t => _refresh.RunAsync(eni, t));
                break;
            case EniState.Ready when eni.Hold != EniHold.Excluded && eni.Addresses.Any(a => a.State == AddressState.Leaving):
                work.Occupy(eni, t => unassign.RunAsync(eni, t));
                break;
            case EniState.Ready when !eni.Saved:
                work.Occupy(eni, t => _refresh.SaveAsync(eni, t));
                break;
            default:
                break;
        }
    }

    private void PlanNode(WorkList work)
    {
        if (_nodeReady || _nodeRuns || context.Backoffs.IsBlocked(NodeObjects.NodeKey))
        {
            return;
        }

        _nodeRuns = true;
        work.Add(async () =>
        {
            try
            {
                await context.Host.EnsureNodeObjectsAsync(NodeObjects.NodeKey, NodeObjects.ForNode(context.Families), work.Stopping);
                context.Failures.Recovered(NodeObjects.NodeKey);
                _nodeReady = true;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                TimeSpan wait;
                lock (context.Pool.Gate)
                {
                    wait = context.Backoffs.Fail(NodeObjects.NodeKey, e);
                }

                context.Findings.Set(NodeObjects.NodeKey, new(FindingSeverity.Error, e.Message, $"tried again after {wait.TotalSeconds:0} s"));
            }
            finally
            {
                _nodeRuns = false;
            }
        });
    }

    private void PlanUnresolved(WorkList work)
    {
        foreach (var (token, at) in context.Pool.UnresolvedCreates)
        {
            if (!context.Backoffs.IsBlocked(Backoffs.Intent(token)) && _resolving.Add(token))
            {
                work.Add(async () =>
                {
                    try
                    {
                        await _resolve.RunAsync(token, at, work.Stopping);
                    }
                    finally
                    {
                        lock (context.Pool.Gate)
                        {
                            _resolving.Remove(token);
                        }
                    }
                });
            }
        }
    }

    private void PlanInventory(WorkList work, TimeSpan now)
    {
        if (_inventoryRuns || context.Backoffs.IsBlocked(Backoffs.Inventory) || (context.Pool.Inventoried && now < _inventoryAt))
        {
            return;
        }

        _inventoryRuns = true;
        _inventoryAt = now + (s_inventoryPeriod * (0.8 + (0.4 * Random.Shared.NextDouble())));
        work.Add(async () =>
        {
            try
            {
                await _inventory.RunAsync(work.Stopping);
            }
            finally
            {
                _inventoryRuns = false;
            }
        });
    }
}
