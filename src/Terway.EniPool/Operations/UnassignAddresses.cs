using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;
using Terway.EniPool.State;

namespace Terway.EniPool.Operations;

/// <summary>
/// Gives an ENI's leaving addresses back to the vSwitch. A call without a known outcome is repeated until it has one: an address that is about to
/// go must not come back into the pool because a look at the cloud still showed it.
/// </summary>
internal sealed class UnassignAddresses(PoolContext context)
{
    // Upstream's batch.
    private const int Batch = 10;

    public async Task RunAsync(PoolEni eni, CancellationToken cancellationToken)
    {
        try
        {
            for (var f = 0; f < context.Families.Count; f++)
            {
                if (context.Pool.Capacity.UsesPrefixes)
                {
                    await ReturnPrefixesAsync(eni, f, cancellationToken);
                    continue;
                }

                PoolAddress[] leaving;
                lock (context.Pool.Gate)
                {
                    leaving = [.. eni.Addresses.Where(a => a.Family == f && a.State == AddressState.Leaving)];
                }

                foreach (var batch in leaving.Chunk(Batch))
                {
                    await RequestAsync(eni, context.Families[f], batch, cancellationToken);
                }
            }

            context.Failures.Recovered(Backoffs.Eni(eni.Id));

            // The vSwitch has addresses again.
            context.Failures.Recovered(Backoffs.VSwitch(eni.VSwitchId));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.UnassignFailed(context.Log, e, eni.Id);
            context.Failures.OnEni(eni, e);
            if (e is CloudException refusal && !FailurePolicy.IsOutcomeUnknown(refusal))
            {
                // Refused: they stay.
                lock (context.Pool.Gate)
                {
                    eni.Saved = false;
                    foreach (var address in eni.Addresses.Where(a => a.State == AddressState.Leaving).ToArray())
                    {
                        context.Pool.Settle(eni, address);
                    }

                    context.Pool.ServeWaiters(context.Clock.Now);
                }
            }
        }
    }

    private async Task RequestAsync(PoolEni eni, IAddressFamily family, PoolAddress[] batch, CancellationToken cancellationToken)
    {
        // On disk they are leaving before the call: a later life repeats it.
        await context.Journal.SaveAsync(eni, EniRecord.InUse, cancellationToken);
        await family.UnassignAsync(eni.Id, [.. batch.Select(a => a.Ip)], cancellationToken);
        lock (context.Pool.Gate)
        {
            context.Pool.RemoveReturned(eni, batch);
            eni.ChangedAt = context.Clock.Now;
        }

        Log.Unassigned(context.Log, batch.Length, eni.Id);
        await context.Journal.SaveAsync(eni, EniRecord.InUse, cancellationToken);
    }

    private async Task ReturnPrefixesAsync(PoolEni eni, int family, CancellationToken cancellationToken)
    {
        PoolPrefix[] leaving;
        lock (context.Pool.Gate)
        {
            leaving = [.. eni.Prefixes.Where(p => p.Family == family && p.All(AddressState.Leaving))];
        }

        foreach (var batch in leaving.Chunk(Batch))
        {
            await context.Journal.SaveAsync(eni, EniRecord.InUse, cancellationToken);
            await context.Families[family].UnassignPrefixesAsync(eni.Id, [.. batch.Select(p => p.Network)], cancellationToken);
            lock (context.Pool.Gate)
            {
                context.Pool.RemoveReturned(eni, batch);
                eni.ChangedAt = context.Clock.Now;
            }

            Log.Unassigned(context.Log, batch.Sum(p => p.Addresses.Count), eni.Id);
            await context.Journal.SaveAsync(eni, EniRecord.InUse, cancellationToken);
        }
    }
}
