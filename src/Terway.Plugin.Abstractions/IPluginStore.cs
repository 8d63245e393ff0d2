namespace Terway.Plugin;

/// <summary>Small durable records of one plugin, in the node's state file. Other plugins do not see them. Thread-safe.</summary>
public interface IPluginStore
{
    /// <summary>All records whose key starts with <paramref name="prefix"/> (ordinal).</summary>
    IReadOnlyDictionary<string, byte[]> Load(string prefix);

    /// <summary>Writes all changes or none; completes when they are on disk. A null value removes the key.</summary>
    Task WriteAsync(IReadOnlyList<KeyValuePair<string, byte[]?>> changes, CancellationToken cancellationToken);
}
