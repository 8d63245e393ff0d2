namespace Terway.Plugins.SharedEni.Tests;

/// <summary>What is on the disk of a node: outlives processes.</summary>
internal sealed class TestDisk
{
    public Lock Gate { get; } = new();

    public SortedDictionary<string, byte[]> Records { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, IReadOnlyList<KernelObject>> NodeObjects { get; } = new(StringComparer.Ordinal);
}

/// <summary>A store as strict as the host's: atomic, and refusing when told to.</summary>
internal sealed class TestStore(TestDisk disk, CrashPoint crash) : IPluginStore
{
    /// <summary>Writes fail, before or after they took effect.</summary>
    public Func<string?>? Fault { get; set; }

    public IReadOnlyDictionary<string, byte[]> Load(string prefix)
    {
        lock (disk.Gate)
        {
            return disk.Records.Where(r => r.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary();
        }
    }

    public Task WriteAsync(IReadOnlyList<KeyValuePair<string, byte[]?>> changes, CancellationToken cancellationToken) =>
        crash.PassAsync(async () =>
        {
            await Task.Yield();
            var fault = Fault?.Invoke();
            if (fault == "before")
            {
                throw new IOException("disk full");
            }

            lock (disk.Gate)
            {
                foreach (var (key, value) in changes)
                {
                    if (value is null)
                    {
                        disk.Records.Remove(key);
                    }
                    else
                    {
                        disk.Records[key] = value;
                    }
                }
            }

            return fault == "after" ? throw new IOException("fsync failed") : true;
        }, cancellationToken);
}
