using System.Collections.Immutable;
using System.Globalization;
using Terway.Lab.Cloud;
using Terway.Lab.Cluster;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Terway.Lab.Config;

/// <summary>Reads a region's YAML. A section that is absent is that of <see cref="LabConfig.Default"/>.</summary>
public static class LabConfigReader
{
    private static readonly Dictionary<string, AddressReuse> s_reuses = new()
    {
        ["lowest-free"] = AddressReuse.LowestFree,
        ["last-released"] = AddressReuse.LastReleased,
        ["round-robin"] = AddressReuse.RoundRobin,
    };

    private static readonly Dictionary<string, RuleDirection> s_directions = new() { ["ingress"] = RuleDirection.Ingress, ["egress"] = RuleDirection.Egress };

    private static readonly Dictionary<string, RulePolicy> s_policies = new() { ["accept"] = RulePolicy.Accept, ["drop"] = RulePolicy.Drop };

    private static readonly Dictionary<string, bool> s_intraGroup = new() { ["accept"] = true, ["drop"] = false };

    private static readonly Dictionary<string, RuleProtocol> s_protocols = new()
    {
        ["all"] = RuleProtocol.All,
        ["tcp"] = RuleProtocol.Tcp,
        ["udp"] = RuleProtocol.Udp,
        ["icmp"] = RuleProtocol.Icmp,
        ["icmpv6"] = RuleProtocol.IcmpV6,
    };

    /// <exception cref="LabConfigException">With every problem found.</exception>
    public static LabConfig ReadFile(string path) => Parse(File.ReadAllText(path), path);

    /// <param name="source">What to call the text in messages.</param>
    /// <exception cref="LabConfigException">With every problem found.</exception>
    public static LabConfig Parse(string yaml, string source = "region.yaml")
    {
        var problems = new List<ConfigProblem>();
        var config = Read(Load(yaml, problems), problems);
        // Only a configuration that was read whole is worth checking as a whole: otherwise defaults stand in for what was meant.
        if (problems.Count == 0)
            problems.AddRange(LabConfigValidator.Validate(config));
        return problems.Count == 0 ? config : throw new LabConfigException(source, [.. problems]);
    }

    private static YamlMappingNode? Load(string yaml, List<ConfigProblem> problems)
    {
        var stream = new YamlStream();
        try
        {
            using var reader = new StringReader(yaml);
            stream.Load(reader);
        }
        catch (YamlException e)
        {
            problems.Add(new ConfigProblem("(file)", (int)e.Start.Line, $"is not valid YAML: {e.InnerException?.Message ?? e.Message}", "Correct the syntax"));
            return null;
        }
        if (stream.Documents.Count == 0)
            return null;
        if (stream.Documents[0].RootNode is YamlMappingNode map)
            return map;
        problems.Add(new ConfigProblem("(file)", 1, "is not a mapping", "Start with a key such as 'region: cn-hangzhou'"));
        return null;
    }

    private static LabConfig Read(YamlMappingNode? node, List<ConfigProblem> problems)
    {
        var standard = LabConfig.Default;
        var root = new YamlMap("", node, problems);
        var config = new LabConfig
        {
            RegionId = root.Text("region", standard.RegionId),
            AccountId = root.Text("account_id", standard.AccountId),
            Vpc = Section(root, "vpc", ReadVpc, standard.Vpc),
            VSwitches = root.List("vswitches", ReadVSwitch, standard.VSwitches),
            SecurityGroups = root.List("security_groups", ReadGroup, standard.SecurityGroups),
            Nodes = root.List("nodes", ReadNode, standard.Nodes),
            InstanceTypes = root.List("instance_types", ReadInstanceType, standard.InstanceTypes),
            AccessKeys = root.List("access_keys", ReadAccessKey, standard.AccessKeys),
            RamRole = Section(root, "ram_role", ReadRole, standard.RamRole),
            Metadata = Section(root, "metadata", ReadMetadata, standard.Metadata),
            Delays = Section(root, "delays", ReadDelays, standard.Delays),
            Quotas = Section(root, "quotas", ReadQuotas, standard.Quotas),
            Throttles = Section(root, "throttles", ReadThrottles, standard.Throttles),
            AddressReuse = root.Choice("address_reuse", s_reuses, standard.AddressReuse),
            Nat = root.Flag("nat", standard.Nat),
        };
        root.Finish();
        return config;
    }

    private static T Section<T>(YamlMap root, string key, Func<YamlMap, T, T> read, T standard)
    {
        if (root.Map(key) is not { } map)
            return standard;
        var section = read(map, standard);
        map.Finish();
        return section;
    }

    private static VpcConfig ReadVpc(YamlMap map, VpcConfig standard) => new()
    {
        Id = map.Text("id", standard.Id),
        Cidr = map.Cidr("cidr") ?? standard.Cidr,
        Ipv6Cidr = map.Cidr("ipv6_cidr"),
    };

    private static VSwitchConfig ReadVSwitch(YamlMap map)
    {
        if (!map.Has("cidr"))
            map.Problem("cidr", "is missing", "Add it, for example 'cidr: 10.0.16.0/22'");
        return new VSwitchConfig
        {
            Id = map.Required("id", "vsw-pods"),
            ZoneId = map.Required("zone", "cn-hangzhou-i"),
            Cidr = map.Cidr("cidr") ?? default,
            Ipv6Cidr = map.Cidr("ipv6_cidr"),
        };
    }

    private static SecurityGroupConfig ReadGroup(YamlMap map) => new()
    {
        Id = map.Required("id", "sg-cluster"),
        Name = map.Text("name", ""),
        Enterprise = map.Flag("enterprise", false),
        IntraGroupAccept = map.Has("intra_group") ? map.Choice("intra_group", s_intraGroup, true) : null,
        Rules = map.List("rules", ReadRule, []),
    };

    private static SecurityGroupRule ReadRule(YamlMap map)
    {
        map.Required("direction", "ingress");
        var (from, to) = ReadPorts(map);
        var rule = new SecurityGroupRule
        {
            Direction = map.Choice("direction", s_directions, RuleDirection.Ingress),
            Policy = map.Choice("policy", s_policies, RulePolicy.Accept),
            Priority = map.Number("priority", 1, 100, 1),
            Protocol = map.Choice("protocol", s_protocols, RuleProtocol.All),
            FromPort = from,
            ToPort = to,
        };
        var peer = map.Required("peer", "10.0.0.0/16");
        if (StrictCidr.TryParse(peer, out var network))
            return rule with { PeerCidr = network };
        if (peer.Contains('/', StringComparison.Ordinal))
            map.Problem("peer", $"'{peer}' is not a network", "Write the first address and the prefix length, or the id of a security group");
        return rule with { PeerGroupId = peer };
    }

    private static (int From, int To) ReadPorts(YamlMap map)
    {
        if (map.OptionalText("ports") is not { } text)
            return (0, 65535);
        var parts = text.Split('-');
        if (parts.Length is 1 or 2
            && ushort.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var from)
            && ushort.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var to)
            && from <= to)
            return (from, to);
        map.Problem("ports", $"'{text}' is not a port or a range", "Write 80 or 8000-8099");
        return (0, 65535);
    }

    private static NodeConfig ReadNode(YamlMap map) => new()
    {
        Name = map.Required("name", "node1"),
        InstanceType = map.Required("type", "ecs.g7.4xlarge"),
        VSwitchId = map.Required("vswitch", "vsw-nodes"),
        Ipv6AddressCount = map.Number("ipv6_addresses", 0, 10, 0),
        SecurityGroupIds = map.Strings("security_groups", []),
        Pool = map.Has("pool") ? map.Choice("pool", PoolConfig.ByName.ToDictionary(static p => p.Key, static p => p.Key), "shared") : null,
        Tags = map.Pairs("tags"),
    };

    private static InstanceType ReadInstanceType(YamlMap map)
    {
        var enis = map.Number("enis", 1, 64, 1);
        return new InstanceType(
            map.Required("id", "ecs.lab.large"),
            map.Number("cpus", 1, 1024, 2),
            map.Number("memory_gib", 1, 4096, 8),
            enis,
            map.Number("total_enis", enis, 4096, enis),
            map.Number("ipv4_per_eni", 1, 256, 1),
            map.Number("ipv6_per_eni", 0, 256, 0),
            map.Flag("trunk", false),
            map.Number("eris", 0, 64, 0));
    }

    private static AccessKeyConfig ReadAccessKey(YamlMap map) => new()
    {
        Id = map.Required("id", "LTAI5tLab"),
        Secret = map.Required("secret", "not-a-real-one"),
    };

    private static RamRoleConfig ReadRole(YamlMap map, RamRoleConfig standard) => new()
    {
        Name = map.Text("name", standard.Name),
        CredentialLifetime = map.Duration("credential_lifetime", standard.CredentialLifetime),
        Allow = map.Strings("allow", standard.Allow),
    };

    private static MetadataConfig ReadMetadata(YamlMap map, MetadataConfig standard) => new()
    {
        TokenRequired = map.Flag("token_required", standard.TokenRequired),
        Lag = map.Duration("lag", standard.Lag),
    };

    private static DelayConfig ReadDelays(YamlMap map, DelayConfig standard) => new()
    {
        Attach = map.Duration("attach", standard.Attach),
        Detach = map.Duration("detach", standard.Detach),
        Delete = map.Duration("delete", standard.Delete),
        Call = map.Duration("call", standard.Call),
    };

    private static QuotaConfig ReadQuotas(YamlMap map, QuotaConfig standard) => new()
    {
        Enis = map.Number("enis", 0, int.MaxValue, standard.Enis),
        PrivateIpsPerVpc = map.Number("private_ips_per_vpc", 0, int.MaxValue, standard.PrivateIpsPerVpc),
        PrivateIpsPerBasicGroup = map.Number("private_ips_per_basic_group", 0, int.MaxValue, standard.PrivateIpsPerBasicGroup),
        PrivateIpsPerEnterpriseGroup = map.Number("private_ips_per_enterprise_group", 0, int.MaxValue, standard.PrivateIpsPerEnterpriseGroup),
        SecurityGroupsPerEni = map.Number("security_groups_per_eni", 1, 16, standard.SecurityGroupsPerEni),
        PrivateIpsPerDetachedEni = map.Number("private_ips_per_detached_eni", 1, 256, standard.PrivateIpsPerDetachedEni),
    };

    private static ThrottleConfig ReadThrottles(YamlMap map, ThrottleConfig standard)
    {
        var perAction = standard.PerAction;
        foreach (var action in map.Keys.Where(static k => k != "default").ToImmutableArray())
            perAction = perAction.SetItem(action, map.Number(action, 1, int.MaxValue, standard.Default));
        return new ThrottleConfig { Default = map.Number("default", 1, int.MaxValue, standard.Default), PerAction = perAction };
    }
}
