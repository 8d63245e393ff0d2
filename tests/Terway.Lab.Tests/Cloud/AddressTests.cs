using CsCheck;
using Terway.Lab.Cloud;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Config;

namespace Terway.Lab.Tests.Cloud;

public sealed class AddressTests
{
    [Fact]
    public async Task Assign_by_count_reaches_the_data_plane_before_the_answer()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync();
        var answer = (await cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 3))).Ok();
        var set = answer.Json.GetProperty("AssignedPrivateIpAddressesSet");
        Assert.Equal(eni.Id, set.GetProperty("NetworkInterfaceId").GetString());
        var ips = set.GetProperty("PrivateIpSet").GetProperty("PrivateIpAddress").EnumerateArray().Select(static e => e.GetString()!).ToList();
        Assert.Equal(["10.0.4.2", "10.0.4.3", "10.0.4.4"], ips);
        Assert.Equal(ips, cloud.Fabric.Plugged.Single(e => e.Id == eni.Id).PrivateIps.Skip(1).Select(static ip => ip.ToString()));
        Assert.Equal(248, cloud.Available("vsw-pods"));
    }

    [Fact]
    public async Task Assign_beyond_the_type_is_refused_whole()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync(secondary: 13);
        (await cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 2)))
            .Expect(403, "InvalidOperation.Ipv4CountExceeded");
        Assert.Equal(14, cloud.Eni(eni.Id).PrivateIps.Length);
        (await cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 1))).Ok();
    }

    [Fact]
    public async Task Assign_named_addresses_must_be_free_and_of_the_vswitch()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync();
        Task<AcsAnswer> Assign(params string[] ips) => cloud.Api.CallAsync(
            "AssignPrivateIpAddresses", [("NetworkInterfaceId", eni.Id), .. ips.Select(static (ip, i) => ($"PrivateIpAddress.{i + 1}", (object)ip))]);

        (await Assign("10.0.4.77")).Ok();
        (await Assign("10.0.4.77")).Expect(403, "InvalidIp.IpAssigned");
        (await Assign("10.0.4.78", "10.0.4.78")).Expect(403, "InvalidIp.IpRepeated");
        (await Assign("10.0.5.1")).Expect(403, "InvalidVSwitchId.IpInvalid");
        (await Assign("10.0.4.0")).Expect(403, "InvalidVSwitchId.IpInvalid");
        (await Assign("10.0.4.254")).Expect(403, "InvalidVSwitchId.IpInvalid");
        (await Assign("hello")).Expect(400, "InvalidParameter");
        Assert.Equal(250, cloud.Available("vsw-pods"));
    }

    [Fact]
    public async Task Assign_from_an_empty_vswitch_is_refused_and_takes_nothing()
    {
        await using var cloud = await TestCloud.StartAsync();
        // A /28 has 16 addresses, 4 of them the system's.
        Assert.Equal(12, cloud.Available("vsw-tiny"));
        var eni = await cloud.AttachedEniAsync(secondary: 9, vSwitch: "vsw-tiny");
        (await cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 3)))
            .Expect(403, "InvalidVSwitchId.IpNotEnough");
        Assert.Equal(2, cloud.Available("vsw-tiny"));
        (await cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 2))).Ok();
        Assert.Equal("10.0.8.12", cloud.Eni(eni.Id).PrivateIps[^1].ToString());
        (await cloud.Api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-tiny"), ("SecurityGroupId", "sg-1"))).Expect(403, "InvalidVSwitchId.IpNotEnough");
        var shown = (await cloud.Api.CallAsync("DescribeVSwitches", ("VSwitchId", "vsw-tiny"))).Ok().Items("VSwitches", "VSwitch").Single();
        Assert.Equal(0, shown.GetProperty("AvailableIpAddressCount").GetInt32());
        Assert.Equal("10.0.8.0/28", shown.GetProperty("CidrBlock").GetString());
    }

    [Fact]
    public async Task Assign_needs_exactly_one_way_of_asking()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync();
        (await cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id))).Expect(400, "MissingParameter");
        (await cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 1), ("Ipv4PrefixCount", 1)))
            .Expect(400, "InvalidParameter.Conflict");
        (await cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 0))).Expect(400, "InvalidParameter");
        (await cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("Ipv4PrefixCount", 11))).Expect(400, "InvalidParameter");
    }

    [Fact]
    public async Task Assign_while_attaching_or_beside_another_change_is_refused()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(TestCloud.Config with { Delays = new DelayConfig() }, time);
        var eni = cloud.NewEni();
        cloud.Region.AttachEni(eni.Id, cloud.Node.Id);
        (await cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 1)))
            .Expect(400, "InvalidOperation.InvalidEniState");
        time.Advance(TimeSpan.FromSeconds(2));
        await cloud.IdleAsync();

        var inside = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        cloud.Fabric.During = call =>
        {
            if (!call.StartsWith("update", StringComparison.Ordinal))
                return Task.CompletedTask;
            inside.TrySetResult();
            return release.Task;
        };
        var first = cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 1));
        await inside.Task;
        (await cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 1))).Expect(403, "Operation.Conflict");
        release.SetResult();
        (await first).Ok();
    }

    [Fact]
    public async Task Unassign_all_or_nothing_and_never_the_primary_address()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync(secondary: 2);
        Task<AcsAnswer> Unassign(params string[] ips) => cloud.Api.CallAsync(
            "UnassignPrivateIpAddresses", [("NetworkInterfaceId", eni.Id), .. ips.Select(static (ip, i) => ($"PrivateIpAddress.{i + 1}", (object)ip))]);

        (await Unassign("10.0.4.1")).Expect(403, "InvalidIp.IpUnassigned");
        (await Unassign("10.0.4.2", "10.0.4.99")).Expect(403, "InvalidIp.IpUnassigned");
        Assert.Equal(3, cloud.Eni(eni.Id).PrivateIps.Length);
        (await Unassign("10.0.4.2", "10.0.4.2")).Expect(403, "InvalidIp.IpRepeated");
        (await Unassign("10.0.4.2")).Ok();
        (await Unassign("10.0.4.2")).Expect(403, "InvalidIp.IpUnassigned");
        (await cloud.Api.CallAsync("UnassignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id))).Expect(400, "MissingParameter");
        (await cloud.Api.CallAsync("UnassignPrivateIpAddresses", ("NetworkInterfaceId", "eni-x"), ("PrivateIpAddress.1", "10.0.4.2"))).Expect(404, "InvalidEniId.NotFound");
        Assert.Equal(250, cloud.Available("vsw-pods"));
    }

    [Fact]
    public async Task Unassign_frees_the_address_only_after_the_data_plane_dropped_it()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync(secondary: 1);
        var inside = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        cloud.Fabric.During = call =>
        {
            if (!call.StartsWith("update", StringComparison.Ordinal))
                return Task.CompletedTask;
            inside.TrySetResult();
            return release.Task;
        };
        var unassign = cloud.Api.CallAsync("UnassignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("PrivateIpAddress.1", "10.0.4.2"));
        await inside.Task;
        Assert.NotEqual("10.0.4.2", cloud.NewEni().PrimaryIp.ToString());
        release.SetResult();
        (await unassign).Ok();
        Assert.Equal("10.0.4.2", cloud.NewEni().PrimaryIp.ToString());
    }

    [Fact]
    public async Task Prefixes_are_aligned_blocks_that_nothing_else_gets()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync();
        var answer = (await cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("Ipv4PrefixCount", 2))).Ok();
        Assert.Equal(["10.0.4.16/28", "10.0.4.32/28"], answer.Json.GetProperty("AssignedPrivateIpAddressesSet")
            .GetProperty("Ipv4PrefixSet").GetProperty("Ipv4Prefixes").EnumerateArray().Select(static e => e.GetString()));
        (await cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("PrivateIpAddress.1", "10.0.4.20"))).Expect(403, "InvalidIp.IpAssigned");
        Assert.Equal(252 - 1 - 32, cloud.Available("vsw-pods"));
        foreach (var wrong in new[] { "10.0.4.20/28", "10.0.4.16/29", "10.0.4.16" })
            (await cloud.Api.CallAsync("UnassignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("Ipv4Prefix.1", wrong))).Expect(400, "InvalidParameter");
        (await cloud.Api.CallAsync("UnassignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("Ipv4Prefix.1", "10.0.4.16/28"))).Ok();
        (await cloud.Api.CallAsync("UnassignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("Ipv4Prefix.1", "10.0.4.32/28"), ("PrivateIpAddress.1", "10.0.4.2")))
            .Expect(400, "InvalidParameter.Conflict");
        Assert.Equal(252 - 1 - 16, cloud.Available("vsw-pods"));
    }

    [Fact]
    public async Task Ipv6_addresses_are_assigned_and_returned()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync();
        var answer = (await cloud.Api.CallAsync("AssignIpv6Addresses", ("NetworkInterfaceId", eni.Id), ("Ipv6AddressCount", 2))).Ok();
        Assert.Equal(["2408:4005:1000:10::1", "2408:4005:1000:10::2"], answer.Items("Ipv6Sets", "Ipv6Address").Select(static e => e.GetString()));
        (await cloud.Api.CallAsync("AssignIpv6Addresses", ("NetworkInterfaceId", eni.Id), ("Ipv6PrefixCount", 1))).Ok();
        Assert.Equal("2408:4005:1000:10:1::/80", cloud.Eni(eni.Id).Ipv6Prefixes.Single().ToString());
        (await cloud.Api.CallAsync("AssignIpv6Addresses", ("NetworkInterfaceId", eni.Id), ("Ipv6AddressCount", 13))).Expect(403, "InvalidOperation.Ipv6CountExceeded");
        (await cloud.Api.CallAsync("UnassignIpv6Addresses", ("NetworkInterfaceId", eni.Id), ("Ipv6Address.1", "2408:4005:1000:10::1"))).Ok();
        (await cloud.Api.CallAsync("UnassignIpv6Addresses", ("NetworkInterfaceId", eni.Id), ("Ipv6Address.1", "2408:4005:1000:10::1")))
            .Expect(403, "InvalidIp.IpUnassigned");
        (await cloud.Api.CallAsync("AssignIpv6Addresses", ("NetworkInterfaceId", eni.Id), ("Ipv6Address.1", "2408:4005:1000:10::2")))
            .Expect(403, "InvalidIp.IpAssigned");
        Assert.Equal(["2408:4005:1000:10::2"], cloud.Eni(eni.Id).Ipv6Addresses.Select(static ip => ip.ToString()));
    }

    [Fact]
    public async Task Quotas_of_vpc_and_group_are_kept()
    {
        // The node's primary address counts too.
        await using var vpc = await TestCloud.StartAsync(TestCloud.Config with { Quotas = new QuotaConfig { PrivateIpsPerVpc = 4 } });
        var eni = await vpc.AttachedEniAsync(secondary: 2);
        (await vpc.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 1))).Expect(403, "QuotaExceeded.PrivateIpAddress");
        await using var group = await TestCloud.StartAsync(TestCloud.Config with { Quotas = new QuotaConfig { PrivateIpsPerBasicGroup = 4 } });
        eni = await group.AttachedEniAsync(secondary: 2);
        (await group.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 1)))
            .Expect(403, "SecurityGroupInstanceLimitExceed");
    }

    [Theory]
    [InlineData(AddressReuse.LowestFree, "10.0.4.1")]
    [InlineData(AddressReuse.LastReleased, "10.0.4.2")]
    [InlineData(AddressReuse.RoundRobin, "10.0.4.4")]
    public async Task Reuse_policy_decides_which_address_comes_next(AddressReuse reuse, string expected)
    {
        await using var cloud = await TestCloud.StartAsync(TestCloud.Config with { AddressReuse = reuse });
        var enis = Enumerable.Range(0, 3).Select(_ => cloud.NewEni()).ToList();
        foreach (var eni in enis.Take(2))
        {
            cloud.Region.DeleteEni(eni.Id);
            await cloud.IdleAsync();
        }
        Assert.Equal(expected, cloud.NewEni().PrimaryIp.ToString());
    }

    /// <summary>Any sequence of operations keeps the books: counts add up, nothing is held twice, an ENI has what it should.</summary>
    [Fact]
    public void Accounting_any_sequence_of_operations_adds_up() =>
        Gen.Select(Gen.Enum<AddressReuse>(), Gen.Select(Gen.Int[0, 7], Gen.Int[0, 5], Gen.Int[1, 6]).Array[1, 60]).Sample(static t =>
            RunAsync(t.Item1, t.Item2).GetAwaiter().GetResult(), iter: 150);

    private static async Task RunAsync(AddressReuse reuse, (int Operation, int Eni, int Count)[] operations)
    {
        var fabric = new RecordingFabric();
        await using var region = await Region.CreateAsync(TestCloud.Config with { AddressReuse = reuse }, fabric);
        var node = await region.RunInstanceAsync(new InstanceRequest
        {
            Name = "n",
            InstanceType = "ecs.g7.xlarge",
            VSwitchId = "vsw-nodes",
            SecurityGroupIds = ["sg-1"],
        });
        foreach (var (operation, index, count) in operations)
        {
            var before = region.Enis;
            var eni = before.Where(static e => e.Type != EniType.Primary).Skip(index).FirstOrDefault() ?? before[0];
            try
            {
                switch (operation)
                {
                    case 0:
                        region.CreateEni(new CreateEniRequest { VSwitchId = "vsw-tiny", SecurityGroupIds = ["sg-1"], SecondaryIpCount = count });
                        break;
                    case 1:
                        region.CreateEni(new CreateEniRequest { VSwitchId = "vsw-pods", SecurityGroupIds = ["sg-1"], Ipv4PrefixCount = count, Ipv6AddressCount = count });
                        break;
                    case 2:
                        region.AttachEni(eni.Id, node.Id);
                        break;
                    case 3:
                        region.DetachEni(eni.Id, node.Id);
                        break;
                    case 4:
                        region.DeleteEni(eni.Id);
                        break;
                    case 5:
                        await region.AssignIpv4Async(eni.Id, new AddressRequest { Count = count });
                        break;
                    case 6:
                        await region.UnassignIpv4Async(eni.Id, [.. eni.PrivateIps.Skip(1).Take(count)], []);
                        break;
                    default:
                        await region.UnassignIpv4Async(eni.Id, [], [.. eni.Ipv4Prefixes.Take(count)]);
                        break;
                }
            }
            catch (CloudException)
            {
                // Refused: then nothing may have changed, which the books show.
                Assert.Equal(Books(before), Books(region.Enis));
            }
            await region.WhenIdleAsync(TestContext.Current.CancellationToken);
            CheckBooks(region);
        }
        Assert.Empty(fabric.Broken);
        Assert.Empty(region.Troubles);
        var plugged = fabric.Plugged.ToDictionary(static e => e.Id, static e => string.Join(',', e.Sources));
        Assert.Equal(
            region.Enis.Where(static e => e.Status == EniStatus.InUse).OrderBy(static e => e.Id).Select(static e => (e.Id, string.Join(',', e.Sources))),
            plugged.OrderBy(static p => p.Key).Select(static p => (p.Key, p.Value)));
    }

    private static IEnumerable<string> Books(IEnumerable<EniSnapshot> enis) => enis.Select(static e => $"{e.Id} {string.Join(',', e.Sources)}");

    private static void CheckBooks(Region region)
    {
        var enis = region.Enis;
        foreach (var vSwitch in region.VSwitches)
        {
            var held = enis.Where(e => e.VSwitchId == vSwitch.Id).Sum(static e => e.PrivateIps.Length + (16 * e.Ipv4Prefixes.Length));
            Assert.Equal(vSwitch.TotalIpAddressCount, vSwitch.AvailableIpAddressCount + held);
        }
        var sources = enis.SelectMany(static e => e.Sources).ToList();
        for (var i = 0; i < sources.Count; i++)
        {
            for (var j = i + 1; j < sources.Count; j++)
                Assert.False(sources[i].Contains(sources[j].BaseAddress) || sources[j].Contains(sources[i].BaseAddress), $"{sources[i]} and {sources[j]} overlap");
        }
        foreach (var eni in enis)
        {
            var reserved = new[] { eni.VSwitchCidr.BaseAddress.ToString(), eni.Gateway.ToString() };
            Assert.DoesNotContain(eni.PrivateIps, ip => reserved.Contains(ip.ToString()) || !eni.VSwitchCidr.Contains(ip));
        }
    }
}
