using Microsoft.Extensions.Logging;
using Terway.Host.State;

namespace Terway.Host.Pods;

/// <summary>Forgets in the journal what has had its time: tombstones, and when addresses were given back.</summary>
internal sealed class JournalSweep(Tombstones tombstones, StateStore store, TimeProvider time, ILogger log)
{
    /// <summary>No pool's cool-down is longer (<c>ip_cooldown</c>, 3600 s at most).</summary>
    private static readonly TimeSpan s_released = TimeSpan.FromHours(1);

    /// <summary>One sweep. Never fails for a journal that refuses: nobody waits for this, and it is no reason to leave the pods alone.</summary>
    public async Task RunAsync()
    {
        try
        {
            await tombstones.SweepAsync().ConfigureAwait(false);
            await store.WriteAsync(new StateWrite.DeleteReleasedBefore(time.GetUtcNow() - s_released)).ConfigureAwait(false);
        }
        catch (StateException e)
        {
            HostLog.SweepFailed(log, e.Message);
        }
    }
}
