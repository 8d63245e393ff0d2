using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;

namespace Terway.EniPool.Scaling;

/// <summary>Which back-off goes with which key. What failed on an ENI is known by where the ENI stands.</summary>
internal sealed class BackoffShapes(AddressPool pool, BackoffOverrides overrides)
{
    /// <summary>Caller holds the pool's lock.</summary>
    public BackoffShape Of(string key) => key switch
    {
        Backoffs.Create => overrides.Create,
        _ when Backoffs.EniOf(key) is { } id => pool.Find(id)?.State switch
        {
            EniState.Deleting => overrides.Release,
            EniState.Starting or EniState.Attaching => overrides.Attach,
            _ => overrides.Addresses,
        },
        _ => overrides.Default,
    };
}
