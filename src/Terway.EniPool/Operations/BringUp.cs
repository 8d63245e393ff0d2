using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Network;
using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;
using Terway.EniPool.State;

namespace Terway.EniPool.Operations;

/// <summary>
/// Brings an ENI to where pods can use it: attached for certain, its link there, its routing table made. Starts from whatever an earlier life, or
/// the cloud, left.
/// </summary>
internal sealed class BringUp(PoolContext context)
{
    private static readonly TimeSpan s_attachLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_linkAtStart = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_linkStep = TimeSpan.FromSeconds(10);

    private readonly LinkGuard _guard = new(context);

    /// <param name="eni">The ENI; the caller has made it busy.</param>
    /// <param name="attachStarted">The cloud has accepted the attachment already.</param>
    /// <param name="cancellationToken">Ends the work; it is taken up again at the next start.</param>
    public async Task RunAsync(PoolEni eni, bool attachStarted, CancellationToken cancellationToken)
    {
        try
        {
            if (eni.State == EniState.Starting && await FindLinkAsync(eni, s_linkAtStart, cancellationToken) is { } known)
            {
                await MakeReadyAsync(eni, known, cancellationToken);
                return;
            }

            SetState(eni, EniState.Attaching);
            if (!eni.Saved)
            {
                await context.Journal.SaveAsync(eni, EniRecord.Attaching, cancellationToken);
            }

            await AttachAsync(eni, attachStarted, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            GiveUp(eni, e);
        }
    }

    private async Task AttachAsync(PoolEni eni, bool attachStarted, CancellationToken cancellationToken)
    {
        var begun = context.Clock.Now;
        var fresh = attachStarted;
        var missing = 0;
        var pause = TimeSpan.FromMilliseconds(500);
        NodeLink? link = null;
        while (true)
        {
            if (attachStarted)
            {
                // The link comes when the attachment is through: no call is made to wait for it.
                link ??= await FindLinkAsync(eni, s_linkStep, cancellationToken);
            }

            var view = await context.Batch.DescribeAsync(eni.Id, cancellationToken);
            if (view is null && IsBelieved(eni, link, ++missing, context.Clock.Now - begun))
            {
                await PauseAsync();
                continue;
            }

            if (view is null || (view.InstanceId.Length > 0 && view.InstanceId != context.Host.Node.InstanceId))
            {
                Lose(eni, view);
                return;
            }

            switch (view.Status)
            {
                case EniStatus.InUse when link is not null:
                    if (!fresh)
                    {
                        context.Merge(eni, view);
                    }

                    await MakeReadyAsync(eni, link, cancellationToken);
                    return;
                // With its link there it is attached, whatever the list says.
                case EniStatus.Available when attachStarted && link is null:
                    throw new PodNetworkException(
                        "cloud", $"the attachment of ENI {eni.Id} was rolled back", "the ENI is deleted and another one made", canRetry: true);
                case EniStatus.Available when !attachStarted:
                    await context.Cloud.AttachAsync(eni.Id, cancellationToken);
                    attachStarted = true;
                    break;
                case EniStatus.Attaching or EniStatus.InUse when !attachStarted:
                    attachStarted = true;
                    break;
                default:
                    await PauseAsync();
                    break;
            }

            if (context.Clock.Now - begun > s_attachLimit)
            {
                throw new PodNetworkException(
                    "cloud", $"ENI {eni.Id} is {view.Status}{(link is null ? $" and no link has its MAC address {eni.Mac}" : "")} after {s_attachLimit.TotalMinutes} min",
                    "the ENI is deleted and another one made", canRetry: true);
            }
        }

        async Task PauseAsync()
        {
            await Task.Delay(pause, context.Time, cancellationToken);
            pause = pause * 2 > s_linkStep ? s_linkStep : pause * 2;
        }
    }

    // Lists of the cloud lag: an ENI that they do not show is still believed in while its link is there, while it is new, and for a moment anyway.
    private bool IsBelieved(PoolEni eni, NodeLink? link, int looks, TimeSpan since) =>
        since < s_attachLimit && (link is not null || eni.IsNew(context.Clock.Now) || looks < 3);

    private async Task MakeReadyAsync(PoolEni eni, NodeLink link, CancellationToken cancellationToken)
    {
        if (eni.Subnets.Count < context.Families.Count)
        {
            var info = await context.VSwitches.GetAsync(eni.VSwitchId, cancellationToken);
            if (info is null || info.Subnets.Any(s => s is null))
            {
                throw new PodNetworkException(
                    "cloud", $"vSwitch {eni.VSwitchId} of ENI {eni.Id} does not have every active address family",
                    "the ENI is left unused; give the vSwitch an IPv6 CIDR", canRetry: true);
            }

            lock (context.Pool.Gate)
            {
                eni.Subnets = [.. info.Subnets.Select(s => s!)];
                eni.Saved = false;
            }
        }

        // The link's index may be another one after a reboot, or when it was plugged again, and the table with it: made sure of every time.
        var objects = NodeObjects.ForEni(link, Tables(eni, link), eni.Subnets, context.Families, context.Host.Node, context.Settings);
        await context.Host.EnsureNodeObjectsAsync(NodeObjects.EniKey(eni.Id), objects, cancellationToken);
        if (eni.State != EniState.Starting || !eni.Saved)
        {
            await context.Journal.SaveAsync(eni, EniRecord.InUse, cancellationToken);
        }

        lock (context.Pool.Gate)
        {
            foreach (var address in eni.Addresses.Where(a => a.State == AddressState.Arriving).ToArray())
            {
                context.Pool.Settle(eni, address);
            }

            eni.State = EniState.Ready;
            _guard.Watch(eni, cancellationToken);
            context.Pool.ServeWaiters(context.Clock.Now);
        }

        context.Failures.Recovered(Backoffs.Eni(eni.Id));
        context.Failures.Recovered(Backoffs.Create);
        Log.EniReady(context.Log, eni.Id, link.Name, eni.Addresses.Count);
    }

    // Rules of pods that are on the ENI already name the table of the link it had then: it leads out by the present link as well, while they last.
    private int[] Tables(PoolEni eni, NodeLink link)
    {
        lock (context.Pool.Gate)
        {
            var table = NodeObjects.TableBase + link.Index;
            if (eni.Tables.LastOrDefault() != table)
            {
                if (!eni.HasInUse)
                {
                    eni.Tables.Clear();
                }

                eni.Tables.Remove(table);
                eni.Tables.Add(table);
                eni.Saved = false;
            }

            return [.. eni.Tables];
        }
    }

    private void Lose(PoolEni eni, Eni? view)
    {
        Log.EniLost(context.Log, eni.Id, view?.InstanceId ?? "nothing");
        SetState(eni, EniState.Lost);
        if (eni.HasInUse)
        {
            context.Findings.Set(Backoffs.Eni(eni.Id), new(
                FindingSeverity.Error, $"ENI {eni.Id} is no longer attached to this node, but pods use it", "delete these pods; new ones get other addresses"));
        }
    }

    private void GiveUp(PoolEni eni, Exception cause)
    {
        Log.BringUpFailed(context.Log, cause, eni.Id);
        bool remove;
        lock (context.Pool.Gate)
        {
            // A refusal that is no passing trouble, or trouble that does not pass: with another ENI it may go better.
            var hopeless = cause is PodNetworkException
                || (cause is CloudException { Code: CloudErrorCodes.EniPerInstanceLimitExceeded or CloudErrorCodes.EniNotFound })
                || (cause is CloudException && context.Backoffs.Failures(Backoffs.Eni(eni.Id)) >= 3);
            remove = hopeless && eni.Owned && !eni.HasInUse && eni.State == EniState.Attaching;
            if (remove)
            {
                eni.State = EniState.Deleting;
                eni.Saved = false;
                context.Backoffs.Clear(Backoffs.Eni(eni.Id));
            }
        }

        context.Pool.NoteFailure(remove ? context.Failures.OnCreate(eni.VSwitchId, cause) : context.Failures.OnEni(eni, cause));
    }

    private async Task<NodeLink?> FindLinkAsync(PoolEni eni, TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            return await context.Host.WaitForLinkAsync(eni.Mac, timeout, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private void SetState(PoolEni eni, EniState state)
    {
        lock (context.Pool.Gate)
        {
            eni.State = state;
        }
    }
}
