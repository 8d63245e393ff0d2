using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Terway.Lab.Cloud.Api;

/// <summary>Parameters of one call; remembers which ones the action asked for. An empty value counts as not given.</summary>
internal sealed class ApiParameters
{
    private readonly SortedDictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    public ApiParameters(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        foreach (var (name, value) in pairs)
        {
            if (!_values.TryAdd(name, value))
                throw CloudErrors.InvalidParameter(name, "it is specified more than once");
        }
    }

    /// <summary>The state to show is the one of this instant; null: the present one.</summary>
    public DateTimeOffset? AsOf { get; init; }

    /// <summary>Addresses or prefixes to give at most; null: as many as asked for.</summary>
    public int? AtMost { get; init; }

    /// <summary>Sent, but never asked for.</summary>
    public ImmutableArray<string> Ignored => [.. _values.Keys.Where(k => !_asked.Contains(k))];

    /// <summary>The whole request but the client token, in one text.</summary>
    public string Fingerprint =>
        string.Join('&', _values.Where(static v => v.Key != "ClientToken").Select(static v => $"{v.Key}={CanonicalRequest.Encode(v.Value)}"));

    public string? Optional(string name)
    {
        _asked.Add(name);
        return _values.TryGetValue(name, out var value) && value.Length > 0 ? value : null;
    }

    public string Required(string name) => Optional(name) ?? throw CloudErrors.MissingParameter(name);

    public int Number(string name, int min, int max, int otherwise) => OptionalNumber(name, min, max) ?? otherwise;

    /// <summary>How many addresses or prefixes are asked for, and how many of them are given.</summary>
    public (int Asked, int Given) Amount(string name, int max)
    {
        var asked = Number(name, 1, max, 0);
        return (asked, Math.Min(asked, AtMost ?? asked));
    }

    public int? OptionalNumber(string name, int min, int max)
    {
        if (Optional(name) is not { } text)
            return null;
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            throw CloudErrors.InvalidParameter(name, $"'{text}' is not a number");
        return number >= min && number <= max
            ? number
            : throw CloudErrors.InvalidParameter(name, $"{number} is not between {min} and {max}");
    }

    public bool Flag(string name, bool otherwise) => Optional(name) switch
    {
        null => otherwise,
        "true" => true,
        "false" => false,
        var text => throw CloudErrors.InvalidParameter(name, $"'{text}' is neither true nor false"),
    };

    public T? Choice<T>(string name) where T : struct, Enum
    {
        if (Optional(name) is not { } text)
            return null;
        // Numbers parse as enums too, hence the check of the name.
        return Enum.TryParse<T>(text, out var value) && Enum.GetName(value) == text
            ? value
            : throw CloudErrors.InvalidParameter(name, $"'{text}' is not one of {string.Join(", ", Enum.GetNames<T>())}");
    }

    /// <summary>The values of <c>name.1</c>, <c>name.2</c> and so on, by number.</summary>
    public ImmutableArray<string> List(string name, int max)
    {
        var found = new SortedDictionary<int, string>();
        foreach (var (key, value) in _values)
        {
            if (!key.StartsWith(name + ".", StringComparison.Ordinal)
                || !int.TryParse(key.AsSpan(name.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
                continue;
            _asked.Add(key);
            if (value.Length > 0)
                found.Add(index, value);
        }
        if (found.Count > max)
            throw CloudErrors.InvalidParameter(name, $"at most {max} values are allowed, {found.Count} were given");
        return [.. found.Values];
    }

    public ImmutableArray<KeyValuePair<string, string>> Tags(int max)
    {
        var tags = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        for (var i = 1; i <= max + 1; i++)
        {
            if (Optional($"Tag.{i}.Key") is not { } key)
            {
                _ = Optional($"Tag.{i}.Value");
                continue;
            }
            if (i > max)
                throw CloudErrors.InvalidParameter("Tag", $"at most {max} tags are allowed");
            if (tags.Any(t => t.Key == key))
                throw CloudErrors.InvalidParameter($"Tag.{i}.Key", $"'{key}' is given twice");
            tags.Add(new KeyValuePair<string, string>(key, Optional($"Tag.{i}.Value") ?? ""));
        }
        return tags.ToImmutable();
    }

    public IPAddress? OptionalIp(string name) => Optional(name) is { } text ? ParseIp(name, text, AddressFamily.InterNetwork) : null;

    public ImmutableArray<IPAddress> Ips(string name, int max, AddressFamily family) =>
        [.. List(name, max).Select(text => ParseIp(name, text, family))];

    public ImmutableArray<IPNetwork> Prefixes(string name, int max, int length) =>
        [.. List(name, max).Select(text => StrictCidr.TryParse(text, out var network) && network.PrefixLength == length
            ? network
            : throw CloudErrors.InvalidParameter(name, $"'{text}' is not a /{length} prefix"))];

    private static IPAddress ParseIp(string name, string text, AddressFamily family) =>
        IPAddress.TryParse(text, out var ip) && ip.AddressFamily == family
            ? ip
            : throw CloudErrors.InvalidParameter(name, $"'{text}' is not an {(family == AddressFamily.InterNetwork ? "IPv4" : "IPv6")} address");
}
