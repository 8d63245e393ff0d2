using Terway.EniPool.Pool;

namespace Terway.EniPool.Operations;

/// <summary>
/// Notices when the link of an ENI that serves pods goes away: somebody detached the ENI, or its device failed. No pod gets an address of it until
/// a look at the cloud has told what became of it. Where a pod takes the link along, that is no fault: it is watched again once the pod is gone.
/// </summary>
internal sealed class LinkGuard(PoolContext context)
{
    // A namespace that died hands its link back some time after its pod is gone.
    private static readonly TimeSpan s_return = TimeSpan.FromSeconds(10);

    /// <summary>Watches the ENI's link from now on, unless a pod has it; once for each time it comes. Caller holds the pool's lock.</summary>
    public void Watch(PoolEni eni, CancellationToken stopping)
    {
        if (!eni.LinkWatched && context.IsLinkOnNode(eni))
        {
            eni.LinkWatched = true;
            _ = WatchAsync(eni, stopping);
        }
    }

    private async Task WatchAsync(PoolEni eni, CancellationToken stopping)
    {
        bool fault, missed;
        do
        {
            try
            {
                missed = await WaitGoneAsync(eni, stopping);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            lock (context.Pool.Gate)
            {
                fault = eni.State == EniState.Ready && context.IsLinkOnNode(eni);
                if (!fault || missed)
                {
                    eni.LinkWatched = false;
                    eni.LinkGone = fault;
                }
            }
        }
        while (fault && !missed);

        if (fault)
        {
            Log.LinkGone(context.Log, eni.Id);
            context.Pool.Wake();
        }
    }

    /// <returns>False when a pod may have come for the link and gone since: whether it comes back is to be seen.</returns>
    private async Task<bool> WaitGoneAsync(PoolEni eni, CancellationToken stopping)
    {
        if (context.Kind.LinkGoesToPod)
        {
            try
            {
                await context.Host.WaitForLinkAsync(eni.Mac, s_return, stopping);
            }
            catch (TimeoutException)
            {
                return true;
            }
        }

        await context.Host.WaitForLinkGoneAsync(eni.Mac, stopping);
        return !context.Kind.LinkGoesToPod;
    }
}
