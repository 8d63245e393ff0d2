using System.Globalization;

namespace Terway.AlibabaCloud.Network;

/// <summary>Flattens typed values the way RPC-style APIs want them: <c>Name.1</c>, <c>Tag.1.Key</c>, <c>true</c>. Null is left out.</summary>
internal sealed class RequestParameters
{
    private readonly List<KeyValuePair<string, string>> _pairs = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    public void Add(string name, string? value)
    {
        if (string.IsNullOrEmpty(value))
            return;
        if (!_names.Add(name))
            throw new ArgumentException($"Request parameter {name} is set twice: once by a property, once by ExtraParameters.");
        _pairs.Add(new(name, value));
    }

    public void Add(string name, int? value) => Add(name, value?.ToString(CultureInfo.InvariantCulture));

    public void Add(string name, bool? value) => Add(name, value is { } b ? (b ? "true" : "false") : null);

    public void Required(string name, string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
            throw new ArgumentException($"The request needs {name}.");
        Add(name, value);
    }

    public void AddList<T>(string name, IReadOnlyList<T> values)
    {
        for (int i = 0; i < values.Count; i++)
            Add($"{name}.{(i + 1).ToString(CultureInfo.InvariantCulture)}", values[i]?.ToString());
    }

    public void AddTags(IReadOnlyList<Tag> tags)
    {
        for (int i = 0; i < tags.Count; i++)
        {
            string n = (i + 1).ToString(CultureInfo.InvariantCulture);
            Add($"Tag.{n}.Key", tags[i].Key);
            Add($"Tag.{n}.Value", tags[i].Value);
        }
    }

    public List<KeyValuePair<string, string>> ToList() => _pairs;
}
