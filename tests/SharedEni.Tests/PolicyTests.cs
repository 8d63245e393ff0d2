using System.Net;
using Terway.Lab.Cloud;
using Terway.Lab.Config;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>What the region received of what is configured.</summary>
public sealed class PolicyTests
{
    private static readonly LabConfig s_twin = TestNode.Config with
    {
        VSwitches =
        [
            .. TestNode.Config.VSwitches,
            new VSwitchConfig { Id = "vsw-a", ZoneId = TestNode.Zone, Cidr = IPNetwork.Parse("10.0.32.0/24") },
            new VSwitchConfig { Id = "vsw-b", ZoneId = TestNode.Zone, Cidr = IPNetwork.Parse("10.0.33.0/24") },
        ],
    };

    [Fact]
    public async Task Create_sends_groups_tags_and_resource_group()
    {
        await using var node = await TestNode.CreateAsync(
            """
            {"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "security_groups": ["sg-2", "sg-1"], "eni_tags": {"cost": "net", "creator": "me"},
             "eni_tag_filter": {"team": "a"}, "resource_group_id": "rg-1"}
            """);
        await node.StartAsync();

        await node.RunAsync(node.AllocateAsync());

        var eni = Assert.Single(node.Secondaries);
        Assert.Equal(["sg-1", "sg-2"], eni.SecurityGroupIds.Order());
        Assert.Equal("rg-1", eni.ResourceGroupId);
        Assert.Equal(
            ["cost=net", "creator=terway", "team=a", $"terway-node={node.Facts.InstanceId}", "terway-pool=shared"],
            eni.Tags.Where(t => t.Key != "terway-op").Select(t => $"{t.Key}={t.Value}").Order(StringComparer.Ordinal));
        Assert.True(eni.DeleteOnRelease);
    }

    [Fact]
    public async Task Create_without_groups_takes_those_of_the_primary_eni()
    {
        await using var node = await TestNode.CreateAsync("""{"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}}""");
        await node.StartAsync();

        await node.RunAsync(node.AllocateAsync());

        Assert.Equal(["sg-1"], Assert.Single(node.Secondaries).SecurityGroupIds);
    }

    [Theory]
    [InlineData("creator", "alibabacloud-erdma-controller", "[]")]
    [InlineData("terway.alibabacloud.com/excluded", "true", "[]")]
    [InlineData("team", "db", """[{"key": "team", "value": "db"}]""")]
    public async Task Start_leaves_enis_with_a_blocked_tag_alone_although_the_filter_takes_them(string key, string value, string blocked)
    {
        await using var node = await TestNode.CreateAsync(
            $$"""
            {"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "eni_tag_filter": {"mine": "yes"}, "eni_tag_block_list": {{blocked}}}
            """);
        var eni = await ScalingTests.AttachAsync(node, ("mine", "yes"), (key, value));
        await node.StartAsync();

        Assert.NotEqual(eni, (await node.RunAsync(node.AllocateAsync())).EniId);
        Assert.Equal(30, node.Capacity.Total);
    }

    [Fact]
    public async Task Most_asks_again_before_each_eni_which_vswitch_has_the_most_addresses()
    {
        await using var node = await TestNode.CreateAsync(
            """{"vswitches": {"cn-hangzhou-i": ["vsw-a", "vsw-b"]}, "vswitch_selection_policy": "most", "max_pool_size": 100}""", config: s_twin);
        await node.StartAsync();
        Take(node, "vsw-a", 1);

        await FillAnEniAsync(node);
        Assert.Equal(["vsw-b"], node.Secondaries.Where(Own).Select(e => e.VSwitchId));

        // Somebody else takes more of vsw-b meanwhile.
        Take(node, "vsw-b", 3);
        await node.PassAsync(TimeSpan.FromSeconds(31));
        await FillAnEniAsync(node);
        Assert.Equal(["vsw-a", "vsw-b"], node.Secondaries.Where(Own).Select(e => e.VSwitchId).Order());
    }

    [Fact]
    public async Task Most_spreads_a_burst_by_what_its_own_enis_take()
    {
        await using var node = await TestNode.CreateAsync(
            """{"vswitches": {"cn-hangzhou-i": ["vsw-a", "vsw-b"]}, "vswitch_selection_policy": "most"}""", "ecs.g7.4xlarge", config: s_twin);
        await node.StartAsync();

        await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 120).Select(_ => node.AllocateAsync())));

        Assert.Equal([2, 2], node.Secondaries.CountBy(e => e.VSwitchId).Select(c => c.Value));
    }

    [Theory]
    [InlineData("most_ips", 5)]
    [InlineData("least_ips", 3)]
    public async Task Eni_policy_decides_which_eni_serves(string policy, int addresses)
    {
        await using var node = await TestNode.CreateAsync(
            $$"""{"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "eni_selection_policy": "{{policy}}", "max_pool_size": 50}""");
        var one = await ScalingTests.AttachAsync(node, ("creator", "terway"));
        await ScalingTests.AttachAsync(node, ("creator", "terway"));
        await node.RunAsync(node.Region.AssignIpv4Async(one, new AddressRequest { Count = 2 }));
        await node.StartAsync();
        await node.UntilAsync(() => node.Capacity.Idle == 8, "both are taken over");

        var pod = await node.RunAsync(node.AllocateAsync());

        Assert.Equal(addresses, node.Secondaries.Single(e => e.Id == pod.EniId).PrivateIps.Length);
    }

    private static bool Own(EniSnapshot eni) => eni.Tags.ContainsKey("terway-node");

    private static async Task FillAnEniAsync(TestNode node) =>
        await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 15).Select(_ => node.AllocateAsync())));

    private static void Take(TestNode node, string vSwitch, int times)
    {
        for (var i = 0; i < times; i++)
        {
            node.Region.CreateEni(new CreateEniRequest { VSwitchId = vSwitch, SecurityGroupIds = ["sg-2"], SecondaryIpCount = 40 });
        }
    }
}
