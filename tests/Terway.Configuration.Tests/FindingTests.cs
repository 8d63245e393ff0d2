using System.Net;
using Terway.AlibabaCloud.Network;
using Terway.Configuration.Validation;
using Terway.Plugin;

namespace Terway.Configuration.Tests;

public sealed class FindingTests
{
    [Theory]
    // JSON, with the place as editors count it
    [InlineData("{\n  \"version\": \"1\",\n  \"max_pool_size\": 5x\n}", "$", "Error", "line 3, column 21")]
    [InlineData("", "$", "Error", "line 1, column 1")]
    [InlineData("[]", "$", "Error", "must be a JSON object")]
    // Keys
    [InlineData("""{"max_pool_sise": 5}""", "$.max_pool_sise", "Warning", "did you mean \"max_pool_size\"?")]
    [InlineData("""{"maxPoolSize": 5}""", "$.maxPoolSize", "Warning", "did you mean \"max_pool_size\"?")]
    [InlineData("""{"vswitchse": {}}""", "$.vswitchse", "Warning", "did you mean \"vswitches\"?")]
    [InlineData("""{"something": 5}""", "$.something", "Warning", "no known key and has no effect")]
    [InlineData("""{"mtu": 1500, "mtu": 8500}""", "$.mtu", "Warning", "more than once")]
    [InlineData("""{"prefix": "eth"}""", "$.prefix", "Info", "not used")]
    [InlineData("""{"enable_erdma": true}""", "$.enable_erdma", "Info", "not used")]
    [InlineData("""{"ipam_type": "crd"}""", "$.ipam_type", "Info", "not used")]
    [InlineData("""{"kube_client_qps": 5.5}""", "$.kube_client_qps", "Info", "not used")]
    [InlineData("""{"custom_stateful_workload_kinds": ["CloneSet"]}""", "$.custom_stateful_workload_kinds", "Info", "not used")]
    [InlineData("""{"ipv6_prefix_count": 1}""", "$.ipv6_prefix_count", "Info", "one IPv6 prefix")]
    // Types
    [InlineData("""{"max_pool_size": "5"}""", "$.max_pool_size", "Error", "a text stands where a whole number is expected")]
    [InlineData("""{"max_pool_size": 5.5}""", "$.max_pool_size", "Error", "the number 5.5")]
    [InlineData("""{"min_eni": [1]}""", "$.min_eni", "Error", "a list stands")]
    [InlineData("""{"eni_cap_ratio": "1"}""", "$.eni_cap_ratio", "Error", "a number is expected")]
    [InlineData("""{"region_id": 7}""", "$.region_id", "Error", "the number 7")]
    [InlineData("""{"enable_ip_prefix": "true"}""", "$.enable_ip_prefix", "Error", "true or false is expected")]
    [InlineData("""{"security_groups": "sg-1"}""", "$.security_groups", "Error", "a list of texts")]
    [InlineData("""{"security_groups": ["sg-1", 5]}""", "$.security_groups[1]", "Error", "not empty")]
    [InlineData("""{"security_groups": ["sg-1", "sg-1"]}""", "$.security_groups[1]", "Warning", "listed twice")]
    [InlineData("""{"vswitches": ["vsw-1"]}""", "$.vswitches", "Error", "from zone to a list")]
    [InlineData("""{"vswitches": {"a": ["1"], "b": ["2"], "c": ["3"], "d": "4"}}""", "$.vswitches.d", "Error", "a list of vSwitch ids")]
    [InlineData("""{"eni_tags": {"a": 1}}""", "$.eni_tags.a", "Error", "the number 1")]
    [InlineData("""{"eni_tag_block_list": [{"key": "a"}]}""", "$.eni_tag_block_list[0]", "Error", "\"value\"")]
    [InlineData("""{"rate_limit": {"AttachNetworkInterface": "many"}}""", "$.rate_limit.AttachNetworkInterface", "Error", "a whole number")]
    // Ranges
    [InlineData("""{"max_pool_size": -1}""", "$.max_pool_size", "Error", "-1 is out of range")]
    [InlineData("""{"max_pool_size": 70000}""", "$.max_pool_size", "Error", "out of range")]
    [InlineData("""{"ip_wait_timeout": 0}""", "$.ip_wait_timeout", "Error", "out of range")]
    [InlineData("""{"ip_cooldown": 3601}""", "$.ip_cooldown", "Error", "out of range")]
    [InlineData("""{"mtu": 65536}""", "$.mtu", "Error", "out of range")]
    [InlineData("""{"ip_warm_up_size": 65536}""", "$.ip_warm_up_size", "Error", "out of range")]
    [InlineData("""{"idle_ip_reclaim_batch_size": 0}""", "$.idle_ip_reclaim_batch_size", "Error", "out of range")]
    [InlineData("""{"idle_ip_reclaim_jitter_factor": "-0.1"}""", "$.idle_ip_reclaim_jitter_factor", "Error", "out of range")]
    [InlineData("""{"idle_ip_reclaim_jitter_factor": "a tenth"}""", "$.idle_ip_reclaim_jitter_factor", "Error", "a fraction")]
    [InlineData("""{"min_pool_size": 6, "max_pool_size": 5}""", "$.min_pool_size", "Warning", "6 is above max_pool_size 5")]
    [InlineData("""{"min_pool_size": 6}""", "$.min_pool_size", "Warning", "above max_pool_size 0")]
    [InlineData("""{"min_eni": 3, "max_eni": 2}""", "$.min_eni", "Error", "3 is above max_eni 2")]
    [InlineData("""{"enable_ip_prefix": true, "ipv4_prefix_count": 4096}""", "$.ipv4_prefix_count", "Error", "out of range")]
    [InlineData("""{"ipv4_prefix_count": 2}""", "$.ipv4_prefix_count", "Warning", "no effect without enable_ip_prefix")]
    [InlineData("""{"security_groups": ["1","2","3","4","5","6","7","8","9","10"], "security_group": "11"}""", "$.security_groups", "Error", "11 security groups")]
    // Durations
    [InlineData("""{"ip_pool_sync_period": "soon"}""", "$.ip_pool_sync_period", "Error", "no duration")]
    [InlineData("""{"ip_pool_sync_period": 120}""", "$.ip_pool_sync_period", "Error", "\"90s\"")]
    [InlineData("""{"ip_pool_sync_period": "10ms"}""", "$.ip_pool_sync_period", "Error", "out of range")]
    [InlineData("""{"idle_ip_reclaim_after": "5 minutes"}""", "$.idle_ip_reclaim_after", "Error", "no duration")]
    [InlineData("""{"idle_ip_reclaim_interval": "25h"}""", "$.idle_ip_reclaim_interval", "Error", "out of range")]
    [InlineData("""{"backoff_override": {"eni_create": {"duration": "often"}}}""", "$.backoff_override.eni_create.duration", "Error", "no duration")]
    [InlineData("""{"backoff_override": {"eni_create": {"factor": 0.5}}}""", "$.backoff_override.eni_create.factor", "Error", "out of range")]
    [InlineData("""{"backoff_override": {"eni_create": {"durations": "1s"}}}""", "$.backoff_override.eni_create.durations", "Warning", "did you mean \"duration\"?")]
    [InlineData("""{"backoff_override": {"eni_creates": {"duration": "1s"}}}""", "$.backoff_override.eni_creates", "Warning", "did you mean \"eni_create\"?")]
    [InlineData("""{"backoff_override": {"eni_create": "1s"}}""", "$.backoff_override.eni_create", "Error", "duration, factor")]
    // Choices and modes
    [InlineData("""{"vswitch_selection_policy": "randm"}""", "$.vswitch_selection_policy", "Error", "did you mean \"random\"?")]
    [InlineData("""{"eni_selection_policy": "x"}""", "$.eni_selection_policy", "Error", "not known")]
    [InlineData("""{"eniip_virtual_type": "IPVlan"}""", "$.eniip_virtual_type", "Warning", "DataPathV2")]
    [InlineData("""{"vswitches": {"a": ["1"], "b": ["2"]}}""", "$.vswitches", "Warning", "2 zones")]
    [InlineData("""{"ip_stack": "dual", "enable_erdma": true}""", "$.ip_stack", "Error", "eRDMA")]
    [InlineData("""{"access_key": "LTAI"}""", "$.access_key", "Warning", "without access_secret")]
    // Networks
    [InlineData("""{"service_cidr": "172.21.0.0"}""", "$.service_cidr", "Error", "no network in CIDR notation")]
    [InlineData("""{"service_cidr": "172.21.0.0/33"}""", "$.service_cidr", "Error", "prefix length from 0 to 32")]
    [InlineData("""{"service_cidr": "172.21.0.1/20"}""", "$.service_cidr", "Error", "bits set beyond")]
    [InlineData("""{"service_cidr": "172.21.0.0/20,172.22.0.0/20"}""", "$.service_cidr", "Error", "second network of its address family")]
    [InlineData("""{"service_cidr": "10.1.0.0/16"}""", "$.service_cidr", "Error", "overlaps with the node range 10.0.0.0/8")]
    [InlineData("""{"service_cidr": "172.21.0.0/20,fd00::/112"}""", "$.service_cidr", "Error", "overlaps with the pod range fd00::/64")]
    // Plugins
    [InlineData("""{"plugins": [{"name": "SharedENI"}]}""", "$.plugins[0].name", "Warning", "did you mean \"SharedEni\"?")]
    [InlineData("""{"plugins": [{"name": "SharedEni"}, {"name": "SharedEni"}]}""", "$.plugins[1]", "Error", "listed twice")]
    [InlineData("""{"plugins": [{"name": "SharedEni"}, {"name": "ExclusiveEni"}]}""", "$.plugins[1]", "Error", "exclude each other")]
    [InlineData("""{"plugins": [{"name": "NetworkPolicy"}, {"name": "ExclusiveEni"}]}""", "$.plugins[0]", "Error", "exclude each other")]
    [InlineData("""{"plugins": [{"name": "ExclusiveEni"}, {"name": "DataPathV2"}]}""", "$.plugins[1]", "Error", "exclude each other")]
    [InlineData("""{"host_stack_cidrs": ["169.254.20.10/32", "10.0.0.1/24"]}""", "$.host_stack_cidrs[1]", "Error", "beyond its prefix length")]
    [InlineData("""{"plugins": [{"name": "SharedEni", "version": "1.*"}]}""", "$.plugins[0].version", "Error", "floating version")]
    [InlineData("""{"plugins": [{"name": "SharedEni", "version": "new"}]}""", "$.plugins[0].version", "Error", "no version range")]
    [InlineData("""{"plugins": [{"name": "SharedEni", "settings": {"max_pool_size": "5"}}]}""", "$.plugins[0].settings.max_pool_size", "Error", "a whole number")]
    [InlineData("""{"min_pool_size": 5, "plugins": [{"name": "SharedEni", "settings": {"min_pool_size": 9, "max_pool_size": 8}}]}""", "$.plugins[0].settings.min_pool_size", "Warning", "9 is above max_pool_size 8")]
    public void Each_is_found_once_at_its_place(string json, string path, string severity, string reason)
    {
        var context = new ValidationContext
        {
            Networks = [new("node range", IPNetwork.Parse("10.0.0.0/8")), new("pod range", IPNetwork.Parse("fd00::/64"))],
        };
        var found = Check.Findings(json, context).Where(f => f.Finding.Severity.ToString() == severity).ToList();
        var finding = Assert.Single(found);
        Assert.Equal(path, finding.Path);
        Assert.Contains(reason, finding.Finding.Reason + " " + finding.Finding.Fix, StringComparison.Ordinal);
        Assert.NotEmpty(finding.Finding.Fix);
    }

    [Fact]
    public void Whole_configuration_of_upstream_has_nothing_wrong()
    {
        var findings = Check.Findings("""
            {
              "version": "1", "access_key": "LTAI", "access_secret": "s", "credential_path": "/x", "region_id": "cn-hangzhou", "service_cidr": "172.21.0.0/20,fd01::/112",
              "vswitches": {"cn-hangzhou-i": ["vsw-1"], "cn-hangzhou-j": ["vsw-2"], "cn-hangzhou-k": ["vsw-3", "vsw-4"]},
              "eni_tags": {"team": "net"}, "max_pool_size": 5, "min_pool_size": 5, "ip_warm_up_size": 10, "idle_ip_reclaim_after": "30m", "idle_ip_reclaim_batch_size": 5,
              "idle_ip_reclaim_interval": "10m", "idle_ip_reclaim_jitter_factor": "0.1", "min_eni": 0, "max_eni": 3, "security_group": "sg-1", "security_groups": ["sg-1", "sg-2"],
              "eni_cap_ratio": 1, "eni_cap_shift": 0, "vswitch_selection_policy": "ordered", "eni_selection_policy": "least_ips", "ip_stack": "ipv4", "enable_eni_trunking": false,
              "enable_erdma": false, "backoff_override": {"eni_create": {"duration": "10s", "factor": 2, "jitter": 0.3, "steps": 2}, "wait_node_status": {"duration": 1000000000}},
              "disable_device_plugin": false, "eni_tag_filter": {"a": "b"}, "eni_tag_block_list": [{"key": "k", "value": "v"}], "resource_group_id": "rg-1",
              "rate_limit": {"AttachNetworkInterface": 100}, "ip_pool_sync_period": "120s", "enable_ip_prefix": false, "ipv4_prefix_count": 0, "eniip_virtual_type": "datapathv2",
              "ip_cooldown": 130, "ip_wait_timeout": 60, "mtu": 1500, "enable_patch_pod_ips": null
            }
            """, new ValidationContext { InstanceType = InstanceTypeTable.Find("ecs.g7.4xlarge") });
        Assert.Empty(findings);
    }

    [Fact]
    public void All_are_found_at_once_and_errors_come_first()
    {
        var findings = Check.Findings("""{"max_pool_sise": 1, "mtu": -1, "prefix": "x", "ip_pool_sync_period": "x", "plugins": [{"name": "SharedEni", "version": "x"}]}""");
        Assert.Equal(
            ["$.ip_pool_sync_period", "$.mtu", "$.plugins[0].version", "$.max_pool_sise", "$.prefix"], findings.Select(static f => f.Path));
    }

    [Fact]
    public void Values_that_nothing_acts_on_never_keep_a_node_from_serving() =>
        Assert.DoesNotContain(
            Check.Findings("""{"kube_client_burst": "x", "extra_routes": [{"dst": "nowhere"}], "enable_patch_pod_ips": 1, "prefix": 5}"""),
            static f => f.Finding.Severity == FindingSeverity.Error);

    [Fact]
    public void Secrets_are_not_shown()
    {
        foreach (var finding in Check.Findings("""{"access_secret": ["verysecret"], "access_key": {"a": "verysecret"}, "credential_path": 5}"""))
            Assert.DoesNotContain("verysecret", finding.ToString(), StringComparison.Ordinal);
    }
}
