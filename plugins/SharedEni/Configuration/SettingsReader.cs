using System.Globalization;
using System.Text.Json;

namespace Terway.Plugins.SharedEni.Configuration;

/// <summary>Reads the pool's settings out of eni_conf. Goes on after a problem, so that all of them are told at once.</summary>
internal sealed class SettingsReader
{
    private const int MaxSecurityGroups = 10;

    private readonly JsonElement _root;
    private readonly NodeFacts _node;
    private readonly List<SettingProblem> _problems = [];

    private SettingsReader(JsonElement root, NodeFacts node)
    {
        _root = root;
        _node = node;
    }

    public static (PoolSettings Settings, IReadOnlyList<SettingProblem> Problems) Read(JsonElement root, NodeFacts node)
    {
        var reader = new SettingsReader(root, node);
        if (root.ValueKind is not (JsonValueKind.Object or JsonValueKind.Undefined))
        {
            return (new PoolSettings { VSwitches = [node.VSwitchId] }, [new("$", $"eni_conf is a {Kind(root)}", "write a JSON object")]);
        }

        return (reader.ReadAll(), reader._problems);
    }

    private PoolSettings ReadAll()
    {
        var min = Integer("min_pool_size", 0, 0, 65535);
        var max = Integer("max_pool_size", 0, 0, 65535);
        var minEni = Integer("min_eni", 0, 0, 1000);
        var maxEni = Integer("max_eni", 0, 0, 1000);
        if (min > max)
        {
            _problems.Add(new(
                "$.min_pool_size", $"min_pool_size {min} is above max_pool_size {max}; {max} is used for both",
                $"raise max_pool_size to at least {min}", Fatal: false));
            min = max;
        }

        if (maxEni > 0 && minEni > maxEni)
        {
            _problems.Add(new("$.min_eni", $"min_eni {minEni} is above max_eni {maxEni}", $"write at most {maxEni}"));
        }

        return new PoolSettings
        {
            MinPool = min,
            MaxPool = max,
            MinEni = minEni,
            MaxEni = maxEni,
            EniCapRatio = Number("eni_cap_ratio", 1),
            EniCapShift = Integer("eni_cap_shift", 0, -1000, 1000),
            VSwitches = VSwitches(),
            VSwitchPolicy = Choice("vswitch_selection_policy", VSwitchPolicy.Random, ("random", VSwitchPolicy.Random),
                ("ordered", VSwitchPolicy.Ordered), ("most", VSwitchPolicy.Most)),
            EniPolicy = Choice("eni_selection_policy", EniPolicy.MostIps, ("most_ips", EniPolicy.MostIps), ("least_ips", EniPolicy.LeastIps)),
            SecurityGroups = SecurityGroups(),
            EniTags = Tags("eni_tags"),
            EniTagFilter = Tags("eni_tag_filter"),
            EniTagBlockList = TagList("eni_tag_block_list"),
            ResourceGroupId = Text("resource_group_id"),
            SyncPeriod = Duration("ip_pool_sync_period", TimeSpan.FromSeconds(120)),
            Mtu = Integer("mtu", 0, 0, 65535),
            Cooldown = TimeSpan.FromSeconds(Integer("ip_cooldown", (int)PoolSettings.DefaultCooldown.TotalSeconds, 0, 3600)),
            WaitLimit = TimeSpan.FromSeconds(Integer("ip_wait_timeout", 60, 1, 600)),
        };
    }

    private static string Kind(JsonElement value) => value.ValueKind.ToString().ToLowerInvariant();

    private bool Find(string name, out JsonElement value)
    {
        value = default;
        return _root.ValueKind == JsonValueKind.Object && _root.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    private void WrongType(string path, JsonElement value, string wanted) =>
        _problems.Add(new(path, $"a {Kind(value)} stands where {wanted} is expected", $"write {wanted}"));

    private int Integer(string name, int fallback, int low, int high)
    {
        if (!Find(name, out var value))
        {
            return fallback;
        }

        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var number))
        {
            WrongType($"$.{name}", value, "a whole number");
            return fallback;
        }

        if (number < low || number > high)
        {
            _problems.Add(new($"$.{name}", $"{number} is out of range", $"write a number from {low} to {high}"));
            return fallback;
        }

        return number;
    }

    private double Number(string name, double fallback)
    {
        if (!Find(name, out var value))
        {
            return fallback;
        }

        if (value.ValueKind != JsonValueKind.Number)
        {
            WrongType($"$.{name}", value, "a number");
            return fallback;
        }

        var number = value.GetDouble();
        if (number is < 0 or > 1000)
        {
            _problems.Add(new($"$.{name}", $"{number.ToString(CultureInfo.InvariantCulture)} is out of range", "write a share such as 0.5 or 1"));
            return fallback;
        }

        // Upstream takes 0, its language's empty value, for "not set".
        return number == 0 ? fallback : number;
    }

    private string? Text(string name)
    {
        if (!Find(name, out var value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            WrongType($"$.{name}", value, "a string");
            return null;
        }

        var text = value.GetString();
        return string.IsNullOrWhiteSpace(text) ? null : text.Trim();
    }

    private TimeSpan Duration(string name, TimeSpan fallback)
    {
        var text = Text(name);
        if (text is null)
        {
            return fallback;
        }

        if (!GoDuration.TryParse(text, out var duration) || duration < TimeSpan.FromSeconds(1) || duration > TimeSpan.FromDays(1))
        {
            _problems.Add(new($"$.{name}", $"'{text}' is no duration from 1s to 24h", "write one such as 120s or 5m"));
            return fallback;
        }

        return duration;
    }

    private T Choice<T>(string name, T fallback, params (string Name, T Value)[] choices)
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

        _problems.Add(new($"$.{name}", $"'{text}' is not known", $"write one of {string.Join(", ", choices.Select(c => c.Name))}"));
        return fallback;
    }

    private List<string> Strings(string path, JsonElement value)
    {
        var result = new List<string>();
        if (value.ValueKind != JsonValueKind.Array)
        {
            WrongType(path, value, "a list of strings");
            return result;
        }

        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String || string.IsNullOrWhiteSpace(item.GetString()))
            {
                WrongType($"{path}[{index}]", item, "a string that is not empty");
            }
            else if (!result.Contains(item.GetString()!))
            {
                result.Add(item.GetString()!);
            }

            index++;
        }

        return result;
    }

    private List<string> VSwitches()
    {
        if (!Find("vswitches", out var zones))
        {
            return [_node.VSwitchId];
        }

        if (zones.ValueKind != JsonValueKind.Object)
        {
            WrongType("$.vswitches", zones, "an object from zone to a list of vSwitch ids");
            return [_node.VSwitchId];
        }

        var own = new List<string>();
        var any = false;
        foreach (var zone in zones.EnumerateObject())
        {
            var ids = Strings($"$.vswitches.{zone.Name}", zone.Value);
            any |= ids.Count > 0;
            if (zone.Name == _node.ZoneId)
            {
                own = ids;
            }
        }

        if (own.Count > 0)
        {
            return own;
        }

        if (any)
        {
            _problems.Add(new(
                "$.vswitches", $"no vSwitch is given for the node's zone {_node.ZoneId}; the node's own vSwitch {_node.VSwitchId} is used",
                $"add \"{_node.ZoneId}\": [\"vsw-...\"]", Fatal: false));
        }

        return [_node.VSwitchId];
    }

    private List<string> SecurityGroups()
    {
        var groups = Find("security_groups", out var list) ? Strings("$.security_groups", list) : [];
        if (Text("security_group") is { } single && !groups.Contains(single))
        {
            groups.Insert(0, single);
        }

        if (groups.Count > MaxSecurityGroups)
        {
            _problems.Add(new("$.security_groups", $"{groups.Count} security groups are given", $"an ENI takes at most {MaxSecurityGroups}"));
        }

        return groups;
    }

    private List<EniTag> Tags(string name)
    {
        var tags = new List<EniTag>();
        if (!Find(name, out var value))
        {
            return tags;
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            WrongType($"$.{name}", value, "an object from tag to value");
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
                WrongType($"$.{name}.{tag.Name}", tag.Value, "a string");
            }
        }

        return tags;
    }

    private List<EniTag> TagList(string name)
    {
        var tags = new List<EniTag>();
        if (!Find(name, out var value))
        {
            return tags;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            WrongType($"$.{name}", value, "a list of {\"key\", \"value\"}");
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
                WrongType($"$.{name}[{index}]", item, "{\"key\": string, \"value\": string}");
            }

            index++;
        }

        return tags;
    }
}
