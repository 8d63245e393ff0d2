using Terway.Plugin;

namespace Terway.Host.CrashPoints;

/// <summary>The points of one plugin's records, before they are handed to the journal and after the plugin's view of them is changed.</summary>
internal sealed class CrashingRecords(string plugin, IPluginStore inner, CrashPlan plan) : IPluginStore
{
    public IReadOnlyDictionary<string, byte[]> Load(string prefix) => inner.Load(prefix);

    public async Task WriteAsync(IReadOnlyList<KeyValuePair<string, byte[]?>> changes, CancellationToken cancellationToken)
    {
        if (changes.Count == 0)
        {
            await inner.WriteAsync(changes, cancellationToken).ConfigureAwait(false);
            return;
        }

        var point = PointNames.OfRecords(plugin, changes);
        plan.Pass(point, CrashMoment.Before);
        await inner.WriteAsync(changes, cancellationToken).ConfigureAwait(false);
        plan.Pass(point, CrashMoment.After);
    }
}
