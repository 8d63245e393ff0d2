using System.Net;
using Terway.Lab.Cloud;
using Terway.Lab.Config;
using Terway.Lab.Tests.Cloud;

namespace Terway.Lab.Tests.Config;

public sealed class LabConfigTests
{
    [Fact]
    public void Default_is_valid() => Assert.Empty(LabConfigValidator.Validate(LabConfig.Default));

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("delays: {attach: 300ms}\n")]
    public void Parse_absent_sections_are_the_defaults(string yaml)
    {
        var config = LabConfigReader.Parse(yaml);
        Assert.Equal(LabConfig.Default.Nodes.Select(static n => n.Name), config.Nodes.Select(static n => n.Name));
        Assert.Equal(yaml.Contains("300ms", StringComparison.Ordinal) ? 300 : 1500, config.Delays.Attach.TotalMilliseconds);
        Assert.Equal(800, config.Throttles.PerAction["DescribeNetworkInterfaces"]);
    }

    [Fact]
    public void Parse_everything_is_read()
    {
        var config = LabConfigReader.Parse("""
            region: cn-beijing
            vpc: {id: vpc-1, cidr: 172.16.0.0/12, ipv6_cidr: "2408:4005:1000::/56"}
            vswitches:
              - {id: vsw-n, zone: cn-beijing-a, cidr: 172.16.0.0/24}
              - {id: vsw-p, zone: cn-beijing-a, cidr: 172.16.1.0/24, ipv6_cidr: "2408:4005:1000:1::/64"}
            security_groups:
              - id: sg-a
                name: a
                rules:
                  - {direction: ingress, protocol: tcp, ports: 80-90, peer: 0.0.0.0/0, priority: 5}
                  - {direction: egress, policy: drop, peer: sg-b}
              - {id: sg-b, enterprise: true}
            nodes:
              - {name: n1, type: ecs.lab.big, vswitch: vsw-n, security_groups: [sg-a], tags: {pool: blue}}
            instance_types:
              - {id: ecs.lab.big, enis: 5, total_enis: 9, ipv4_per_eni: 7, ipv6_per_eni: 7, trunk: true}
            access_keys: [{id: k, secret: s}]
            ram_role: {name: R, credential_lifetime: 15m, allow: ["ecs:*"]}
            metadata: {token_required: true, lag: 1.5s}
            delays: {attach: 300ms, detach: 1s, delete: 0s, call: 5ms}
            quotas: {enis: 7}
            throttles: {default: 9, AttachNetworkInterface: 3}
            address_reuse: round-robin
            nat: false
            """);

        Assert.Equal("cn-beijing", config.RegionId);
        Assert.Equal(IPNetwork.Parse("2408:4005:1000:1::/64"), config.VSwitches[1].Ipv6Cidr);
        var rule = config.SecurityGroups[0].Rules[0];
        Assert.Equal((RuleDirection.Ingress, RuleProtocol.Tcp, 80, 90, 5), (rule.Direction, rule.Protocol, rule.FromPort, rule.ToPort, rule.Priority));
        Assert.Equal(("sg-b", RulePolicy.Drop), (config.SecurityGroups[0].Rules[1].PeerGroupId, config.SecurityGroups[0].Rules[1].Policy));
        Assert.Equal("blue", config.Nodes[0].Tags["pool"]);
        Assert.Equal((5, 9, 7, true), (config.InstanceTypes[0].EniQuantity, config.InstanceTypes[0].EniTotalQuantity, config.InstanceTypes[0].EniPrivateIpAddressQuantity, config.InstanceTypes[0].EniTrunkSupported));
        Assert.Equal(TimeSpan.FromMinutes(15), config.RamRole.CredentialLifetime);
        Assert.Equal((true, 1500.0), (config.Metadata.TokenRequired, config.Metadata.Lag.TotalMilliseconds));
        Assert.Equal((300.0, 1000.0, 0.0, 5.0), (config.Delays.Attach.TotalMilliseconds, config.Delays.Detach.TotalMilliseconds, config.Delays.Delete.TotalMilliseconds, config.Delays.Call.TotalMilliseconds));
        Assert.Equal(7, config.Quotas.Enis);
        Assert.Equal((9, 3), (config.Throttles.Default, config.Throttles.PerAction["AttachNetworkInterface"]));
        Assert.Equal(AddressReuse.RoundRobin, config.AddressReuse);
        Assert.False(config.Nat);
    }

    [Fact]
    public void Parse_reports_every_problem_of_form_with_its_line()
    {
        var e = Assert.Throws<LabConfigException>(static () => LabConfigReader.Parse("""
            regionn: cn-beijing
            delays: {attach: fast}
            nat: maybe
            vswitches:
              - {id: vsw-n, cidr: 10.0.0.1/24}
            nodes:
              name: n1
            address_reuse: never
            """));

        Assert.Equal(
            [
                ("regionn", 1), ("delays.attach", 2), ("nat", 3), ("vswitches[0].cidr", 5), ("vswitches[0].zone", 5), ("nodes", 7), ("address_reuse", 8),
            ],
            e.Problems.Select(static p => (p.Path, p.Line)).OrderBy(static p => p.Line).ThenBy(static p => p.Path, StringComparer.Ordinal));
        Assert.All(e.Problems, static p => Assert.True(p.Reason.Length > 0 && p.Fix.Length > 0));
    }

    [Fact]
    public void Parse_reports_every_problem_of_meaning()
    {
        var e = Assert.Throws<LabConfigException>(static () => LabConfigReader.Parse("""
            vpc: {cidr: 10.0.0.0/16}
            vswitches:
              - {id: vsw-n, zone: cn-hangzhou-i, cidr: 10.0.0.0/24}
              - {id: vsw-n, zone: cn-shanghai-b, cidr: 10.0.0.128/25, ipv6_cidr: "2408::/64"}
              - {id: vsw-o, zone: cn-hangzhou-i, cidr: 10.1.0.0/24}
            security_groups:
              - id: sg-a
                rules: [{direction: ingress, protocol: icmp, ports: 80, peer: sg-nobody}]
            nodes:
              - {name: N_1, type: ecs.g99.large, vswitch: vsw-x, security_groups: [sg-y]}
              - {name: n2, type: ecs.g7.large, vswitch: vsw-n}
            """));

        Assert.Equal(
            [
                "nodes[0].name", "nodes[0].security_groups", "nodes[0].type", "nodes[0].vswitch", "nodes[1].security_groups",
                "security_groups[0].rules[0].peer", "security_groups[0].rules[0].ports",
                "vswitches", "vswitches[1].cidr", "vswitches[1].ipv6_cidr", "vswitches[1].zone", "vswitches[2].cidr",
            ],
            e.Problems.Select(static p => p.Path).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("[1, 2")]
    [InlineData("- a\n- b\n")]
    [InlineData("just text")]
    [InlineData("a: 1\na: 2\n")]
    public void Parse_not_a_region_at_all_is_one_problem(string yaml) =>
        Assert.Contains("(file)", Assert.Single(Assert.Throws<LabConfigException>(() => LabConfigReader.Parse(yaml)).Problems).Path, StringComparison.Ordinal);

    [Fact]
    public async Task Default_region_starts_with_its_nodes()
    {
        await using var region = await Region.CreateAsync(LabConfig.Default, new RecordingFabric(), ct: TestContext.Current.CancellationToken);
        foreach (var node in LabConfig.Default.Nodes)
        {
            var instance = await region.RunInstanceAsync(new InstanceRequest
            {
                Name = node.Name,
                InstanceType = node.InstanceType,
                VSwitchId = node.VSwitchId,
                SecurityGroupIds = node.SecurityGroupIds,
            }, TestContext.Current.CancellationToken);
            Assert.Equal((8, 30), (instance.Type.EniQuantity, instance.Type.EniPrivateIpAddressQuantity));
        }
        Assert.Equal(["10.0.0.1", "10.0.0.2"], region.Enis.Select(static e => e.PrimaryIp.ToString()));
    }
}
