using Terway.AlibabaCloud.Network;
using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;
using Terway.EniPool.State;

namespace Terway.EniPool.Operations;

/// <summary>
/// Detaches and deletes an ENI, wherever it stands, and forgets it when the cloud has. Nothing is deleted that turns out to be attached elsewhere.
/// </summary>
internal sealed class DeleteEni(PoolContext context)
{
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(4);

    // About 30 s of looking; the rest is left to the next try.
    private const int MaxLooks = 10;

    public async Task RunAsync(PoolEni eni, CancellationToken cancellationToken)
    {
        try
        {
            if (!eni.Saved)
            {
                await context.Journal.SaveAsync(eni, EniRecord.Deleting, cancellationToken);
            }

            await context.Host.RemoveNodeObjectsAsync(NodeObjects.EniKey(eni.Id), cancellationToken);
            if (!await RemoveAsync(eni, cancellationToken))
            {
                await ForgetAsync(eni, cancellationToken);
                return;
            }

            await context.Journal.ForgetAsync(eni, cancellationToken);
            lock (context.Pool.Gate)
            {
                context.Pool.RemoveEni(eni);
            }

            Log.EniGone(context.Log, eni.Id);
            context.Failures.Recovered(Backoffs.Eni(eni.Id));
            context.Failures.Recovered(Backoffs.VSwitch(eni.VSwitchId));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.DeleteFailed(context.Log, e, eni.Id);
            context.Failures.OnEni(eni, e);
        }
    }

    /// <summary>Forgets an ENI that is not ours any more, or not to be managed.</summary>
    public async Task ForgetAsync(PoolEni eni, CancellationToken cancellationToken)
    {
        try
        {
            await context.Host.RemoveNodeObjectsAsync(NodeObjects.EniKey(eni.Id), cancellationToken);
            await context.Journal.ForgetAsync(eni, cancellationToken);
            lock (context.Pool.Gate)
            {
                context.Pool.RemoveEni(eni);
                if (eni.State != EniState.Lost)
                {
                    // It still takes a place of the instance: count again.
                    context.Pool.Inventoried = false;
                }
            }

            context.Failures.Recovered(Backoffs.Eni(eni.Id));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.DeleteFailed(context.Log, e, eni.Id);
            context.Failures.OnEni(eni, e);
        }
    }

    /// <returns>False when its tags exclude it now: it stays where it is.</returns>
    private async Task<bool> RemoveAsync(PoolEni eni, CancellationToken cancellationToken)
    {
        var pause = TimeSpan.FromMilliseconds(500);
        bool detached = false, deleted = false;
        for (var look = 0; look < MaxLooks; look++)
        {
            var view = await context.Batch.DescribeAsync(eni.Id, cancellationToken);
            if (view is null && (deleted || !eni.IsNew(context.Clock.Now)))
            {
                return true;
            }

            if (view is null)
            {
                // Not listed yet: what was made a moment ago is not gone.
                await PauseAsync();
                continue;
            }

            if (view.InstanceId.Length > 0 && view.InstanceId != context.Host.Node.InstanceId)
            {
                Log.EniLost(context.Log, eni.Id, view.InstanceId);
                return true;
            }

            // What is detached already is not brought back.
            if (view.Status == EniStatus.InUse && !detached && !context.Tags.IsManaged(view))
            {
                Log.DeletionAborted(context.Log, eni.Id);
                return false;
            }

            if (view.Status == EniStatus.InUse && !detached)
            {
                await context.Cloud.DetachAsync(eni.Id, cancellationToken);
                detached = true;
            }
            else if (view.Status == EniStatus.Available && !deleted)
            {
                await context.Cloud.DeleteAsync(eni.Id, cancellationToken);
                deleted = true;
            }

            await PauseAsync();
        }

        async Task PauseAsync()
        {
            await Task.Delay(pause, context.Time, cancellationToken);
            pause = pause * 2 > s_longestPause ? s_longestPause : pause * 2;
        }

        throw new PodNetworkException("cloud", $"ENI {eni.Id} is still there", "its deletion is tried again", canRetry: true);
    }
}
