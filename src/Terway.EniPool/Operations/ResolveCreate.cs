using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;
using Terway.EniPool.State;

namespace Terway.EniPool.Operations;

/// <summary>Finds out whether an ENI whose creation has no known outcome exists: it carries the request's token as a tag.</summary>
internal sealed class ResolveCreate(PoolContext context)
{
    // The cloud may carry a request out after its caller is gone. What comes still later is found by the inventory.
    private static readonly TimeSpan s_late = TimeSpan.FromSeconds(60);

    public async Task RunAsync(string token, DateTimeOffset at, CancellationToken cancellationToken)
    {
        try
        {
            var found = await context.Cloud.DescribeAsync(new() { Tags = [EniTags.OfOperation(token)] }, cancellationToken);
            if (found.Count > 0)
            {
                lock (context.Pool.Gate)
                {
                    foreach (var view in found)
                    {
                        if (context.Pool.Find(view.NetworkInterfaceId) is null)
                        {
                            var eni = new PoolEni(view.NetworkInterfaceId, view.MacAddress, view.VSwitchId, owned: true, context.Families.Count)
                            {
                                State = EniState.Attaching,
                            };
                            eni.Intents.Add(PoolJournal.IntentKey(token));
                            context.Merge(eni, view);
                            context.Pool.AddEni(eni);
                        }
                    }

                    context.Pool.UnresolvedCreates.Remove(token);
                    context.Backoffs.Clear(Backoffs.Intent(token));
                }

                return;
            }

            var age = context.Clock.UtcNow - at;
            if (age >= s_late || age < TimeSpan.Zero)
            {
                await context.Journal.RemoveIntentAsync(token, cancellationToken);
                lock (context.Pool.Gate)
                {
                    context.Pool.UnresolvedCreates.Remove(token);
                    context.Backoffs.Clear(Backoffs.Intent(token));
                }

                return;
            }

            lock (context.Pool.Gate)
            {
                // Seldom at first sight, and once more at the very end.
                var wait = TimeSpan.FromSeconds(2) * Math.Pow(2, Math.Min(context.Backoffs.Failures(Backoffs.Intent(token)), 5));
                var left = s_late - age;
                context.Backoffs.Block(
                    Backoffs.Intent(token), wait < left ? wait : left, new TimeoutException($"the ENI of creation {token} is not there yet"));
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.RefreshFailed(context.Log, e, token);
            lock (context.Pool.Gate)
            {
                context.Backoffs.Fail(Backoffs.Intent(token), e);
            }
        }
    }
}
