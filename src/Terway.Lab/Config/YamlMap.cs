using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Terway.Lab.Cloud;
using YamlDotNet.RepresentationModel;

namespace Terway.Lab.Config;

/// <summary>
/// A YAML mapping that is read key by key. What is wrong is added to a list and replaced by the default, so that one reading finds
/// every problem; <see cref="Finish"/> reports the keys that nobody read.
/// </summary>
internal sealed class YamlMap(string path, YamlMappingNode? node, List<ConfigProblem> problems)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public string Path => path;

    public int Line => node is null ? 0 : (int)node.Start.Line;

    public bool Has(string key) => Find(key) is not null;

    /// <summary>The value as it is written; null when the key is absent.</summary>
    public YamlNode? Node(string key) => Find(key);

    public string Text(string key, string otherwise) => Scalar(key) ?? otherwise;

    public string? OptionalText(string key) => Scalar(key);

    public string Required(string key, string example)
    {
        if (Scalar(key) is { Length: > 0 } text)
            return text;
        if (Find(key) is null)
            Problem(key, "is missing", $"Add it, for example '{key}: {example}'");
        return "";
    }

    public int Number(string key, int min, int max, int otherwise)
    {
        if (Scalar(key) is not { } text)
            return otherwise;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
            return number;
        Problem(key, $"'{text}' is not a whole number from {min} to {max}", $"The default is {otherwise}");
        return otherwise;
    }

    public bool Flag(string key, bool otherwise)
    {
        if (Scalar(key) is not { } text)
            return otherwise;
        if (text is "true" or "false")
            return text == "true";
        Problem(key, $"'{text}' is neither true nor false", "Use one of them");
        return otherwise;
    }

    public T Choice<T>(string key, IReadOnlyDictionary<string, T> choices, T otherwise)
    {
        if (Scalar(key) is not { } text)
            return otherwise;
        if (choices.TryGetValue(text, out var value))
            return value;
        Problem(key, $"'{text}' is unknown", $"Use one of {string.Join(", ", choices.Keys)}");
        return otherwise;
    }

    /// <summary>A number with its unit: <c>300ms</c>, <c>1.5s</c>, <c>10m</c>, <c>6h</c>.</summary>
    public TimeSpan Duration(string key, TimeSpan otherwise)
    {
        if (Scalar(key) is not { } text)
            return otherwise;
        var digits = text.TrimEnd('m', 's', 'h');
        double? unit = text[digits.Length..] switch
        {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => null,
        };
        if (unit is { } ms && double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number * ms < int.MaxValue)
            return TimeSpan.FromMilliseconds(number * ms);
        Problem(key, $"'{text}' is not a duration", "Write a number and ms, s, m or h, for example 300ms");
        return otherwise;
    }

    public IPNetwork? Cidr(string key)
    {
        if (Scalar(key) is not { } text)
            return null;
        if (StrictCidr.TryParse(text, out var network))
            return network;
        Problem(key, $"'{text}' is not a network", "Write the first address and the prefix length, for example 10.0.16.0/22");
        return null;
    }

    public YamlMap? Map(string key) => Find(key) switch
    {
        null => null,
        YamlMappingNode map => new YamlMap(Join(key), map, problems),
        _ => Report<YamlMap>(key, "is not a mapping", "Write keys and values below it"),
    };

    public ImmutableArray<T> List<T>(string key, Func<YamlMap, T> read, ImmutableArray<T> otherwise)
    {
        if (Find(key) is not { } found)
            return otherwise;
        if (found is not YamlSequenceNode sequence)
        {
            Problem(key, "is not a list", "Start each entry with '- '");
            return otherwise;
        }
        var items = ImmutableArray.CreateBuilder<T>();
        for (var i = 0; i < sequence.Children.Count; i++)
        {
            if (sequence.Children[i] is not YamlMappingNode map)
            {
                Problem($"{key}[{i}]", "is not a mapping", "Write keys and values after the '- '");
                continue;
            }
            var item = new YamlMap($"{Join(key)}[{i}]", map, problems);
            items.Add(read(item));
            item.Finish();
        }
        return items.ToImmutable();
    }

    public ImmutableArray<string> Strings(string key, ImmutableArray<string> otherwise)
    {
        if (Find(key) is not { } found)
            return otherwise;
        if (found is YamlSequenceNode sequence && sequence.Children.All(static c => c is YamlScalarNode))
            return [.. sequence.Children.Select(static c => ((YamlScalarNode)c).Value ?? "")];
        Problem(key, "is not a list of texts", "Write it as [a, b]");
        return otherwise;
    }

    /// <summary>A mapping with keys of the user's choice.</summary>
    public ImmutableSortedDictionary<string, string> Pairs(string key)
    {
        var pairs = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        if (Map(key) is not { } map)
            return pairs.ToImmutable();
        foreach (var name in map.Keys)
            pairs[name] = map.Text(name, "");
        return pairs.ToImmutable();
    }

    public IEnumerable<string> Keys => node?.Children.Keys.OfType<YamlScalarNode>().Select(static k => k.Value ?? "") ?? [];

    public void Problem(string key, string reason, string fix) =>
        problems.Add(new ConfigProblem(key.Length == 0 ? path : Join(key), (int)(Find(key)?.Start.Line ?? node?.Start.Line ?? 0), reason, fix));

    public void Finish()
    {
        foreach (var key in Keys.Where(k => !_known.Contains(k)).ToList())
            Problem(key, "is unknown", $"Known here: {string.Join(", ", _known.Where(static k => !k.Contains('[', StringComparison.Ordinal)).Order(StringComparer.Ordinal))}");
    }

    private T? Report<T>(string key, string reason, string fix) where T : class
    {
        Problem(key, reason, fix);
        return null;
    }

    private string Join(string key) => path.Length == 0 ? key : $"{path}.{key}";

    private string? Scalar(string key) => Find(key) switch
    {
        null => null,
        YamlScalarNode scalar => scalar.Value ?? "",
        _ => Report<string>(key, "is not a single value", "Write it on the line of the key"),
    };

    private YamlNode? Find(string key)
    {
        if (key.Length == 0 || node is null)
            return null;
        var found = node.Children.FirstOrDefault(c => c.Key is YamlScalarNode name && name.Value == key).Value;
        if (!key.Contains('[', StringComparison.Ordinal))
            _known.Add(key);
        return found;
    }
}
