using Terway.AlibabaCloud.Network;
using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;

namespace Terway.EniPool.Operations;

/// <summary>
/// Compares what is known with what the cloud says: takes over ENIs that belong here, counts those that do not, finds addresses that came or went,
/// and ENIs of ours that nobody remembers.
/// </summary>
internal sealed class Inventory(PoolContext context)
{
    // Lists of the cloud may be older than what we did to an ENI.
    private static readonly TimeSpan s_lag = TimeSpan.FromSeconds(30);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Dictionary<string, int> versions;
        lock (context.Pool.Gate)
        {
            versions = context.Pool.Enis.Where(e => e is { State: EniState.Ready, Busy: false }).ToDictionary(e => e.Id, e => e.Version);
        }

        try
        {
            var attached = await context.Cloud.DescribeAsync(new() { InstanceId = context.Host.Node.InstanceId }, cancellationToken);
            var orphans = await context.Cloud.DescribeAsync(
                new() { Tags = context.Tags.Own, Status = EniStatus.Available }, cancellationToken);
            Apply(attached, orphans, versions);
            context.Failures.Recovered(Backoffs.Inventory);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.InventoryFailed(context.Log, e);
            TimeSpan wait;
            lock (context.Pool.Gate)
            {
                wait = context.Backoffs.Fail(Backoffs.Inventory, e);
            }

            context.Findings.Set(Backoffs.Inventory, new(
                FindingSeverity.Warning, $"the node's ENIs cannot be listed: {e.Message}", $"tried again after {wait.TotalSeconds:0} s"));
            context.Pool.NoteFailure(new(e, $"the list of ENIs is asked for again after {wait.TotalSeconds:0} s and the runtime retries the pod"));
        }
    }

    private bool IsUnchanged(PoolEni eni, Dictionary<string, int> versions) =>
        eni is { State: EniState.Ready, Busy: false, NeedsRefresh: false }
        && versions.TryGetValue(eni.Id, out var version) && version == eni.Version
        && (eni.ChangedAt is not { } at || context.Clock.Now - at > s_lag);

    private void Apply(IReadOnlyList<Eni> attached, IReadOnlyList<Eni> orphans, Dictionary<string, int> versions)
    {
        lock (context.Pool.Gate)
        {
            var foreign = 0;
            foreach (var view in attached)
            {
                if (view.Type == EniType.Primary || view.MacAddress == context.Host.Node.PrimaryMac)
                {
                    context.PrimarySecurityGroups = view.SecurityGroupIds;
                }
                else if (context.Pool.Find(view.NetworkInterfaceId) is { } known)
                {
                    if (IsUnchanged(known, versions) && context.Merge(known, view))
                    {
                        known.Saved = false;
                    }
                }
                else if (context.Tags.IsManaged(view) && view.Status is EniStatus.InUse or EniStatus.Attaching)
                {
                    Add(view, EniState.Attaching);
                }
                else if (view.Type != EniType.Member)
                {
                    foreign++;
                }
            }

            // Those that should be there and are not: the bring-up looks closer, and attaches them again when pods are on them. An excluded one is let go.
            var ids = attached.Select(v => v.NetworkInterfaceId).ToHashSet();
            foreach (var eni in context.Pool.Enis.Where(e => !ids.Contains(e.Id) && IsUnchanged(e, versions)))
            {
                eni.State = eni.Hold == EniHold.Excluded ? EniState.Lost : EniState.Attaching;
            }

            foreach (var view in orphans.Where(IsForgotten))
            {
                Log.Orphan(context.Log, view.NetworkInterfaceId);
                Add(view, EniState.Deleting);
            }

            context.Pool.ForeignEnis = foreign;
            context.Pool.Inventoried = true;
            context.Pool.ServeWaiters(context.Clock.Now);
        }
    }

    // Every creation by this node's daemon has an intent before it and a record after it: one that has neither is nobody's.
    private bool IsForgotten(Eni view) =>
        context.Tags.IsOwn(view) && context.Tags.IsManaged(view) && view.Status == EniStatus.Available && view.InstanceId.Length == 0
        && context.Pool.Find(view.NetworkInterfaceId) is null
        && context.Pool.CreatingEnis == 0
        && (EniTags.OperationOf(view) is not { } token || !context.Pool.UnresolvedCreates.ContainsKey(token));

    private void Add(Eni view, EniState state)
    {
        var owned = EniTags.IsTerways(view);
        var eni = new PoolEni(view.NetworkInterfaceId, view.MacAddress, view.VSwitchId, owned, context.Families.Count) { State = state };

        // What it carries counts as on its way from now on, so that nothing is asked for in its place.
        context.Merge(eni, view);
        context.Pool.AddEni(eni);
    }
}
