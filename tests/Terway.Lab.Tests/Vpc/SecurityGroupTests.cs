using System.Net;
using Terway.Lab.Cloud;

namespace Terway.Lab.Tests.Vpc;

/// <summary>Groups as they act on packets: node n1 talks to node n2, port 7.</summary>
public sealed class SecurityGroupTests
{
    private static readonly SecurityGroupRule s_anyIngress = new() { Direction = RuleDirection.Ingress, Priority = 10 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ingress_without_a_rule_is_dropped_and_egress_answers_pass(bool forOldKernel)
    {
        await using var vpc = new TestVpc(forOldKernel: forOldKernel);
        vpc.Group("sg-none");
        var one = await vpc.NodeAsync("n1", "10.0.0.1", "sg-none");
        var two = await vpc.NodeAsync("n2", "10.0.0.2");

        // n1 lets nothing in, but the answers to what it asked.
        vpc.AssertOk(await vpc.TcpAsync(one, "10.0.0.2"));
        vpc.AssertOk(await vpc.UdpAsync(one, "10.0.0.2"));
        Assert.Empty(vpc.Drops());
        await vpc.AssertTcpDroppedAsync(two, "10.0.0.1", "security-group");
    }

    [Theory]
    [InlineData(8, true)]
    [InlineData(9, false)]
    public async Task On_an_old_kernel_few_rules_count_and_more_let_nothing_pass(int rules, bool passes)
    {
        await using var vpc = new TestVpc(forOldKernel: true);
        // Of few the last is the one that lets it in, of too many the first.
        var others = Enumerable.Range(1, rules - 1).Select(static i => s_anyIngress with { PeerCidr = IPNetwork.Parse($"192.0.2.{i}/32"), Priority = 5 });
        vpc.Group("sg-n2", [.. others, s_anyIngress with { Priority = passes ? 10 : 1 }]);
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.0.2", "sg-n2");
        if (passes) vpc.AssertOk(await vpc.TcpAsync(one, "10.0.0.2"));
        else await vpc.AssertTcpDroppedAsync(one, "10.0.0.2", "security-group");
    }

    [Fact]
    public async Task Drop_beats_accept_at_the_same_priority_and_a_lower_number_beats_both()
    {
        await using var vpc = new TestVpc();
        var drop = s_anyIngress with { Policy = RulePolicy.Drop };
        vpc.Group("sg-n2", s_anyIngress, drop);
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        await vpc.NodeAsync("n2", "10.0.0.2", "sg-n2");
        await vpc.AssertTcpDroppedAsync(one, "10.0.0.2", "security-group");

        vpc.Group("sg-n2", drop, s_anyIngress with { Priority = 9 });
        vpc.AssertOk(await vpc.TcpAsync(one, "10.0.0.2"));
    }

    [Fact]
    public async Task Rule_matches_protocol_port_and_peer_prefix()
    {
        await using var vpc = new TestVpc();
        var one = await vpc.NodeAsync("n1", "10.0.0.1");
        var rule = s_anyIngress with { Protocol = RuleProtocol.Tcp, FromPort = 7, ToPort = 7, PeerCidr = IPNetwork.Parse("10.0.0.0/31") };
        vpc.Group("sg-n2", rule);
        var two = await vpc.NodeAsync("n2", "10.0.0.2", "sg-n2");
        vpc.Serve(two.NetNs, 8);

        vpc.AssertOk(await vpc.TcpAsync(one, "10.0.0.2"));
        Assert.Empty(vpc.Drops());
        await vpc.AssertTcpDroppedAsync(one, "10.0.0.2", "security-group", port: 8);
        await vpc.AssertUdpDroppedAsync(one, "10.0.0.2", "security-group");

        vpc.Group("sg-n2", rule with { PeerCidr = IPNetwork.Parse("10.0.0.2/31") });
        await vpc.AssertTcpDroppedAsync(one, "10.0.0.2", "security-group");
    }

    [Fact]
    public async Task Rule_matches_members_of_the_peer_group_only()
    {
        await using var vpc = new TestVpc();
        vpc.Group("sg-friend");
        vpc.Group("sg-stranger");
        vpc.Group("sg-n2", s_anyIngress with { PeerGroupId = "sg-friend" });
        var friend = await vpc.NodeAsync("n1", "10.0.0.1", "sg-friend");
        var stranger = await vpc.NodeAsync("n3", "10.0.0.3", "sg-stranger");
        await vpc.NodeAsync("n2", "10.0.0.2", "sg-n2");

        vpc.AssertOk(await vpc.TcpAsync(friend, "10.0.0.2"));
        Assert.Empty(vpc.Drops());
        await vpc.AssertTcpDroppedAsync(stranger, "10.0.0.2", "security-group");
    }

    [Fact]
    public async Task Basic_group_lets_its_own_members_talk_and_an_enterprise_group_does_not()
    {
        await using var vpc = new TestVpc();
        var group = new SecurityGroupSnapshot { Id = "sg-own", VpcId = "vpc-t", IntraGroupAccept = true };
        vpc.Group(group);
        var one = await vpc.NodeAsync("n1", "10.0.0.1", "sg-own");
        await vpc.NodeAsync("n2", "10.0.0.2", "sg-own");
        vpc.AssertOk(await vpc.TcpAsync(one, "10.0.0.2"));
        Assert.Empty(vpc.Drops());

        vpc.Group(group with { Enterprise = true, IntraGroupAccept = false });
        await vpc.AssertTcpDroppedAsync(one, "10.0.0.2", "security-group");
        // Its egress is closed too, so that the sender is to blame.
        Assert.NotNull(vpc.Fabric.TrafficOf("eni-n1"));
        Assert.True(vpc.Fabric.TrafficOf("eni-n1")!.Drops["security-group"] > 0);
    }

    [Fact]
    public async Task Egress_drop_rule_holds_back_what_the_receiver_would_take()
    {
        await using var vpc = new TestVpc();
        vpc.Group("sg-n1", new SecurityGroupRule
        {
            Direction = RuleDirection.Egress,
            Policy = RulePolicy.Drop,
            Protocol = RuleProtocol.Udp,
            PeerCidr = IPNetwork.Parse("10.0.0.2/32"),
        });
        var one = await vpc.NodeAsync("n1", "10.0.0.1", "sg-n1");
        await vpc.NodeAsync("n2", "10.0.0.2");

        vpc.AssertOk(await vpc.TcpAsync(one, "10.0.0.2"));
        Assert.Empty(vpc.Drops());
        await vpc.AssertUdpDroppedAsync(one, "10.0.0.2", "security-group");
    }
}
