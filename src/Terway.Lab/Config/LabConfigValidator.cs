using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Terway.Lab.Cloud;

namespace Terway.Lab.Config;

/// <summary>Checks what only the whole configuration shows: ranges, references, limits.</summary>
public static class LabConfigValidator
{
    /// <summary>Cloud services live here; a VPC cannot use it.</summary>
    private static readonly IPNetwork s_services = IPNetwork.Parse("100.64.0.0/10");

    public static ImmutableArray<ConfigProblem> Validate(LabConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var problems = ImmutableArray.CreateBuilder<ConfigProblem>();
        CheckVpc(config, problems);
        CheckVSwitches(config, problems);
        CheckGroups(config, problems);
        CheckNodes(config, problems);
        CheckUnique("access_keys", config.AccessKeys.Select(static k => k.Id), problems);
        if (config.RamRole.CredentialLifetime < TimeSpan.FromSeconds(1))
            Add(problems, "ram_role.credential_lifetime", "is shorter than a second", "Give credentials time to be used, 15m or more as in the cloud");
        return problems.ToImmutable();
    }

    private static void CheckVpc(LabConfig config, ImmutableArray<ConfigProblem>.Builder problems)
    {
        var cidr = config.Vpc.Cidr;
        if (cidr.BaseAddress.AddressFamily != AddressFamily.InterNetwork || cidr.PrefixLength is < 8 or > 28)
            Add(problems, "vpc.cidr", $"{cidr} is not an IPv4 network from /8 to /28", "Use for example 10.0.0.0/16");
        else if (Overlap(cidr, s_services))
            Add(problems, "vpc.cidr", $"{cidr} overlaps {s_services}, where the cloud's own services are", "Use a range of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16");
        if (config.Vpc.Ipv6Cidr is { } v6 && (v6.BaseAddress.AddressFamily != AddressFamily.InterNetworkV6 || v6.PrefixLength != 56))
            Add(problems, "vpc.ipv6_cidr", $"{v6} is not an IPv6 /56", "Use for example 2408:4005:1000::/56");
    }

    private static void CheckVSwitches(LabConfig config, ImmutableArray<ConfigProblem>.Builder problems)
    {
        CheckUnique("vswitches", config.VSwitches.Select(static v => v.Id), problems);
        for (var i = 0; i < config.VSwitches.Length; i++)
        {
            var vSwitch = config.VSwitches[i];
            var path = $"vswitches[{i}]";
            if (!vSwitch.ZoneId.StartsWith(config.RegionId + "-", StringComparison.Ordinal))
                Add(problems, $"{path}.zone", $"'{vSwitch.ZoneId}' is not a zone of {config.RegionId}", $"Use for example {config.RegionId}-i");
            if (vSwitch.Cidr.BaseAddress is not { AddressFamily: AddressFamily.InterNetwork } || vSwitch.Cidr.PrefixLength is < 16 or > 29)
            {
                Add(problems, $"{path}.cidr", $"{vSwitch.Cidr} is not an IPv4 network from /16 to /29", "Use for example 10.0.16.0/22");
                continue;
            }
            if (!Inside(vSwitch.Cidr, config.Vpc.Cidr))
                Add(problems, $"{path}.cidr", $"{vSwitch.Cidr} is not inside the VPC's {config.Vpc.Cidr}", "Choose a part of it, or enlarge vpc.cidr");
            for (var j = 0; j < i; j++)
            {
                if (Overlap(vSwitch.Cidr, config.VSwitches[j].Cidr))
                    Add(problems, $"{path}.cidr", $"{vSwitch.Cidr} overlaps {config.VSwitches[j].Cidr} of {config.VSwitches[j].Id}", "Choose ranges that do not meet");
            }
            CheckIpv6(config, vSwitch, i, path, problems);
        }
    }

    private static void CheckIpv6(LabConfig config, VSwitchConfig vSwitch, int index, string path, ImmutableArray<ConfigProblem>.Builder problems)
    {
        if (vSwitch.Ipv6Cidr is not { } v6)
            return;
        if (config.Vpc.Ipv6Cidr is not { } vpc)
            Add(problems, $"{path}.ipv6_cidr", "is given, but the VPC has no IPv6 range", "Add vpc.ipv6_cidr, a /56");
        else if (v6.PrefixLength != 64 || !Inside(v6, vpc))
            Add(problems, $"{path}.ipv6_cidr", $"{v6} is not a /64 inside {vpc}", "Choose one of its 256");
        if (config.VSwitches.Take(index).Any(o => o.Ipv6Cidr is { } other && other.Equals(v6)))
            Add(problems, $"{path}.ipv6_cidr", $"{v6} is another vSwitch's too", "Choose another /64");
    }

    private static void CheckGroups(LabConfig config, ImmutableArray<ConfigProblem>.Builder problems)
    {
        CheckUnique("security_groups", config.SecurityGroups.Select(static g => g.Id), problems);
        var ids = config.SecurityGroups.Select(static g => g.Id).ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < config.SecurityGroups.Length; i++)
        {
            for (var j = 0; j < config.SecurityGroups[i].Rules.Length; j++)
            {
                var rule = config.SecurityGroups[i].Rules[j];
                var path = $"security_groups[{i}].rules[{j}]";
                if (rule.PeerGroupId is { } peer && !ids.Contains(peer))
                    Add(problems, $"{path}.peer", $"'{peer}' is neither a network nor a security group", $"Use a network or one of {string.Join(", ", ids)}");
                if ((rule.PeerCidr is null) == (rule.PeerGroupId is null))
                    Add(problems, $"{path}.peer", "must be a network or a group, one of the two", "Set one");
                if (rule.Protocol is not (RuleProtocol.Tcp or RuleProtocol.Udp) && rule is not { FromPort: 0, ToPort: 65535 })
                    Add(problems, $"{path}.ports", $"mean nothing for protocol {rule.Protocol}", "Remove them, or set protocol to tcp or udp");
            }
        }
    }

    private static void CheckNodes(LabConfig config, ImmutableArray<ConfigProblem>.Builder problems)
    {
        CheckUnique("nodes", config.Nodes.Select(static n => n.Name), problems);
        var catalog = new InstanceTypeCatalog(config.InstanceTypes);
        for (var i = 0; i < config.Nodes.Length; i++)
        {
            var node = config.Nodes[i];
            var path = $"nodes[{i}]";
            if (node.Name.Length is 0 or > 20 || !node.Name.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
                Add(problems, $"{path}.name", $"'{node.Name}' is not a usable name", "Use up to 20 of a-z, 0-9 and -");
            if (catalog.Find(node.InstanceType) is null)
                Add(problems, $"{path}.type", $"'{node.InstanceType}' is unknown", $"Add it under instance_types, or use one of {string.Join(", ", catalog.All.Select(static t => t.Id))}");
            if (!config.VSwitches.Any(v => v.Id == node.VSwitchId))
                Add(problems, $"{path}.vswitch", $"'{node.VSwitchId}' does not exist", $"Use one of {string.Join(", ", config.VSwitches.Select(static v => v.Id))}");
            if (node.Ipv6AddressCount > 0 && config.VSwitches.Any(v => v.Id == node.VSwitchId && v.Ipv6Cidr is null))
                Add(problems, $"{path}.ipv6_addresses", $"vSwitch '{node.VSwitchId}' has no IPv6 range", "Give it one, or remove this");
            if (node.SecurityGroupIds.IsEmpty)
                Add(problems, $"{path}.security_groups", "is empty", "Every network interface belongs to at least one group");
            foreach (var group in node.SecurityGroupIds.Where(g => !config.SecurityGroups.Any(s => s.Id == g)))
                Add(problems, $"{path}.security_groups", $"'{group}' does not exist", $"Use one of {string.Join(", ", config.SecurityGroups.Select(static s => s.Id))}");
        }
    }

    private static void CheckUnique(string path, IEnumerable<string> ids, ImmutableArray<ConfigProblem>.Builder problems)
    {
        foreach (var group in ids.GroupBy(static id => id, StringComparer.Ordinal).Where(static g => g.Count() > 1))
            Add(problems, path, $"'{group.Key}' is there {group.Count()} times", "Give each entry its own id");
    }

    private static void Add(ImmutableArray<ConfigProblem>.Builder problems, string path, string reason, string fix) =>
        problems.Add(new ConfigProblem(path, 0, reason, fix));

    private static bool Inside(IPNetwork inner, IPNetwork outer) => inner.PrefixLength >= outer.PrefixLength && outer.Contains(inner.BaseAddress);

    private static bool Overlap(IPNetwork a, IPNetwork b) => a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress);
}
