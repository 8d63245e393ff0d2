using Terway.AlibabaCloud.Errors;
using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;
using Terway.EniPool.State;

namespace Terway.EniPool.Operations;

/// <summary>Adds addresses to an ENI: one call for each family.</summary>
internal sealed class AssignAddresses(PoolContext context)
{
    /// <param name="eni">The ENI; the caller has made it busy.</param>
    /// <param name="counts">By family; prefixes where prefixes are used.</param>
    /// <param name="cancellationToken">Ends the work; what became of it is looked up at the next start.</param>
    public async Task RunAsync(PoolEni eni, IReadOnlyList<int> counts, CancellationToken cancellationToken)
    {
        try
        {
            for (var f = 0; f < counts.Count; f++)
            {
                if (counts[f] > 0)
                {
                    await AssignAsync(eni, f, counts[f], cancellationToken);
                }
            }

            await context.Journal.SaveAsync(eni, EniRecord.InUse, cancellationToken);
            context.Failures.Recovered(Backoffs.Eni(eni.Id));
            context.Failures.Recovered(Backoffs.VSwitch(eni.VSwitchId));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.AssignFailed(context.Log, e, eni.Id);
            context.Pool.NoteFailure(context.Failures.OnEni(eni, e));
        }
        finally
        {
            lock (context.Pool.Gate)
            {
                eni.ChangedAt = context.Clock.Now;

                // What is not recorded is not handed out, but looked at again.
                if (eni.Saved)
                {
                    Settle(eni);
                }
                else
                {
                    eni.NeedsRefresh = true;
                }
            }
        }
    }

    private void Settle(PoolEni eni)
    {
        foreach (var address in eni.Addresses.Where(a => a.State == AddressState.Arriving).ToArray())
        {
            context.Pool.Settle(eni, address);
        }

        context.Pool.ServeWaiters(context.Clock.Now);
    }

    private async Task AssignAsync(PoolEni eni, int family, int count, CancellationToken cancellationToken)
    {
        try
        {
            await RequestAsync(eni, family, count, cancellationToken);
        }
        catch (CloudException e) when (CloudErrorCodes.IsVSwitchExhausted(e.Code) && count > 1)
        {
            var left = await context.VSwitches.AskAvailableAsync(eni.VSwitchId, cancellationToken) / context.Pool.Capacity.Unit;
            if (left <= 0 || left >= count)
            {
                throw;
            }

            await RequestAsync(eni, family, (int)left, cancellationToken);
        }
    }

    private async Task RequestAsync(PoolEni eni, int family, int count, CancellationToken cancellationToken)
    {
        var token = Guid.NewGuid().ToString("N");
        var key = PoolJournal.IntentKey(token);
        lock (context.Pool.Gate)
        {
            eni.Intents.Add(key);
            eni.Saved = false;
        }

        await context.Journal.WriteIntentAsync(
            new() { Token = token, Kind = IntentRecord.Assign, At = context.Clock.UtcNow, Eni = eni.Id, Count = count }, cancellationToken);
        int given;
        try
        {
            given = await context.Calls.CountAsync($"an assignment to ENI {eni.Id}", () => GetAsync(eni, family, count, token, cancellationToken));
        }
        catch (CloudException e) when (!FailurePolicy.IsOutcomeUnknown(e))
        {
            // Refused: nothing to look for. Earlier families' addresses are recorded with the same stroke.
            await context.Journal.SaveAsync(eni, EniRecord.InUse, cancellationToken);
            throw;
        }

        if (given == 0)
        {
            // Done, and nothing given: asked again at once it would go on for ever.
            await context.Journal.SaveAsync(eni, EniRecord.InUse, cancellationToken);
            throw new PodNetworkException(
                "cloud", $"the cloud gave ENI {eni.Id} none of the {count} addresses asked for", "they are asked for again", canRetry: true);
        }

        Log.Assigned(context.Log, given, eni.Id);
    }

    private async Task<int> GetAsync(PoolEni eni, int family, int count, string token, CancellationToken cancellationToken)
    {
        if (context.Pool.Capacity.UsesPrefixes)
        {
            var prefixes = await context.Families[family].AssignPrefixesAsync(eni.Id, count, token, cancellationToken);
            lock (context.Pool.Gate)
            {
                foreach (var prefix in prefixes)
                {
                    context.Pool.AddPrefix(eni, prefix, family, AddressState.Arriving);
                }

                context.Pool.WarmUp.Note(prefixes.Count * context.Pool.Capacity.Unit);
            }

            return prefixes.Count * context.Pool.Capacity.Unit;
        }

        var addresses = await context.Families[family].AssignAsync(eni.Id, count, token, cancellationToken);
        lock (context.Pool.Gate)
        {
            foreach (var ip in addresses)
            {
                context.Pool.AddAddress(eni, ip, family, primary: false, AddressState.Arriving);
            }

            // Families come in pairs: the first one counts.
            context.Pool.WarmUp.Note(family == 0 ? addresses.Count : 0);
        }

        return addresses.Count;
    }
}
