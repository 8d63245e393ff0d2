using Terway.Lab.Cloud;
using Terway.Lab.Cloud.Faults;

namespace Terway.Plugins.SharedEni.Tests;

public sealed class ScalingTests
{
    private const string Pods = """ "vswitches": {"cn-hangzhou-i": ["vsw-pods"]} """;

    [Fact]
    public async Task Shrink_returns_whole_idle_enis_and_then_addresses()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "min_pool_size": 2, "max_pool_size": 4}""", attach: TimeSpan.FromSeconds(1));
        await node.StartAsync();
        var pods = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 40).Select(_ => node.AllocateAsync())));
        Assert.Equal(3, node.Secondaries.Count);
        foreach (var pod in pods)
        {
            node.Plugin.Release(pod, used: true);
        }

        await node.PassAsync(TimeSpan.FromMinutes(6));
        await node.SettleAsync();

        Assert.Equal(4, node.Secondaries.Sum(e => e.PrivateIps.Length));
        Assert.Single(node.Secondaries);
        Assert.Equal(4, node.Capacity.Idle);
        Assert.Single(node.Disk.Records);
        Assert.Equal(["eni/" + node.Secondaries[0].Id, "node"], node.Disk.NodeObjects.Keys);
    }

    [Fact]
    public async Task Shrink_keeps_cooling_addresses_and_addresses_in_use()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "ip_cooldown": 600}""");
        await node.StartAsync();
        var pods = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 10).Select(_ => node.AllocateAsync())));
        node.Plugin.Release(pods[0], used: true);

        await node.PassAsync(TimeSpan.FromMinutes(5));

        Assert.Contains(pods[0].Addresses[0].Address, node.Secondaries.SelectMany(e => e.PrivateIps));
        Assert.Equal(1, node.Capacity.CoolingDown);
        await node.PassAsync(TimeSpan.FromMinutes(10));
        Assert.All(pods.Skip(1), p => Assert.Contains(p.Addresses[0].Address, node.Secondaries.SelectMany(e => e.PrivateIps)));
    }

    [Fact]
    public async Task Shrink_never_asks_for_an_enis_own_address()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "ip_cooldown": 0, "ip_pool_sync_period": "5m"}""");
        await node.StartAsync();
        var pods = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 6).Select(_ => node.AllocateAsync())));
        var own = node.Secondaries.Single().PrimaryIp;

        // The ENI's own address is the newest idle one; a pod keeps the ENI there.
        foreach (var pod in pods.Where(p => !p.Addresses[0].Address.Equals(own)).Skip(1).Concat(pods.Where(p => p.Addresses[0].Address.Equals(own))))
        {
            node.Plugin.Release(pod, used: true);
        }

        await node.PassAsync(TimeSpan.FromMinutes(12));

        Assert.Equal(2, node.Secondaries.Single().PrivateIps.Length);
        Assert.Equal(["OK"], node.Codes.Keys);
        Assert.Equal(1, node.Capacity.Idle);
    }

    [Fact]
    public async Task Shrink_with_min_eni_keeps_one_with_all_its_addresses()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "min_eni": 1}""");
        await node.StartAsync();

        await node.UntilAsync(() => node.Capacity.Idle == 15, "one whole ENI is there");
        await node.PassAsync(TimeSpan.FromMinutes(10));

        Assert.Equal(15, Assert.Single(node.Secondaries).PrivateIps.Length);
    }

    [Fact]
    public async Task Shrink_to_zero_never_touches_primary_and_foreign_enis()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + "}");
        var foreign = await AttachAsync(node, ("owner", "somebody"));
        var excluded = await AttachAsync(node, ("creator", "terway"), ("terway.alibabacloud.com/excluded", "true"));
        var before = node.Region.Enis.Where(e => e.Id == foreign || e.Id == excluded || e.Type == EniType.Primary).ToArray();
        await node.StartAsync();
        var pods = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 15).Select(_ => node.AllocateAsync())));
        foreach (var pod in pods)
        {
            node.Plugin.Release(pod, used: true);
        }

        await node.PassAsync(TimeSpan.FromMinutes(15));

        // Of three places two are taken by others: 1 x 15.
        Assert.Equal(15, node.Capacity.Total);
        Assert.Equal(before.Select(e => (e.Id, e.Status, e.PrivateIps.Length)), node.Region.Enis.Select(e => (e.Id, e.Status, e.PrivateIps.Length)));
        Assert.DoesNotContain(node.Disk.NodeObjects.Keys, k => k.StartsWith("eni/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_takes_over_enis_of_terway_and_gives_them_back()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "max_pool_size": 50}""");
        var eni = await AttachAsync(node, ("creator", "terway"));
        await node.StartAsync();

        var pod = await node.RunAsync(node.AllocateAsync());

        Assert.Equal(eni, pod.EniId);
        Assert.DoesNotContain("CreateNetworkInterface", node.Cloud.Calls);
    }

    [Fact]
    public async Task Start_with_tag_filter_takes_over_but_never_deletes_foreign_enis()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "eni_tag_filter": {"team": "net"}}""");
        var eni = await AttachAsync(node, ("team", "net"));
        await node.StartAsync();
        var pod = await node.RunAsync(node.AllocateAsync());
        Assert.Equal(eni, pod.EniId);
        node.Plugin.Release(pod, used: true);

        await node.PassAsync(TimeSpan.FromMinutes(10));

        Assert.Equal(eni, Assert.Single(node.Secondaries).Id);
    }

    [Fact]
    public async Task Grow_with_an_exhausted_vswitch_goes_on_in_the_next_one()
    {
        await using var node = await TestNode.CreateAsync(
            """{"vswitches": {"cn-hangzhou-i": ["vsw-tiny", "vsw-far", "vsw-pods"]}, "vswitch_selection_policy": "ordered"}""");
        await node.StartAsync();

        var pods = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 30).Select(_ => node.AllocateAsync())));

        Assert.Contains(pods, p => p.Addresses[0].Subnet.ToString() == "10.0.8.0/28");
        Assert.Contains(pods, p => p.Addresses[0].Subnet.ToString() == "10.0.16.0/22");
        await node.SettleAsync();
        Assert.Contains("vSwitch vsw-tiny", node.Host.Findings["vswitch/vsw-tiny"].Reason, StringComparison.Ordinal);
        Assert.Contains("zone cn-hangzhou-k", node.Host.Findings["vswitch/vsw-far"].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grow_with_every_vswitch_exhausted_fails_at_once_and_recovers_when_addresses_come_back()
    {
        await using var node = await TestNode.CreateAsync("""{"vswitches": {"cn-hangzhou-i": ["vsw-tiny"]}}""");
        await node.StartAsync();
        var pods = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 12).Select(_ => node.AllocateAsync())));
        var begun = node.Time.GetUtcNow();

        var error = await Assert.ThrowsAsync<PodNetworkException>(() => node.RunAsync(node.AllocateAsync()));

        Assert.Contains("InvalidVSwitchId.IpNotEnough", error.Message, StringComparison.Ordinal);
        Assert.Contains("RequestId", error.Message, StringComparison.Ordinal);
        Assert.True(node.Time.GetUtcNow() - begun < TimeSpan.FromSeconds(10));
        var calls = node.Cloud.CallCount;
        await Assert.ThrowsAsync<PodNetworkException>(() => node.RunAsync(node.AllocateAsync()));
        Assert.Equal(calls, node.Cloud.CallCount);
        Assert.NotNull(node.Capacity.Exhausted);

        // A pod goes: its address is given early rather than not at all.
        node.Plugin.Release(pods[0], used: true);
        Assert.Equal(pods[0].Addresses, (await node.RunAsync(node.AllocateAsync())).Addresses);
    }

    [Fact]
    public async Task Grow_when_attachments_roll_back_deletes_the_eni_and_makes_another()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + "}", attach: TimeSpan.FromSeconds(2));
        node.Faults.Add(new FaultRule { Kind = FaultKind.AttachRollback, Next = 1 });
        await node.StartAsync();

        var pod = await node.RunAsync(node.AllocateAsync());

        Assert.Equal(EniStatus.InUse, node.Secondaries.Single(e => e.Id == pod.EniId).Status);
        await node.SettleAsync();
        Assert.Single(node.Secondaries);
        Assert.Equal(2, node.Cloud.Calls.Count(c => c == "CreateNetworkInterface"));
    }

    [Theory]
    [InlineData("CreateNetworkInterface")]
    [InlineData("AttachNetworkInterface")]
    [InlineData("AssignPrivateIpAddresses")]
    [InlineData("DescribeNetworkInterfaces")]
    public async Task Grow_with_a_lost_answer_leaks_nothing(string api)
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "max_pool_size": 15}""");
        await node.StartAsync();
        await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();
        node.Faults.Add(new FaultRule { Kind = FaultKind.LostAnswer, Api = api, Next = 1 });

        var pods = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 30).Select(_ => node.AllocateAsync())));

        Assert.Equal(30, pods.Select(p => p.Addresses[0].Address).Distinct().Count());
        await node.PassAsync(TimeSpan.FromMinutes(2));
        await node.SettleAsync();
        Assert.All(node.Secondaries, e => Assert.Contains("eni/" + e.Id, node.Disk.Records.Keys));
        Assert.DoesNotContain(node.Disk.Records.Keys, k => k.StartsWith("op/", StringComparison.Ordinal));
        var known = node.Secondaries.Sum(e => e.PrivateIps.Length);
        Assert.Equal(known, node.Capacity.InUse + node.Capacity.Idle + node.Capacity.CoolingDown);
    }

    [Fact]
    public async Task Grow_beyond_what_the_instance_takes_counts_again()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + "}");
        await node.StartAsync();
        await node.RunAsync(node.AllocateAsync());

        // Somebody else takes the other two places behind our back.
        await AttachAsync(node);
        await AttachAsync(node);
        var pods = Enumerable.Range(0, 15).Select(_ => node.AllocateAsync()).ToArray();
        await node.UntilAsync(() => pods.All(p => p.IsCompleted), "everybody has an answer");

        Assert.Equal(14, pods.Count(p => p.IsCompletedSuccessfully));
        await node.PassAsync(TimeSpan.FromMinutes(2));
        await node.SettleAsync();
        Assert.Equal(15, node.Capacity.Total);
        Assert.Equal(3, node.Secondaries.Count);
        Assert.All(pods.Where(p => p.IsFaulted), p => Assert.IsType<PodNetworkException>(p.Exception!.InnerException));
    }

    internal static async Task<string> AttachAsync(TestNode node, params (string Key, string Value)[] tags)
    {
        var eni = node.Region.CreateEni(new CreateEniRequest
        {
            VSwitchId = "vsw-pods",
            SecurityGroupIds = ["sg-2"],
            SecondaryIpCount = 2,
            Tags = tags.Aggregate(System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty, (t, p) => t.SetItem(p.Key, p.Value)),
        });
        node.Region.AttachEni(eni.Id, node.Facts.InstanceId);
        await node.UntilAsync(() => node.Secondaries.Single(e => e.Id == eni.Id).Status == EniStatus.InUse, "attached");
        return eni.Id;
    }
}
