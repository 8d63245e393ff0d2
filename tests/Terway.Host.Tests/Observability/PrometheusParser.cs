using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Terway.Host.Tests.Observability;

/// <summary>A metric as a scraper understands it.</summary>
internal sealed record ParsedMetric(string Name, string Type, string Help)
{
    /// <summary>Values by series: the sample's name and its labels, ordered by name, as <c>name{a="b"}</c> with the values unescaped.</summary>
    public Dictionary<string, double> Samples { get; } = [];
}

/// <summary>
/// Reads the text format strictly, and written from its description, not from the writer: everything that the description does not allow is an error
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
/// </summary>
internal static partial class PrometheusParser
{
    public static Dictionary<string, ParsedMetric> Parse(string text)
    {
        var metrics = new Dictionary<string, ParsedMetric>(StringComparer.Ordinal);
        if (text.Length == 0) return metrics;
        if (text[^1] != '\n') throw new FormatException("the last line has no end");
        ParsedMetric? current = null;
        string? help = null;
        string? helped = null;
        foreach (var line in text[..^1].Split('\n'))
        {
            if (line.Length == 0) throw new FormatException("an empty line");
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                var space = line.IndexOf(' ', 7);
                (helped, help) = (line[7..space], Unescape(line[(space + 1)..], quotes: false));
            }
            else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                var parts = line[7..].Split(' ');
                if (parts is not [var name, "counter" or "gauge" or "histogram"]) throw new FormatException($"type line: {line}");
                if (!MetricName().IsMatch(name)) throw new FormatException($"name: {line}");
                if (helped != name) throw new FormatException($"TYPE without its HELP right before: {line}");
                current = new ParsedMetric(name, parts[1], help!);
                if (!metrics.TryAdd(name, current)) throw new FormatException($"{name} twice");
            }
            else if (line[0] == '#')
            {
                throw new FormatException($"comment: {line}");
            }
            else
            {
                ReadSample(line, current ?? throw new FormatException($"sample before its TYPE: {line}"));
            }
        }

        foreach (var metric in metrics.Values.Where(static m => m.Type == "histogram")) CheckHistogram(metric);
        return metrics;
    }

    private static void ReadSample(string line, ParsedMetric metric)
    {
        var at = 0;
        while (at < line.Length && line[at] is not ('{' or ' ')) at++;
        var name = line[..at];
        var suffixes = metric.Type == "histogram" ? (string[])["_bucket", "_sum", "_count"] : [""];
        if (!suffixes.Any(s => name == metric.Name + s)) throw new FormatException($"{name} under {metric.Type} {metric.Name}");
        if (metric.Type == "counter" && !name.EndsWith("_total", StringComparison.Ordinal)) throw new FormatException($"counter {name}");
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (line[at] == '{')
        {
            at++;
            while (true)
            {
                var equals = line.IndexOf("=\"", at, StringComparison.Ordinal);
                var label = line[at..equals];
                if (!LabelName().IsMatch(label)) throw new FormatException($"label {label}: {line}");
                var end = equals + 2;
                while (line[end] != '"') end += line[end] == '\\' ? 2 : 1;
                if (!labels.TryAdd(label, Unescape(line[(equals + 2)..end], quotes: true))) throw new FormatException($"label {label} twice: {line}");
                at = end + 2;
                if (line[end + 1] == '}') break;
                if (line[end + 1] != ',') throw new FormatException($"after label {label}: {line}");
            }
        }

        if (line[at] != ' ') throw new FormatException($"no blank before the value: {line}");
        var key = labels.Count == 0 ? name : $"{name}{{{string.Join(',', labels.Select(static l => $"{l.Key}=\"{l.Value}\""))}}}";
        if (!metric.Samples.TryAdd(key, Number(line[(at + 1)..]))) throw new FormatException($"series twice: {key}");
    }

    private static void CheckHistogram(ParsedMetric metric)
    {
        foreach (var (key, count) in metric.Samples.Where(s => s.Key.StartsWith(metric.Name + "_count", StringComparison.Ordinal)))
        {
            var labels = key[(metric.Name.Length + "_count".Length)..];
            var prefix = labels.Length == 0 ? "" : labels[1..^1];
            var buckets = metric.Samples
                .Where(s => s.Key.StartsWith(metric.Name + "_bucket", StringComparison.Ordinal) && Without(s.Key, "le") == prefix)
                .Select(static s => (Bound: Number(LabelOf(s.Key, "le")), Count: s.Value)).ToList();
            if (buckets.Count == 0 || !double.IsPositiveInfinity(buckets[^1].Bound)) throw new FormatException($"{key}: no +Inf bucket at the end");
            if (!buckets.Select(static b => b.Bound).SequenceEqual(buckets.Select(static b => b.Bound).Order().Distinct())) throw new FormatException($"{key}: bounds do not rise");
            if (!buckets.Select(static b => b.Count).SequenceEqual(buckets.Select(static b => b.Count).Order())) throw new FormatException($"{key}: buckets are not cumulative");
            if (buckets[^1].Count != count) throw new FormatException($"{key}: {count} is not the +Inf bucket's {buckets[^1].Count}");
            if (!metric.Samples.ContainsKey(metric.Name + "_sum" + labels)) throw new FormatException($"{key}: no _sum");
        }
    }

    private static string LabelOf(string key, string label)
    {
        var begin = key.IndexOf($"{label}=\"", StringComparison.Ordinal) + label.Length + 2;
        return key[begin..key.IndexOf('"', begin)];
    }

    // The labels without one: le's values hold no commas and no quotes.
    private static string Without(string key, string label)
    {
        var labels = key[(key.IndexOf('{', StringComparison.Ordinal) + 1)..^1];
        var one = $"{label}=\"{LabelOf(key, label)}\"";
        return labels == one ? "" : labels.Replace(one + ",", "", StringComparison.Ordinal).Replace("," + one, "", StringComparison.Ordinal);
    }

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        "NaN" => double.NaN,
        _ when GoFloat().IsMatch(text) => double.Parse(text, CultureInfo.InvariantCulture),
        _ => throw new FormatException($"number {text}"),
    };

    private static string Unescape(string text, bool quotes)
    {
        var result = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                result.Append(text[i]);
                continue;
            }

            i++;
            result.Append(i < text.Length ? text[i] switch
            {
                '\\' => '\\',
                'n' => '\n',
                '"' when quotes => '"',
                _ => throw new FormatException($"escape \\{text[i]}"),
            } : throw new FormatException("a backslash at the end"));
        }

        return result.ToString();
    }

    [GeneratedRegex("^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
    private static partial Regex MetricName();

    [GeneratedRegex("^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$")]
    private static partial Regex LabelName();

    [GeneratedRegex(@"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")]
    private static partial Regex GoFloat();
}
