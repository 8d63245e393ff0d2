using Terway.EniPool.Pool;

namespace Terway.EniPool.Operations;

/// <summary>
/// Notices when the link of an ENI that serves pods goes away: somebody detached the ENI, or its device failed. No pod gets an address of it until
/// a look at the cloud has told what became of it.
/// </summary>
internal sealed class LinkGuard(PoolContext context)
{
    /// <summary>Watches the ENI's link from now on; once for each time it comes up. Caller holds the pool's lock.</summary>
    public void Watch(PoolEni eni, CancellationToken stopping)
    {
        if (!eni.LinkWatched)
        {
            eni.LinkWatched = true;
            _ = WatchAsync(eni, stopping);
        }
    }

    private async Task WatchAsync(PoolEni eni, CancellationToken stopping)
    {
        try
        {
            await context.Host.WaitForLinkGoneAsync(eni.Mac, stopping);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        lock (context.Pool.Gate)
        {
            eni.LinkWatched = false;
            eni.LinkGone = eni.State == EniState.Ready;
            if (!eni.LinkGone)
            {
                return;
            }
        }

        Log.LinkGone(context.Log, eni.Id);
        context.Pool.Wake();
    }
}
