using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Node;

/// <summary>One plugin's part of the state file.</summary>
internal sealed class PluginRecords(string plugin, StateStore store) : IPluginStore
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, byte[]> _records = new(
        store.Initial.PluginRecords.Where(r => r.Key.Plugin == plugin).ToDictionary(static r => r.Key.Key, static r => r.Value), StringComparer.Ordinal);

    public IReadOnlyDictionary<string, byte[]> Load(string prefix)
    {
        lock (_lock)
        {
            return _records.Where(r => r.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(static r => r.Key, static r => r.Value);
        }
    }

    public async Task WriteAsync(IReadOnlyList<KeyValuePair<string, byte[]?>> changes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (changes.Count == 0) return;
        var writes = new StateWrite[changes.Count];
        for (var i = 0; i < changes.Count; i++)
        {
            var (key, value) = changes[i];
            writes[i] = value is null ? new StateWrite.DeletePluginRecord(plugin, key) : new StateWrite.PutPluginRecord(plugin, key, value);
        }

        // Once handed over it is written: giving up half way would leave memory and disk apart.
        await store.WriteAsync(writes).ConfigureAwait(false);
        lock (_lock)
        {
            foreach (var (key, value) in changes)
            {
                if (value is null) _records.Remove(key);
                else _records[key] = value;
            }
        }
    }
}
