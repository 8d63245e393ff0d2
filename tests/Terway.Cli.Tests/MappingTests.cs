using Terway.Cli.Commands;
using Terway.Cli.Mapping;
using Terway.Cli.Output;
using Terway.Host.Api.V1;
using Terway.Linux.Netlink;

namespace Terway.Cli.Tests;

/// <summary>Journal, cloud and a real kernel compared.</summary>
public sealed class MappingTests : IDisposable
{
    private readonly NodeSandbox _node = new();

    public void Dispose() => _node.Dispose();

    [Fact]
    public void All_agree()
    {
        var report = Compare();
        Assert.Empty(report.Differences);
        Assert.Equal(("eni-1", "10.0.0.7", "default/web", "ok", "ok"), Row(report));
        Assert.Equal(0, Show(report).Code);
    }

    [Fact]
    public void A_rule_that_somebody_removed_is_named()
    {
        _node.Do(batch => batch.RuleDelete(_node.FromPod));
        var report = Compare();
        var difference = Assert.Single(report.Differences);
        Assert.Equal("default/web 10.0.0.7", difference.Subject);
        Assert.Equal($"rule 2048: from 10.0.0.7 lookup {1000 + _node.Eni}", difference.State);
        Assert.Equal("no such rule", difference.Kernel);
        Assert.Equal(("eni-1", "10.0.0.7", "default/web", "ok", "differs"), Row(report));
        var (code, text) = Show(report);
        Assert.Equal(1, code);
        Assert.Contains("1 difference:", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_to_another_table_is_shown_as_it_is()
    {
        _node.Do(batch => batch.RuleDelete(_node.FromPod));
        _node.Do(batch => batch.RuleAdd(_node.FromPod with { Table = 77 }));
        Assert.Equal("2048: from 10.0.0.7 lookup 77 proto 201 instead", Assert.Single(Compare().Differences).Kernel);
    }

    [Fact]
    public void A_route_that_is_gone_is_named()
    {
        _node.Do(batch => batch.RouteDelete(_node.DefaultRoute));
        Assert.Equal($"default route in table {1000 + _node.Eni} of eth1", Assert.Single(Compare().Differences).State);
    }

    [Fact]
    public void A_link_that_is_gone_is_named()
    {
        _node.Do(static batch => batch.LinkDelete("cali00000000001"));
        Assert.Contains(Compare().Differences, static d => d.State == "pod link cali00000000001" && d.Kernel == "no link cali00000000001");
    }

    [Fact]
    public void An_ENI_that_is_down_is_named()
    {
        _node.Do(batch => batch.LinkSet(new LinkChange { Index = _node.Eni, Up = false }));
        Assert.Contains(Compare().Differences, static d => d.Kernel == "eth1 is down");
    }

    [Fact]
    public void Rules_of_others_that_take_the_packets_are_named()
    {
        _node.Do(batch => batch.RuleAdd(_node.FromPod with { Priority = 100, Table = 254, Protocol = 0 }));
        Assert.Equal("rule 100: from 10.0.0.7 lookup main proto 3 comes before them", Assert.Single(Compare().Differences).Kernel);
    }

    [Fact]
    public void Rules_and_links_of_nobody_are_left_overs() =>
        Assert.Equal(["10.0.0.7", "10.0.0.7", "cali00000000001"], MappingComparison.Compare([], NodeSandbox.Cloud, _node.Read()).Differences.Select(static d => d.Subject));

    [Fact]
    public void The_cloud_without_the_address_differs()
    {
        var cloud = NodeSandbox.Cloud;
        cloud.Enis[0].Addresses.Remove(NodeSandbox.PodAddress);
        var report = Compare(cloud);
        Assert.Equal("eni-1 has no such address", Assert.Single(report.Differences).Cloud);
        Assert.Equal(("eni-1", "10.0.0.7", "default/web", "differs", "ok"), Row(report));

        var other = new CloudEni { Id = "eni-2", Mac = "02:16:3e:00:00:09", Type = "Secondary", Status = "Attaching" };
        other.Addresses.Add(NodeSandbox.PodAddress);
        cloud.Enis.Add(other);
        Assert.Equal("it is on eni-2", Assert.Single(Compare(cloud).Differences).Cloud);
    }

    [Fact]
    public void An_address_of_a_prefix_is_held()
    {
        var cloud = NodeSandbox.Cloud;
        cloud.Enis[0].Addresses.Remove(NodeSandbox.PodAddress);
        cloud.Enis[0].Prefixes.Add("10.0.0.0/28");
        Assert.Empty(Compare(cloud).Differences);
    }

    [Fact]
    public void An_ENI_that_left_the_instance_differs()
    {
        var cloud = NodeSandbox.Cloud;
        cloud.Enis.Clear();
        Assert.Equal("no such ENI on this instance", Assert.Single(Compare(cloud).Differences).Cloud);
    }

    [Fact]
    public void An_attached_ENI_without_link_differs()
    {
        var cloud = NodeSandbox.Cloud;
        cloud.Enis.Add(new CloudEni { Id = "eni-3", Mac = "02:16:3e:00:00:77", Type = "Secondary", Status = "InUse" });
        Assert.Equal("eni-3", Assert.Single(Compare(cloud).Differences).Subject);
    }

    [Fact]
    public void Without_the_cloud_the_others_are_compared_and_it_is_said()
    {
        var report = Compare(new CloudEnis { Error = "ecs DescribeNetworkInterfaces: no route" });
        Assert.Equal(("eni-1", "10.0.0.7", "default/web", "?", "ok"), Row(report));
        var (code, text) = Show(report);
        Assert.Equal(0, code);
        Assert.Contains("the cloud was not compared: ecs DescribeNetworkInterfaces: no route", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Pods_that_come_or_go_are_not_judged()
    {
        var going = _node.Attachment;
        going.Phase = "Detaching";
        _node.Do(batch => batch.RuleDelete(_node.FromPod));
        var report = MappingComparison.Compare([going], NodeSandbox.Cloud, _node.Read());
        Assert.Empty(report.Differences);
        Assert.Equal("?", report.Rows[0].Kernel);
    }

    private static (string Eni, string Address, string Pod, string Cloud, string Kernel) Row(MappingReport report)
    {
        var row = Assert.Single(report.Rows);
        return (row.Eni, row.Address, row.Pod, row.Cloud, row.Kernel);
    }

    private static (int Code, string Text) Show(MappingReport report)
    {
        using var text = new StringWriter();
        return (MappingCommand.Write(report, new CliOutput(text, json: false)), text.ToString());
    }

    private MappingReport Compare(CloudEnis? cloud = null) => MappingComparison.Compare([_node.Attachment], cloud ?? NodeSandbox.Cloud, _node.Read());
}
