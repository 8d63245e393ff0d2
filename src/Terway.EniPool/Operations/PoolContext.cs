using Microsoft.Extensions.Logging;
using Terway.EniPool.Cloud;
using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;
using Terway.EniPool.State;

namespace Terway.EniPool.Operations;

/// <summary>What every operation works with.</summary>
internal sealed class PoolContext : IDisposable
{
    public required IPluginHost Host { get; init; }

    public required IReadOnlyList<IAddressFamily> Families { get; init; }

    public required PoolSettings Settings { get; init; }

    public required PoolClock Clock { get; init; }

    public required AddressPool Pool { get; init; }

    public required Backoffs Backoffs { get; init; }

    public required FailurePolicy Failures { get; init; }

    public required FindingBoard Findings { get; init; }

    public required PoolJournal Journal { get; init; }

    public required EniCloud Cloud { get; init; }

    public required CallsUnderWay Calls { get; init; }

    public required DescribeBatch Batch { get; init; }

    public required VSwitchCatalog VSwitches { get; init; }

    public required EniTags Tags { get; init; }

    public required ILogger Log { get; init; }

    /// <summary>Security groups of the primary ENI, once seen.</summary>
    public IReadOnlyList<string> PrimarySecurityGroups { get; set; } = [];

    public TimeProvider Time => Clock.Time;

    public void Dispose() => VSwitches.Dispose();

    /// <summary>A view of the cloud laid over the ENI: addresses or prefixes of every family, and whether it is to be used at all.</summary>
    /// <returns>Whether anything changed.</returns>
    public bool Merge(PoolEni eni, AlibabaCloud.Network.Eni view)
    {
        var addresses = Families.Select(f => f.ReadAddresses(view.Raw)).ToArray();
        var prefixes = Families.Select(f => f.ReadPrefixes(view.Raw)).ToArray();
        lock (Pool.Gate)
        {
            var changed = false;
            for (var f = 0; f < Families.Count; f++)
            {
                IReadOnlyList<string> others;
                if (Pool.Capacity.UsesPrefixes)
                {
                    changed |= Pool.MergePrefixes(eni, f, prefixes[f]);
                    others = [.. addresses[f].Where(a => !a.Equals(view.PrivateIpAddress)).Select(a => a.ToString())];
                }
                else
                {
                    changed |= Pool.Merge(eni, f, addresses[f], view.PrivateIpAddress);
                    others = [.. prefixes[f].Select(p => p.ToString())];
                }

                changed |= !others.SequenceEqual(eni.Others[f]);
                eni.Others[f] = others;
            }

            return HoldIfNeeded(eni, view) || changed;
        }
    }

    private bool HoldIfNeeded(PoolEni eni, AlibabaCloud.Network.Eni view)
    {
        var before = eni.Hold;
        eni.Hold = !Tags.IsManaged(view) ? EniHold.Excluded : eni.Others.Any(o => o.Count > 0) ? EniHold.OtherKind : EniHold.None;
        if (eni.Hold == EniHold.Excluded && before != EniHold.Excluded)
        {
            EniPool.Log.EniExcluded(Log, eni.Id);
        }

        return eni.Hold != before;
    }
}
