namespace Terway.Configuration.Validation;

/// <summary>A key of eni_conf.</summary>
/// <param name="Name">As it is written.</param>
/// <param name="Rule">What its value may be; null when <see cref="NodePoolConfig"/> checks it.</param>
/// <param name="NotUsed">Why nothing acts on it, or null when something does.</param>
internal sealed record KnownKey(string Name, SettingRule? Rule, string? NotUsed = null);

/// <summary>The keys of eni_conf: upstream Terway's, and those that Terway.NET adds.</summary>
internal static class KnownKeys
{
    private const int MaxAddresses = 65535;
    private const string ControlPlane = "the control plane does this";
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    private static readonly KnownKey[] s_all =
    [
        new("version", null),
        new("plugins", null),

        // Credentials and cloud
        new("access_key", SettingRule.Text()),
        new("access_secret", SettingRule.Text()),
        new("credential_path", SettingRule.Text()),
        new("region_id", SettingRule.Text()),
        new("rate_limit", SettingRule.RateLimits()),

        // Modes, as upstream says them
        new("eniip_virtual_type", null),
        new("enable_eni_trunking", null),
        new("ip_stack", null),

        // ENIs
        new("vswitches", SettingRule.VSwitches()),
        new("vswitch_selection_policy", SettingRule.Choice("random", "ordered", "most")),
        new("eni_selection_policy", SettingRule.Choice("most_ips", "least_ips")),
        new("security_group", SettingRule.Text()),
        new("security_groups", SettingRule.TextList()),
        new("eni_tags", SettingRule.TextMap()),
        new("eni_tag_filter", SettingRule.TextMap()),
        new("eni_tag_block_list", SettingRule.TagList()),
        new("resource_group_id", SettingRule.Text()),
        new("min_eni", SettingRule.Integer(0, 1000)),
        new("max_eni", SettingRule.Integer(0, 1000)),
        new("eni_cap_ratio", SettingRule.Number(0, 1000)),
        new("eni_cap_shift", SettingRule.Integer(-1000, 1000)),
        new("mtu", SettingRule.Integer(0, MaxAddresses)),

        // Addresses
        new("min_pool_size", SettingRule.Integer(0, MaxAddresses)),
        new("max_pool_size", SettingRule.Integer(0, MaxAddresses)),
        new("ip_warm_up_size", SettingRule.Integer(0, MaxAddresses)),
        new("idle_ip_reclaim_after", SettingRule.Duration(TimeSpan.FromSeconds(1), s_day)),
        new("idle_ip_reclaim_batch_size", SettingRule.Integer(1, 1000)),
        new("idle_ip_reclaim_interval", SettingRule.Duration(TimeSpan.FromSeconds(1), s_day)),
        new("idle_ip_reclaim_jitter_factor", SettingRule.Fraction(0, 1000)),
        new("ip_pool_sync_period", SettingRule.Duration(TimeSpan.FromSeconds(1), s_day)),
        new("ip_cooldown", SettingRule.Integer(0, 3600)),
        new("ip_wait_timeout", SettingRule.Integer(1, 600)),
        new("enable_ip_prefix", SettingRule.Flag()),
        new("ipv4_prefix_count", SettingRule.Integer(0, MaxAddresses / 16)),
        new("backoff_override", SettingRule.Backoffs()),
        new("service_cidr", SettingRule.Networks()),
        new("host_stack_cidrs", SettingRule.NetworkList()),
        new("disable_host_peer", SettingRule.Flag()),

        // Known, and without effect
        new("prefix", SettingRule.Text(), "upstream has not used it for years either"),
        new("enable_erdma", SettingRule.Flag(), "ENIs with eRDMA are not offered"),
        new("custom_stateful_workload_kinds", SettingRule.TextList(), ControlPlane),
        new("ipam_type", SettingRule.Choice("", "crd", "default"), "the node's pool gives addresses; there is no central one"),
        new("extra_routes", SettingRule.Routes(), "a pod's traffic takes its ENI as a whole"),
        new("disable_device_plugin", SettingRule.Flag(), "there is no device plugin"),
        new("kube_client_qps", SettingRule.Number(0, 1_000_000), "the daemon asks the API server for too little to limit it"),
        new("kube_client_burst", SettingRule.Integer(0, 1_000_000), "the daemon asks the API server for too little to limit it"),
        new("enable_patch_pod_ips", SettingRule.Flag(), ControlPlane),
        new("ipv6_prefix_count", SettingRule.Integer(0, 1), "an ENI of a dual-stack pool gets one IPv6 prefix, which holds all its pods"),
    ];

    private static readonly Dictionary<string, KnownKey> s_byName = s_all.ToDictionary(static k => k.Name, StringComparer.Ordinal);

    /// <summary>All names.</summary>
    public static IReadOnlyCollection<string> Names => s_byName.Keys;

    /// <summary>The key of this name, or null.</summary>
    public static KnownKey? Find(string name) => s_byName.GetValueOrDefault(name);
}
