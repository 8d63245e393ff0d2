namespace Terway.Host.Manifests;

/// <summary>
/// Which object each file has, and which one counts where two files have the same: the one of the first file by name. One caller at a time.
/// </summary>
internal sealed class ManifestSet
{
    private readonly Dictionary<string, IReadOnlyList<ManifestObject>> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<ObjectKey, (string File, ManifestObject Object)> _winners = [];

    // Of objects that several files have, those that do not count.
    private readonly Dictionary<ObjectKey, SortedDictionary<string, ManifestObject>> _others = [];

    /// <summary>Files that something is known of.</summary>
    public IReadOnlyCollection<string> Files => _files.Keys;

    /// <summary>How many objects count.</summary>
    public int Count => _winners.Count;

    public bool Has(string file) => _files.ContainsKey(file);

    /// <summary>Puts a file's objects in the place of those it had.</summary>
    /// <param name="file">Its name.</param>
    /// <param name="objects">Empty when it is gone.</param>
    /// <param name="changed">Gets every object that counts now and did not, and, without a value, every one that is no more.</param>
    /// <returns>Objects of the file that do not count because another file has them too.</returns>
    public IReadOnlyList<ObjectKey> Replace(string file, IReadOnlyList<ManifestObject> objects, Dictionary<ObjectKey, ManifestObject?> changed)
    {
        var next = new Dictionary<ObjectKey, ManifestObject>();
        var second = new List<ObjectKey>();
        foreach (var o in objects)
        {
            if (!next.TryAdd(o.Key, o)) second.Add(o.Key);
        }

        foreach (var old in _files.GetValueOrDefault(file) ?? [])
        {
            if (!next.ContainsKey(old.Key)) Remove(file, old.Key, changed);
        }

        foreach (var o in next.Values)
        {
            if (!Put(file, o, changed)) second.Add(o.Key);
        }

        if (objects.Count > 0) _files[file] = [.. next.Values];
        else _files.Remove(file);
        return second;
    }

    private bool Put(string file, ManifestObject o, Dictionary<ObjectKey, ManifestObject?> changed)
    {
        if (!_winners.TryGetValue(o.Key, out var winner) || winner.File == file)
        {
            if (winner.Object is null || winner.Object.Digest != o.Digest) changed[o.Key] = o;
            _winners[o.Key] = (file, o);
            return true;
        }

        if (!_others.TryGetValue(o.Key, out var others)) _others.Add(o.Key, others = new(StringComparer.Ordinal));
        if (string.CompareOrdinal(file, winner.File) > 0)
        {
            others[file] = o;
            return false;
        }

        others.Remove(file);
        others[winner.File] = winner.Object;
        _winners[o.Key] = (file, o);
        if (winner.Object.Digest != o.Digest) changed[o.Key] = o;
        return true;
    }

    private void Remove(string file, ObjectKey key, Dictionary<ObjectKey, ManifestObject?> changed)
    {
        _others.TryGetValue(key, out var others);
        if (_winners[key].File != file)
        {
            others?.Remove(file);
        }
        else if (others is { Count: > 0 })
        {
            var (heir, o) = others.First();
            others.Remove(heir);
            if (_winners[key].Object.Digest != o.Digest) changed[key] = o;
            _winners[key] = (heir, o);
        }
        else
        {
            _winners.Remove(key);
            changed[key] = null;
        }

        if (others is { Count: 0 }) _others.Remove(key);
    }
}
