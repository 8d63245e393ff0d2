using System.Text.Json;

namespace Terway.EniPool.Configuration;

/// <summary>Reads the pool's settings out of eni_conf. Goes on after a problem, so that all of them are told at once.</summary>
internal sealed class SettingsReader
{
    private const int MaxSecurityGroups = 10;

    private const int MaxAddresses = 65535;

    private readonly NodeFacts _node;
    private readonly List<SettingProblem> _problems = [];
    private readonly JsonSettings _json;

    private SettingsReader(JsonElement root, NodeFacts node)
    {
        _node = node;
        _json = new JsonSettings(root, "$", _problems);
    }

    public static (PoolSettings Settings, IReadOnlyList<SettingProblem> Problems) Read(JsonElement root, NodeFacts node)
    {
        var reader = new SettingsReader(root, node);
        if (root.ValueKind is not (JsonValueKind.Object or JsonValueKind.Undefined))
        {
            return (new PoolSettings { VSwitches = [node.VSwitchId] }, [new("$", $"eni_conf is a {JsonSettings.Kind(root)}", "write a JSON object")]);
        }

        return (reader.ReadAll(), reader._problems);
    }

    private PoolSettings ReadAll()
    {
        var min = _json.Integer("min_pool_size", 0, 0, MaxAddresses);
        var max = _json.Integer("max_pool_size", 0, 0, MaxAddresses);
        var minEni = _json.Integer("min_eni", 0, 0, 1000);
        var maxEni = _json.Integer("max_eni", 0, 0, 1000);
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
            EniCapRatio = _json.Number("eni_cap_ratio", 1),
            EniCapShift = _json.Integer("eni_cap_shift", 0, -1000, 1000),
            VSwitches = VSwitches(),
            VSwitchPolicy = _json.Choice("vswitch_selection_policy", VSwitchPolicy.Random, ("random", VSwitchPolicy.Random),
                ("ordered", VSwitchPolicy.Ordered), ("most", VSwitchPolicy.Most)),
            EniPolicy = _json.Choice("eni_selection_policy", EniPolicy.MostIps, ("most_ips", EniPolicy.MostIps), ("least_ips", EniPolicy.LeastIps)),
            SecurityGroups = SecurityGroups(),
            EniTags = _json.Tags("eni_tags"),
            EniTagFilter = _json.Tags("eni_tag_filter"),
            EniTagBlockList = _json.TagList("eni_tag_block_list"),
            ResourceGroupId = _json.Text("resource_group_id"),
            SyncPeriod = _json.Duration("ip_pool_sync_period", TimeSpan.FromSeconds(120)),
            Mtu = _json.Integer("mtu", 0, 0, 65535),
            Cooldown = TimeSpan.FromSeconds(_json.Integer("ip_cooldown", (int)PoolSettings.DefaultCooldown.TotalSeconds, 0, 3600)),
            WaitLimit = TimeSpan.FromSeconds(_json.Integer("ip_wait_timeout", 60, 1, 600)),
            WarmUp = _json.Integer("ip_warm_up_size", 0, 0, MaxAddresses),
            IdleReclaim = IdleReclaim(),
            Backoffs = BackoffOverrides.Read(_json),
            UsePrefixes = _json.Flag("enable_ip_prefix"),
            PrefixCount = _json.Integer("ipv4_prefix_count", 0, 0, MaxAddresses / 16),
        };
    }

    private IdleReclaimSettings? IdleReclaim()
    {
        // Read in any case: a mistake is told although the feature is off.
        var batch = _json.Integer("idle_ip_reclaim_batch_size", 5, 1, 1000);
        var interval = _json.Duration("idle_ip_reclaim_interval", TimeSpan.FromMinutes(10));
        var jitter = _json.Fraction("idle_ip_reclaim_jitter_factor", 0.1);
        return _json.Duration("idle_ip_reclaim_after", TimeSpan.Zero) is { Ticks: > 0 } after ? new(after, batch, interval, jitter) : null;
    }

    private List<string> VSwitches()
    {
        if (!_json.Find("vswitches", out var zones))
        {
            return [_node.VSwitchId];
        }

        if (zones.ValueKind != JsonValueKind.Object)
        {
            _json.WrongType("$.vswitches", zones, "an object from zone to a list of vSwitch ids");
            return [_node.VSwitchId];
        }

        var own = new List<string>();
        var any = false;
        foreach (var zone in zones.EnumerateObject())
        {
            var ids = _json.Strings($"$.vswitches.{zone.Name}", zone.Value);
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
        var groups = _json.Find("security_groups", out var list) ? _json.Strings("$.security_groups", list) : [];
        if (_json.Text("security_group") is { } single && !groups.Contains(single))
        {
            groups.Insert(0, single);
        }

        if (groups.Count > MaxSecurityGroups)
        {
            _problems.Add(new("$.security_groups", $"{groups.Count} security groups are given", $"an ENI takes at most {MaxSecurityGroups}"));
        }

        return groups;
    }
}
