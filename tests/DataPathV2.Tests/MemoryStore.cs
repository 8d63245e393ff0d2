namespace Terway.Plugins.DataPathV2.Tests;

internal sealed class MemoryStore : IPluginStore
{
    private readonly Dictionary<string, byte[]> _records = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, byte[]> Load(string prefix) =>
        _records.Where(r => r.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(static r => r.Key, static r => r.Value);

    public Task WriteAsync(IReadOnlyList<KeyValuePair<string, byte[]?>> changes, CancellationToken cancellationToken)
    {
        foreach (var (key, value) in changes)
        {
            if (value is null) _records.Remove(key);
            else _records[key] = value;
        }

        return Task.CompletedTask;
    }
}
