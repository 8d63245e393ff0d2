using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Terway.Configuration.Validation;

/// <summary>What the value of a key may be. Rules never throw, whatever the value is.</summary>
/// <param name="check">Takes value, its JSON path, and where findings go.</param>
internal sealed class SettingRule(Action<JsonElement, string, List<ConfigFinding>> check)
{
    private static readonly string[] s_backoffKeys =
    [
        "default", "eni_create", "eni_ops", "eni_release", "eni_ip_ops", "eni_delete_confirm", "wait_eni_ip_removed", "wait_eni_status", "wait_member_eni_status",
        "wait_leni_status", "wait_hdeni_status", "wait_ecs_leni_status", "wait_ecs_hdeni_status", "wait_podeni_status", "wait_networkinterface_status",
        "meta_assign_private_ip", "meta_unassign_private_ip", "wait_sts_token_ready", "wait_node_status",
    ];

    private static readonly Dictionary<string, SettingRule> s_backoff = new(StringComparer.Ordinal)
    {
        ["duration"] = BackoffTime(),
        ["initialDelay"] = BackoffTime(),
        ["cap"] = BackoffTime(),
        ["factor"] = Number(1, 1000),
        ["jitter"] = Number(0, 1000),
        ["steps"] = Integer(0, 1000),
    };

    /// <summary>Adds what is wrong with a value. Null is as good as absent.</summary>
    public void Check(JsonElement value, string path, List<ConfigFinding> findings)
    {
        if (value.ValueKind != JsonValueKind.Null) check(value, path, findings);
    }

    /// <summary>A text; its value is never shown.</summary>
    public static SettingRule Text() => new(static (value, path, findings) =>
    {
        if (value.ValueKind != JsonValueKind.String) WrongType(value, path, "a text", findings);
    });

    /// <summary>One of some texts, or none.</summary>
    public static SettingRule Choice(params string[] names) => new((value, path, findings) =>
    {
        if (value.ValueKind != JsonValueKind.String) WrongType(value, path, "a text", findings);
        else if (value.GetString() is { Length: > 0 } text && !names.Contains(text))
            findings.Add(ConfigFinding.Error(path, $"\"{text}\" is not known{NearMiss.Hint(text, names)}", $"write one of {string.Join(", ", names)}"));
    });

    public static SettingRule Flag() => new(static (value, path, findings) =>
    {
        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False)) WrongType(value, path, "true or false", findings);
    });

    public static SettingRule Integer(int low, int high) => new((value, path, findings) =>
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var number)) WrongType(value, path, "a whole number", findings);
        else if (number < low || number > high) findings.Add(ConfigFinding.Error(path, $"{number} is out of range", $"write a number from {low} to {high}"));
    });

    public static SettingRule Number(double low, double high) => new((value, path, findings) =>
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number)) WrongType(value, path, "a number", findings);
        else CheckRange(number, low, high, path, findings);
    });

    /// <summary>A number, or a text that is one: upstream writes fractions as texts.</summary>
    public static SettingRule Fraction(double low, double high) => new((value, path, findings) =>
    {
        var number = 0d;
        var ok = value.ValueKind switch
        {
            JsonValueKind.Number => value.TryGetDouble(out number),
            JsonValueKind.String => double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out number),
            _ => false,
        };
        if (ok) CheckRange(number, low, high, path, findings);
        else WrongType(value, path, "a fraction such as \"0.1\"", findings);
    });

    public static SettingRule Duration(TimeSpan low, TimeSpan high) => new((value, path, findings) =>
    {
        if (value.ValueKind != JsonValueKind.String) WrongType(value, path, "a duration such as \"90s\" or \"10m\"", findings);
        else if (value.GetString() is { Length: > 0 } text) CheckDuration(text, low, high, path, findings);
    });

    public static SettingRule TextList() => new((value, path, findings) => CheckTexts(value, path, "a list of texts", findings));

    public static SettingRule TextMap() => new(static (value, path, findings) =>
        Members(value, path, "an object of texts", findings, static (member, at, found) => Text().Check(member, at, found)));

    /// <summary>Zone to list of vSwitch ids.</summary>
    public static SettingRule VSwitches() => new(static (value, path, findings) =>
    {
        if (!Members(
            value, path, "an object from zone to a list of vSwitch ids", findings,
            static (member, at, found) => CheckTexts(member, at, "a list of vSwitch ids", found))) return;
        var zones = value.EnumerateObject().Count(static z => z.Value.ValueKind == JsonValueKind.Array && z.Value.GetArrayLength() > 0);
        if (zones < 3)
        {
            findings.Add(ConfigFinding.Warning(
                path, $"vSwitches of {zones} {(zones == 1 ? "zone" : "zones")}: nodes elsewhere use their own vSwitch, and a zone that fails takes this much of the pool",
                "name vSwitches in at least three zones"));
        }
    });

    /// <summary>A list of <c>{"key", "value"}</c>.</summary>
    public static SettingRule TagList() => new(static (value, path, findings) => Items(value, path, "a list of {\"key\", \"value\"}", findings, static (item, at, found) =>
    {
        if (item.ValueKind != JsonValueKind.Object || !IsText(item, "key") || !IsText(item, "value")) WrongType(item, at, "{\"key\": \"...\", \"value\": \"...\"}", found);
    }));

    /// <summary>A list of <c>{"dst": network}</c>.</summary>
    public static SettingRule Routes() => new(static (value, path, findings) => Items(value, path, "a list of {\"dst\": network}", findings, static (item, at, found) =>
    {
        if (item.ValueKind != JsonValueKind.Object || !IsText(item, "dst")) WrongType(item, at, "{\"dst\": \"10.0.0.0/8\"}", found);
        else if (!CidrText.TryParse(item.GetProperty("dst").GetString()!, out _, out var reason, out var fix)) found.Add(ConfigFinding.Error($"{at}.dst", reason, fix));
    }));

    /// <summary>API name to calls per minute.</summary>
    public static SettingRule RateLimits() => new(static (value, path, findings) =>
        Members(value, path, "an object from API name to calls per minute", findings, static (member, at, found) => Integer(0, 1_000_000).Check(member, at, found)));

    /// <summary>Networks, separated by commas; at most one of each family. Overlaps are <see cref="CidrChecks"/>' business.</summary>
    public static SettingRule Networks() => new(static (value, path, findings) =>
    {
        if (value.ValueKind != JsonValueKind.String) WrongType(value, path, "a text such as \"172.21.0.0/20\"", findings);
        else CidrChecks.Read(value.GetString()!, path, findings);
    });

    /// <summary>A list of networks, of any address family.</summary>
    public static SettingRule NetworkList() => new(static (value, path, findings) =>
    {
        CheckTexts(value, path, "a list of networks such as [\"169.254.20.10/32\"]", findings);
        if (value.ValueKind != JsonValueKind.Array) return;
        var index = 0;
        foreach (var element in value.EnumerateArray())
        {
            var at = $"{path}[{index++}]";
            if (element.ValueKind == JsonValueKind.String && !CidrText.TryParse(element.GetString()!, out _, out var reason, out var fix))
                findings.Add(ConfigFinding.Error(at, reason, fix));
        }
    });

    public static SettingRule Backoffs() => new(static (value, path, findings) =>
    {
        if (!Members(value, path, "an object from key to {duration, factor, jitter, steps, cap}", findings, static (entry, at, found) =>
            Members(entry, at, "an object with duration, factor, jitter, steps, cap", found, static (field, where, into) =>
            {
                var name = where[(where.LastIndexOf('.') + 1)..];
                if (s_backoff.TryGetValue(name, out var rule)) rule.Check(field, where, into);
                else into.Add(ConfigFinding.Warning(where, $"\"{name}\" is not known{NearMiss.Hint(name, s_backoff.Keys)}", $"known are {string.Join(", ", s_backoff.Keys)}"));
            }))) return;
        foreach (var entry in value.EnumerateObject().Where(static e => !s_backoffKeys.Contains(e.Name)))
        {
            findings.Add(ConfigFinding.Warning(
                $"{path}.{entry.Name}", $"\"{entry.Name}\" is not known{NearMiss.Hint(entry.Name, s_backoffKeys)}",
                "known are default, eni_create, eni_ops, eni_ip_ops, eni_release and upstream's others"));
        }
    });

    private static SettingRule BackoffTime() => new(static (value, path, findings) =>
    {
        var (low, high) = (TimeSpan.Zero, TimeSpan.FromHours(1));
        if (value.ValueKind == JsonValueKind.String) CheckDuration(value.GetString()!, low, high, path, findings);
        else if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var nanoseconds)) WrongType(value, path, "a duration such as \"5s\"", findings);
        else if (nanoseconds < 0 || nanoseconds / 100 > high.Ticks) findings.Add(ConfigFinding.Error(path, $"{nanoseconds} ns is out of range", "write a duration from 0 to 1h"));
    });

    private static void CheckDuration(string text, TimeSpan low, TimeSpan high, string path, List<ConfigFinding> findings)
    {
        if (!DurationText.TryParse(text, out var duration)) findings.Add(ConfigFinding.Error(path, $"\"{text}\" is no duration", "write one such as 90s, 10m or 1h30m"));
        else if (duration < low || duration > high) findings.Add(ConfigFinding.Error(path, $"\"{text}\" is out of range", $"write a duration from {Show(low)} to {Show(high)}"));
    }

    private static string Show(TimeSpan time) => time == TimeSpan.Zero ? "0" : time.TotalHours >= 1 ? $"{time.TotalHours}h" : $"{time.TotalSeconds}s";

    private static void CheckRange(double number, double low, double high, string path, List<ConfigFinding> findings)
    {
        if (!(number >= low && number <= high))
            findings.Add(ConfigFinding.Error(path, $"{number.ToString(CultureInfo.InvariantCulture)} is out of range", $"write a number from {low} to {high}"));
    }

    private static void CheckTexts(JsonElement value, string path, string wanted, List<ConfigFinding> findings)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        Items(value, path, wanted, findings, (item, at, found) =>
        {
            if (item.ValueKind != JsonValueKind.String || string.IsNullOrWhiteSpace(item.GetString())) WrongType(item, at, "a text that is not empty", found);
            else if (!seen.Add(item.GetString()!)) found.Add(ConfigFinding.Warning(at, $"\"{item.GetString()}\" is listed twice", "remove one"));
        });
    }

    private static bool Items(JsonElement value, string path, string wanted, List<ConfigFinding> findings, Action<JsonElement, string, List<ConfigFinding>> check)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            WrongType(value, path, wanted, findings);
            return false;
        }

        var index = 0;
        foreach (var item in value.EnumerateArray()) check(item, $"{path}[{index++}]", findings);
        return true;
    }

    private static bool Members(JsonElement value, string path, string wanted, List<ConfigFinding> findings, Action<JsonElement, string, List<ConfigFinding>> check)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            WrongType(value, path, wanted, findings);
            return false;
        }

        foreach (var member in value.EnumerateObject()) check(member.Value, $"{path}.{member.Name}", findings);
        return true;
    }

    private static bool IsText(JsonElement item, string name) => item.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String;

    private static void WrongType(JsonElement value, string path, string wanted, List<ConfigFinding> findings) =>
        findings.Add(ConfigFinding.Error(path, $"{Kind(value)} stands where {wanted} is expected", $"write {wanted}"));

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => $"the number {value.GetRawText()}",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };
}
