using System.Globalization;
using System.Text.Json;

namespace Terway.EniPool.Configuration;

/// <summary>Values of a JSON object by key, each checked; what is wrong is collected, and a default taken in its place.</summary>
/// <param name="root">The object; anything else has no keys.</param>
/// <param name="path">Its JSON path.</param>
/// <param name="problems">Takes what is wrong.</param>
internal sealed class JsonSettings(JsonElement root, string path, List<SettingProblem> problems)
{
    public List<SettingProblem> Problems => problems;

    public string Path => path;

    public static string Kind(JsonElement value) => value.ValueKind.ToString().ToLowerInvariant();

    public bool Find(string name, out JsonElement value)
    {
        value = default;
        return root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    public void WrongType(string at, JsonElement value, string wanted) =>
        Problems.Add(new(at, $"a {Kind(value)} stands where {wanted} is expected", $"write {wanted}"));

    public int Integer(string name, int fallback, int low, int high)
    {
        if (!Find(name, out var value))
        {
            return fallback;
        }

        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var number))
        {
            WrongType($"{path}.{name}", value, "a whole number");
            return fallback;
        }

        if (number < low || number > high)
        {
            Problems.Add(new($"{path}.{name}", $"{number} is out of range", $"write a number from {low} to {high}"));
            return fallback;
        }

        return number;
    }

    public double Number(string name, double fallback)
    {
        if (!Find(name, out var value))
        {
            return fallback;
        }

        if (value.ValueKind != JsonValueKind.Number)
        {
            WrongType($"{path}.{name}", value, "a number");
            return fallback;
        }

        var number = value.GetDouble();
        if (number is < 0 or > 1000)
        {
            Problems.Add(new($"{path}.{name}", $"{number.ToString(CultureInfo.InvariantCulture)} is out of range", "write a share such as 0.5 or 1"));
            return fallback;
        }

        // Upstream takes 0, its language's empty value, for "not set".
        return number == 0 ? fallback : number;
    }

    public string? Text(string name)
    {
        if (!Find(name, out var value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            WrongType($"{path}.{name}", value, "a string");
            return null;
        }

        var text = value.GetString();
        return string.IsNullOrWhiteSpace(text) ? null : text.Trim();
    }

    public TimeSpan Duration(string name, TimeSpan fallback)
    {
        var text = Text(name);
        if (text is null)
        {
            return fallback;
        }

        if (!GoDuration.TryParse(text, out var duration) || duration < TimeSpan.FromSeconds(1) || duration > TimeSpan.FromDays(1))
        {
            Problems.Add(new($"{path}.{name}", $"'{text}' is no duration from 1s to 24h", "write one such as 120s or 5m"));
            return fallback;
        }

        return duration;
    }

    public bool Flag(string name)
    {
        if (!Find(name, out var value))
        {
            return false;
        }

        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            WrongType($"{path}.{name}", value, "true or false");
            return false;
        }

        return value.GetBoolean();
    }

    /// <summary>A number from 0 to 10, written as a number or, as upstream's configuration has some, as a string.</summary>
    public double Fraction(string name, double fallback)
    {
        if (!Find(name, out var value))
        {
            return fallback;
        }

        double number;
        if (value.ValueKind == JsonValueKind.Number)
        {
            number = value.GetDouble();
        }
        else if (value.ValueKind != JsonValueKind.String
            || !double.TryParse(value.GetString(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number))
        {
            WrongType($"{path}.{name}", value, "a number such as \"0.1\"");
            return fallback;
        }

        if (number is >= 0 and <= 10)
        {
            return number;
        }

        Problems.Add(new($"{path}.{name}", $"{number.ToString(CultureInfo.InvariantCulture)} is out of range", "write a number from 0 to 10"));
        return fallback;
    }

    public T Choice<T>(string name, T fallback, params (string Name, T Value)[] choices)
    {
        var text = Text(name);
        if (text is null)
        {
            return fallback;
        }

        foreach (var choice in choices)
        {
            if (choice.Name == text)
            {
                return choice.Value;
            }
        }

        Problems.Add(new($"{path}.{name}", $"'{text}' is not known", $"write one of {string.Join(", ", choices.Select(c => c.Name))}"));
        return fallback;
    }

    public List<string> Strings(string at, JsonElement value)
    {
        var result = new List<string>();
        if (value.ValueKind != JsonValueKind.Array)
        {
            WrongType(at, value, "a list of strings");
            return result;
        }

        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String || string.IsNullOrWhiteSpace(item.GetString()))
            {
                WrongType($"{at}[{index}]", item, "a string that is not empty");
            }
            else if (!result.Contains(item.GetString()!))
            {
                result.Add(item.GetString()!);
            }

            index++;
        }

        return result;
    }

    public List<EniTag> Tags(string name)
    {
        var tags = new List<EniTag>();
        if (!Find(name, out var value))
        {
            return tags;
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            WrongType($"{path}.{name}", value, "an object from tag to value");
            return tags;
        }

        foreach (var tag in value.EnumerateObject())
        {
            if (tag.Value.ValueKind == JsonValueKind.String)
            {
                tags.Add(new(tag.Name, tag.Value.GetString()!));
            }
            else
            {
                WrongType($"{path}.{name}.{tag.Name}", tag.Value, "a string");
            }
        }

        return tags;
    }

    public List<EniTag> TagList(string name)
    {
        var tags = new List<EniTag>();
        if (!Find(name, out var value))
        {
            return tags;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            WrongType($"{path}.{name}", value, "a list of {\"key\", \"value\"}");
            return tags;
        }

        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.Object
                && item.TryGetProperty("key", out var key) && key.ValueKind == JsonValueKind.String
                && item.TryGetProperty("value", out var text) && text.ValueKind == JsonValueKind.String)
            {
                tags.Add(new(key.GetString()!, text.GetString()!));
            }
            else
            {
                WrongType($"{path}.{name}[{index}]", item, "{\"key\": string, \"value\": string}");
            }

            index++;
        }

        return tags;
    }
}
