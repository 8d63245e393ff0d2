using System.Collections.Immutable;
using System.Net;
using Terway.Lab.Cloud;

namespace Terway.Lab.Config;

/// <summary>What a region consists of when it starts. Read from YAML by <see cref="LabConfigReader"/>, or built in.</summary>
public sealed record LabConfig
{
    public string RegionId { get; init; } = "cn-hangzhou";

    public string AccountId { get; init; } = "1234567890123456";

    public VpcConfig Vpc { get; init; } = new();

    public ImmutableArray<VSwitchConfig> VSwitches { get; init; } = [];

    public ImmutableArray<SecurityGroupConfig> SecurityGroups { get; init; } = [];

    public ImmutableArray<NodeConfig> Nodes { get; init; } = [];

    /// <summary>Types beyond, or in place of, the built-in table.</summary>
    public ImmutableArray<InstanceType> InstanceTypes { get; init; } = [];

    public ImmutableArray<AccessKeyConfig> AccessKeys { get; init; } = [];

    public RamRoleConfig RamRole { get; init; } = new();

    public MetadataConfig Metadata { get; init; } = new();

    public DelayConfig Delays { get; init; } = new();

    public QuotaConfig Quotas { get; init; } = new();

    public ThrottleConfig Throttles { get; init; } = new();

    public AddressReuse AddressReuse { get; init; } = AddressReuse.LowestFree;

    /// <summary>Whether the VPC has a way out (NAT gateway with a SNAT entry).</summary>
    public bool Nat { get; init; } = true;

    /// <summary>Two nodes of a large type in one zone, a vSwitch for nodes and one for pods, one security group.</summary>
    public static LabConfig Default { get; } = new()
    {
        VSwitches =
        [
            new VSwitchConfig { Id = "vsw-lab-nodes", ZoneId = "cn-hangzhou-i", Cidr = IPNetwork.Parse("10.0.0.0/24") },
            new VSwitchConfig { Id = "vsw-lab-pods", ZoneId = "cn-hangzhou-i", Cidr = IPNetwork.Parse("10.0.16.0/22") },
        ],
        SecurityGroups =
        [
            new SecurityGroupConfig
            {
                Id = "sg-lab-cluster",
                Name = "cluster",
                Rules =
                [
                    new SecurityGroupRule { Direction = RuleDirection.Ingress, Priority = 1, PeerCidr = IPNetwork.Parse("10.0.0.0/16") },
                ],
            },
        ],
        Nodes =
        [
            new NodeConfig { Name = "node1", InstanceType = "ecs.g7.4xlarge", VSwitchId = "vsw-lab-nodes", SecurityGroupIds = ["sg-lab-cluster"] },
            new NodeConfig { Name = "node2", InstanceType = "ecs.g7.4xlarge", VSwitchId = "vsw-lab-nodes", SecurityGroupIds = ["sg-lab-cluster"] },
        ],
        AccessKeys = [new AccessKeyConfig { Id = "LTAI5tLabOperator0000001", Secret = "lab-operator-secret" }],
    };

    /// <summary>The same with IPv6: VPC, vSwitches, security group, and an address for each node.</summary>
    public static LabConfig DualStack { get; } = Default with
    {
        Vpc = Default.Vpc with { Ipv6Cidr = IPNetwork.Parse("2408:4005:1000::/56") },
        VSwitches =
        [
            Default.VSwitches[0] with { Ipv6Cidr = IPNetwork.Parse("2408:4005:1000::/64") },
            Default.VSwitches[1] with { Ipv6Cidr = IPNetwork.Parse("2408:4005:1000:10::/64") },
        ],
        SecurityGroups =
        [
            Default.SecurityGroups[0] with
            {
                Rules =
                [
                    .. Default.SecurityGroups[0].Rules,
                    new SecurityGroupRule { Direction = RuleDirection.Ingress, Priority = 1, PeerCidr = IPNetwork.Parse("2408:4005:1000::/56") },
                ],
            },
        ],
        Nodes = [.. Default.Nodes.Select(static node => node with { Ipv6AddressCount = 1 })],
    };
}
