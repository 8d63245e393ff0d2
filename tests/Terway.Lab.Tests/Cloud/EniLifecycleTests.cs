using Terway.Lab.Cloud;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Config;

namespace Terway.Lab.Tests.Cloud;

public sealed class EniLifecycleTests
{
    [Fact]
    public async Task Create_answers_with_the_whole_interface()
    {
        await using var cloud = await TestCloud.StartAsync();
        var answer = (await cloud.Api.CallAsync(
            "CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupIds.1", "sg-1"), ("SecurityGroupIds.2", "sg-2"),
            ("SecondaryPrivateIpAddressCount", 2), ("Tag.1.Key", "creator"), ("Tag.1.Value", "terway"), ("InstanceType", "Secondary"))).Ok();

        Assert.StartsWith("eni-", answer.Text("NetworkInterfaceId"), StringComparison.Ordinal);
        Assert.Equal("Available", answer.Text("Status"));
        Assert.Equal("10.0.4.1", answer.Text("PrivateIpAddress"));
        Assert.Matches("^00:16:3e(:[0-9a-f]{2}){3}$", answer.Text("MacAddress"));
        Assert.Equal(["10.0.4.1", "10.0.4.2", "10.0.4.3"], answer.Items("PrivateIpSets", "PrivateIpSet").Select(static e => e.GetProperty("PrivateIpAddress").GetString()));
        Assert.Equal([true, false, false], answer.Items("PrivateIpSets", "PrivateIpSet").Select(static e => e.GetProperty("Primary").GetBoolean()));
        Assert.Equal(["sg-1", "sg-2"], answer.Items("SecurityGroupIds", "SecurityGroupId").Select(static e => e.GetString()));
        Assert.Equal("creator", answer.Items("Tags", "Tag").Single().GetProperty("TagKey").GetString());
        Assert.NotEmpty(answer.Text("RequestId"));
    }

    [Fact]
    public async Task Create_missing_and_wrong_parameters_are_refused()
    {
        await using var cloud = await TestCloud.StartAsync();
        var api = cloud.Api;
        (await api.CallAsync("CreateNetworkInterface", ("SecurityGroupId", "sg-1"))).Expect(400, "MissingParameter");
        (await api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"))).Expect(400, "MissingParameter");
        (await api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-x"), ("SecurityGroupId", "sg-1"))).Expect(404, "InvalidVSwitchId.NotFound");
        (await api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-x"))).Expect(404, "InvalidSecurityGroupId.NotFound");
        (await api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupIds.1", "sg-1"), ("SecurityGroupIds.2", "sg-e")))
            .Expect(403, "InvalidOperation.MultiGroupType");
        (await api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-1"), ("SecondaryPrivateIpAddressCount", 50)))
            .Expect(400, "InvalidParameter");
        (await api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-1"), ("InstanceType", "Primary")))
            .Expect(400, "InvalidParameter");
        (await api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-1"), ("PrimaryIpAddress", "10.0.4.253")))
            .Expect(403, "InvalidVSwitchId.IpInvalid");
        (await api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-nodes"), ("SecurityGroupId", "sg-1"), ("PrimaryIpAddress", cloud.Node.PrimaryEni.PrimaryIp)))
            .Expect(403, "InvalidIp.IpAssigned");
        (await api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-nodes"), ("SecurityGroupId", "sg-1"), ("Ipv6AddressCount", 1)))
            .Expect(403, "InvalidVSwitch.Ipv6NotTurnOn");
        Assert.Empty(cloud.SecondaryEnis);
        Assert.Equal(252, cloud.Available("vsw-pods"));
    }

    [Fact]
    public async Task Attach_takes_the_configured_time_then_the_interface_is_in_use()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(
            TestCloud.Config with { Delays = new DelayConfig { Attach = TimeSpan.FromSeconds(2), Detach = TimeSpan.FromSeconds(3), Delete = TimeSpan.FromSeconds(1) } }, time);
        var id = cloud.NewEni().Id;
        (await cloud.Api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", id), ("InstanceId", cloud.Node.Id))).Ok();
        Assert.Equal(EniStatus.Attaching, cloud.Eni(id).Status);
        time.Advance(TimeSpan.FromSeconds(1.9));
        Assert.Equal(EniStatus.Attaching, cloud.Eni(id).Status);
        Assert.DoesNotContain($"plug {id}", cloud.Fabric.Calls);
        time.Advance(TimeSpan.FromSeconds(0.2));
        await cloud.IdleAsync();
        Assert.Equal(EniStatus.InUse, cloud.Eni(id).Status);
        Assert.Contains(cloud.Fabric.Plugged, e => e.Id == id);

        (await cloud.Api.CallAsync("DetachNetworkInterface", ("NetworkInterfaceId", id), ("InstanceId", cloud.Node.Id))).Ok();
        Assert.Equal(EniStatus.Detaching, cloud.Eni(id).Status);
        (await cloud.Api.CallAsync("DeleteNetworkInterface", ("NetworkInterfaceId", id))).Expect(400, "InvalidOperation.InvalidEniState");
        time.Advance(TimeSpan.FromSeconds(3));
        await cloud.IdleAsync();
        Assert.Equal(EniStatus.Available, cloud.Eni(id).Status);
        Assert.Null(cloud.Eni(id).InstanceId);

        (await cloud.Api.CallAsync("DeleteNetworkInterface", ("NetworkInterfaceId", id))).Ok();
        Assert.Equal(EniStatus.Deleting, cloud.Eni(id).Status);
        Assert.Equal(251, cloud.Available("vsw-pods"));
        time.Advance(TimeSpan.FromSeconds(1));
        await cloud.IdleAsync();
        Assert.Empty(cloud.SecondaryEnis);
        Assert.Equal(252, cloud.Available("vsw-pods"));
        (await cloud.Api.CallAsync("DeleteNetworkInterface", ("NetworkInterfaceId", id))).Expect(404, "InvalidEniId.NotFound");
        Assert.Equal([$"plug {id}", $"unplug {id}", $"remove {id}"], cloud.Fabric.Calls.Where(c => c.EndsWith(id, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Attach_beyond_the_type_is_refused_also_while_others_are_still_attaching()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(TestCloud.Config with { Delays = new DelayConfig() }, time);
        for (var i = 0; i < 3; i++)
            (await cloud.Api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", cloud.NewEni().Id), ("InstanceId", cloud.Node.Id))).Ok();
        var fourth = cloud.NewEni().Id;
        (await cloud.Api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", fourth), ("InstanceId", cloud.Node.Id)))
            .Expect(403, "EniPerInstanceLimitExceeded");
        Assert.Equal(EniStatus.Available, cloud.Eni(fourth).Status);
    }

    [Fact]
    public async Task Attach_wrong_zone_state_ids_are_refused()
    {
        await using var cloud = await TestCloud.StartAsync();
        var api = cloud.Api;
        (await api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", cloud.NewEni(vSwitch: "vsw-far").Id), ("InstanceId", cloud.Node.Id)))
            .Expect(403, "InvalidOperation.AvailabilityZoneMismatch");
        (await api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", "eni-x"), ("InstanceId", cloud.Node.Id))).Expect(404, "InvalidEniId.NotFound");
        (await api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", cloud.NewEni().Id), ("InstanceId", "i-x"))).Expect(404, "InvalidEcsId.NotFound");
        var attached = await cloud.AttachedEniAsync();
        (await api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", attached.Id), ("InstanceId", cloud.Node.Id)))
            .Expect(400, "InvalidOperation.InvalidEniState");
        (await api.CallAsync("DeleteNetworkInterface", ("NetworkInterfaceId", attached.Id))).Expect(400, "InvalidOperation.InvalidEniState");
        (await api.CallAsync("DetachNetworkInterface", ("NetworkInterfaceId", cloud.Node.PrimaryEni.Id), ("InstanceId", cloud.Node.Id)))
            .Expect(400, "InvalidOperation.DetachPrimaryEniNotAllowed");
        (await api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", cloud.NewEni(secondary: 15).Id), ("InstanceId", cloud.Node.Id)))
            .Expect(403, "InvalidOperation.Ipv4CountExceeded");
    }

    [Fact]
    public async Task Attach_rolled_back_leaves_the_interface_available_and_the_slot_free()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.AttachRollback, Next = 1 });
        var eni = cloud.NewEni();
        (await cloud.Api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", eni.Id), ("InstanceId", cloud.Node.Id))).Ok();
        await cloud.IdleAsync();
        Assert.Equal(EniStatus.Available, cloud.Eni(eni.Id).Status);
        Assert.DoesNotContain(cloud.Fabric.Plugged, e => e.Id == eni.Id);
        Assert.Single(cloud.Region.FindInstance(cloud.Node.Id)!.Enis);
        (await cloud.Api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", eni.Id), ("InstanceId", cloud.Node.Id))).Ok();
        await cloud.IdleAsync();
        Assert.Equal(EniStatus.InUse, cloud.Eni(eni.Id).Status);
    }

    [Fact]
    public async Task Attach_that_the_data_plane_refuses_is_rolled_back_and_noted()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Fabric.During = static call => call.StartsWith("plug", StringComparison.Ordinal) ? throw new IOException("no more links") : Task.CompletedTask;
        var eni = await cloud.AttachedEniAsync();
        Assert.Equal(EniStatus.Available, eni.Status);
        Assert.Contains("no more links", Assert.Single(cloud.Region.Troubles), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Member_needs_an_attached_trunk_and_gets_a_vlan_of_its_own()
    {
        await using var cloud = await TestCloud.StartAsync();
        var trunk = cloud.NewEni(type: EniType.Trunk);
        var first = cloud.NewEni(type: EniType.Member);
        var second = cloud.NewEni(type: EniType.Member);
        Task<AcsAnswer> Attach(EniSnapshot eni, string? on) => on is null
            ? cloud.Api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", eni.Id), ("InstanceId", cloud.Node.Id))
            : cloud.Api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", eni.Id), ("InstanceId", cloud.Node.Id), ("TrunkNetworkInstanceId", on));

        (await Attach(first, trunk.Id)).Expect(404, "InvalidEniId.NotFound");
        (await Attach(trunk, null)).Ok();
        await cloud.IdleAsync();
        (await Attach(first, null)).Expect(400, "MissingParameter");
        (await Attach(first, cloud.Node.PrimaryEni.Id)).Expect(403, "InvalidOperation.InvalidEniType");
        (await Attach(first, trunk.Id)).Ok();
        (await Attach(second, trunk.Id)).Ok();
        await cloud.IdleAsync();
        Assert.Equal(1, cloud.Eni(first.Id).Vlan);
        Assert.Equal(2, cloud.Eni(second.Id).Vlan);
        (await cloud.Api.CallAsync("DetachNetworkInterface", ("NetworkInterfaceId", trunk.Id), ("InstanceId", cloud.Node.Id)))
            .Expect(400, "InvalidOperation.InvalidEniState");
        var shown = (await cloud.Api.CallAsync("DescribeNetworkInterfaces", ("NetworkInterfaceId.1", second.Id))).Ok()
            .Items("NetworkInterfaceSets", "NetworkInterfaceSet").Single().GetProperty("Attachment");
        Assert.Equal(trunk.Id, shown.GetProperty("TrunkNetworkInterfaceId").GetString());
        Assert.Equal(2, shown.GetProperty("DeviceIndex").GetInt32());

        (await cloud.Api.CallAsync("DetachNetworkInterface", ("NetworkInterfaceId", first.Id), ("InstanceId", cloud.Node.Id), ("TrunkNetworkInstanceId", trunk.Id))).Ok();
        await cloud.IdleAsync();
        (await Attach(first, trunk.Id)).Ok();
        await cloud.IdleAsync();
        Assert.Equal(1, cloud.Eni(first.Id).Vlan);
    }

    [Fact]
    public async Task Trunk_on_a_type_without_trunking_is_refused()
    {
        await using var cloud = await TestCloud.StartAsync(instanceType: "ecs.t6-c1m4.2xlarge");
        (await cloud.Api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", cloud.NewEni(type: EniType.Trunk).Id), ("InstanceId", cloud.Node.Id)))
            .Expect(403, "InvalidOperation.InvalidEniType");
    }

    [Fact]
    public async Task Terminate_takes_the_instance_apart()
    {
        await using var cloud = await TestCloud.StartAsync();
        var attached = await cloud.AttachedEniAsync(secondary: 3);
        var kept = cloud.Region.CreateEni(new CreateEniRequest { VSwitchId = "vsw-pods", SecurityGroupIds = ["sg-1"], DeleteOnRelease = false });
        cloud.Region.AttachEni(kept.Id, cloud.Node.Id);
        await cloud.Region.TerminateInstanceAsync(cloud.Node.Id, TestContext.Current.CancellationToken);
        Assert.Empty(cloud.Region.Instances);
        var left = Assert.Single(cloud.Region.Enis);
        Assert.Equal((kept.Id, EniStatus.Available, null), (left.Id, left.Status, left.InstanceId));
        Assert.Empty(cloud.Fabric.Plugged);
        Assert.Equal(252, cloud.Available("vsw-nodes"));
        Assert.Equal(251, cloud.Available("vsw-pods"));
        Assert.NotEqual(attached.Id, kept.Id);
    }

    [Fact]
    public async Task Describe_pages_through_everything_once_while_interfaces_come_and_go()
    {
        await using var cloud = await TestCloud.StartAsync();
        var ids = Enumerable.Range(0, 35).Select(_ => cloud.NewEni().Id).ToList();
        List<string> seen = [];
        var token = "";
        do
        {
            var page = (await cloud.Api.CallAsync("DescribeNetworkInterfaces", ("Type", "Secondary"), ("MaxResults", 10), ("NextToken", token))).Ok();
            var items = page.Items("NetworkInterfaceSets", "NetworkInterfaceSet");
            Assert.True(items.Count <= 10);
            seen.AddRange(items.Select(static i => i.GetProperty("NetworkInterfaceId").GetString()!));
            token = page.Text("NextToken");
            // One of the page before goes away: numbered pages would now skip one.
            cloud.Region.DeleteEni(ids[seen.Count - 1]);
            await cloud.IdleAsync();
        }
        while (token.Length > 0);
        Assert.Equal(ids, seen);
        (await cloud.Api.CallAsync("DescribeNetworkInterfaces", ("NextToken", "bogus"))).Expect(400, "InvalidParameter");
        Assert.Equal(10, (await cloud.Api.CallAsync("DescribeNetworkInterfaces")).Ok().Items("NetworkInterfaceSets", "NetworkInterfaceSet").Count);
    }

    [Fact]
    public async Task Describe_filters_are_combined()
    {
        await using var cloud = await TestCloud.StartAsync();
        var attached = await cloud.AttachedEniAsync();
        cloud.NewEni();
        async Task<IReadOnlyList<string?>> Ids(params (string, object)[] filter) =>
            [.. (await cloud.Api.CallAsync("DescribeNetworkInterfaces", filter)).Ok()
                .Items("NetworkInterfaceSets", "NetworkInterfaceSet").Select(static i => i.GetProperty("NetworkInterfaceId").GetString())];

        Assert.Equal([attached.Id], await Ids(("InstanceId", cloud.Node.Id), ("Type", "Secondary")));
        Assert.Equal(2, (await Ids(("InstanceId", cloud.Node.Id))).Count);
        Assert.Equal([attached.Id], await Ids(("Status", "InUse"), ("VSwitchId", "vsw-pods")));
        Assert.Empty(await Ids(("Tag.1.Key", "creator"), ("Tag.1.Value", "terway")));
        Assert.Empty(await Ids(("NetworkInterfaceId.1", attached.Id), ("Status", "Available")));
        (await cloud.Api.CallAsync("DescribeNetworkInterfaces", ("Status", "1"))).Expect(400, "InvalidParameter");
    }

    [Fact]
    public async Task Quota_of_the_account_is_kept()
    {
        await using var cloud = await TestCloud.StartAsync(TestCloud.Config with { Quotas = new QuotaConfig { Enis = 2 } });
        cloud.NewEni();
        cloud.NewEni();
        (await cloud.Api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-1"))).Expect(403, "MaxEniCountExceeded");
    }
}
