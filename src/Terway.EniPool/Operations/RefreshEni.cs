using Terway.AlibabaCloud.Network;
using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;
using Terway.EniPool.State;

namespace Terway.EniPool.Operations;

/// <summary>Asks the cloud what an ENI carries, after an operation without a known outcome.</summary>
internal sealed class RefreshEni(PoolContext context)
{
    public async Task RunAsync(PoolEni eni, CancellationToken cancellationToken)
    {
        try
        {
            var view = await context.Batch.DescribeAsync(eni.Id, cancellationToken);
            if (view is { Status: EniStatus.InUse } && view.InstanceId == context.Host.Node.InstanceId)
            {
                context.Merge(eni, view);
                await context.Journal.SaveAsync(eni, EniRecord.InUse, cancellationToken);
                lock (context.Pool.Gate)
                {
                    eni.NeedsRefresh = false;
                    context.Pool.ServeWaiters(context.Clock.Now);
                }
            }
            else
            {
                lock (context.Pool.Gate)
                {
                    eni.NeedsRefresh = false;
                    eni.State = EniState.Attaching;
                }
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.RefreshFailed(context.Log, e, eni.Id);
            context.Pool.NoteFailure(context.Failures.OnEni(eni, e));
        }
    }

    /// <summary>Brings the record of a ready ENI up to date.</summary>
    public async Task SaveAsync(PoolEni eni, CancellationToken cancellationToken)
    {
        try
        {
            await context.Journal.SaveAsync(eni, EniRecord.InUse, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            context.Failures.OnEni(eni, e);
        }
    }
}
