using System.Net.Sockets;
using Terway.Lab.Cloud;
using Terway.Lab.Cloud.Faults;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>Two families on one ENI: a pod has both or none, whatever happens to one of them.</summary>
public sealed class SecondFamilyTests
{
    private const string Pods = "\"vswitches\": {\"cn-hangzhou-i\": [\"vsw-pods\"]}";

    [Fact]
    public async Task Eni_that_came_with_fewer_of_one_family_gets_the_rest()
    {
        // More than ten IPv6 addresses cannot be had with an ENI.
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "min_pool_size": 14, "max_pool_size": 14}""", dual: true);
        await node.StartAsync();

        await node.UntilAsync(() => node.Capacity.Idle == 14, "all pairs are there");
        await node.SettleAsync();

        var eni = Assert.Single(node.Secondaries);
        Assert.Equal((14, 14), (eni.PrivateIps.Length, eni.Ipv6Addresses.Length));
        Assert.DoesNotContain("AssignPrivateIpAddresses", node.Cloud.Calls);
    }

    [Fact]
    public async Task Half_pairs_above_the_low_watermark_are_completed_without_a_pod()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "min_pool_size": 4, "max_pool_size": 12}""", dual: true);
        await node.StartAsync();

        await node.UntilAsync(() => node.Capacity.Idle == 12, "what the ENI came with is completed");
        await node.PassAsync(TimeSpan.FromMinutes(5));

        var eni = Assert.Single(node.Secondaries);
        Assert.Equal((12, 12), (eni.PrivateIps.Length, eni.Ipv6Addresses.Length));
        Assert.Equal(1, node.Cloud.Calls.Count(static c => c == "AssignIpv6Addresses"));
    }

    [Theory]
    [InlineData(FaultKind.Error)]
    [InlineData(FaultKind.LostAnswer)]
    [InlineData(FaultKind.Unreachable)]
    public async Task Second_family_that_fails_after_the_first_is_completed_and_no_pod_has_one_alone(FaultKind kind)
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "max_pool_size": 0, "ip_pool_sync_period": "30s"}""", dual: true);
        await node.StartAsync();
        await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();
        node.Faults.Add(new FaultRule { Kind = kind, Api = "AssignIpv6Addresses", Next = 1 });

        var pods = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 5).Select(_ => node.AllocateAsync())));

        Assert.All(pods, p => Assert.Equal([AddressFamily.InterNetwork, AddressFamily.InterNetworkV6], p.Addresses.Select(static a => a.Address.AddressFamily)));
        await node.PassAsync(TimeSpan.FromMinutes(5));
        // Another ENI may have been made meanwhile.
        Assert.All(node.Secondaries, static e => Assert.Equal(e.PrivateIps.Length, e.Ipv6Addresses.Length));
        Assert.Equal(6, node.Secondaries.Sum(static e => e.PrivateIps.Length));
        Assert.DoesNotContain(node.Disk.Records.Keys, static k => k.StartsWith("op/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Second_family_that_is_refused_for_good_gives_the_first_back_and_the_pod_fails_by_the_clouds_reason()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "max_pool_size": 0, "ip_pool_sync_period": "30s"}""", dual: true);
        await node.StartAsync();
        await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();
        node.Faults.Add(new FaultRule { Kind = FaultKind.Error, Api = "AssignIpv6Addresses", Code = "Forbidden.RAM", Status = 403 });
        node.Faults.Add(new FaultRule { Kind = FaultKind.Error, Api = "CreateNetworkInterface", Code = "Forbidden.RAM", Status = 403 });

        var error = await Assert.ThrowsAsync<PodNetworkException>(() => node.RunAsync(node.AllocateAsync()));

        Assert.Contains("Forbidden.RAM", error.Message, StringComparison.Ordinal);
        await node.PassAsync(TimeSpan.FromMinutes(5));
        var eni = Assert.Single(node.Secondaries);
        Assert.Equal((1, 1), (eni.PrivateIps.Length, eni.Ipv6Addresses.Length));
        Assert.Equal(1, node.Capacity.InUse);
    }

    [Fact]
    public async Task Family_that_comes_later_leaves_pods_alone_and_new_ones_get_pairs()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "min_pool_size": 2, "max_pool_size": 2, "ip_pool_sync_period": "30s", "ip_cooldown": 5}""");
        await node.StartAsync();
        var old = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 6).Select(_ => node.AllocateAsync())));
        await node.SettleAsync();

        node.Dual = true;
        await node.RestartAsync(old);
        var young = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 3).Select(_ => node.AllocateAsync())));
        await node.PassAsync(TimeSpan.FromMinutes(5));

        Assert.All(young, static p => Assert.Equal(2, p.Addresses.Count));
        Assert.Empty(young.Select(static p => p.Addresses[0].Address).Intersect(old.Select(static p => p.Addresses[0].Address)));
        // Pairs for the young and the idle, and nothing for those that have none.
        Assert.Equal((11, 5), (node.Secondaries.Sum(static e => e.PrivateIps.Length), node.Secondaries.Sum(static e => e.Ipv6Addresses.Length)));
        Assert.Equal(new Capacity(45, 9, 2, 0, null), node.Capacity);

        // And goes: what pods hold of it stays theirs.
        node.Dual = false;
        await node.RestartAsync([.. old, .. young]);
        var single = await node.RunAsync(node.AllocateAsync());
        Assert.Single(single.Addresses);
        node.Plugin.Release(young[0], used: true);
        Assert.Equal(9, node.Capacity.InUse);
    }

    [Fact]
    public async Task Only_what_a_family_lacks_is_asked_for()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "min_pool_size": 2, "max_pool_size": 2}""");
        await node.StartAsync();
        var old = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 6).Select(_ => node.AllocateAsync())));
        await node.SettleAsync();
        Assert.Equal((8, 0), Assigned());
        // The next life's calls are counted anew.
        var calls = 0;

        // Idle ones of the first family are there: the second comes to them.
        node.Dual = true;
        await node.RestartAsync(old);
        await node.SettleAsync();
        Assert.Equal((8, 2), Assigned());
        Assert.Equal(["AssignIpv6Addresses"], Assigns());

        // From here on, one of each for a pod, whatever pods of one family hold.
        calls = node.Cloud.Calls.Count;
        await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();
        Assert.Equal((9, 3), Assigned());
        Assert.Equal(["AssignIpv6Addresses", "AssignPrivateIpAddresses"], Assigns().Order(StringComparer.Ordinal));

        (int, int) Assigned() => (node.Secondaries.Sum(static e => e.PrivateIps.Length), node.Secondaries.Sum(static e => e.Ipv6Addresses.Length));

        IEnumerable<string> Assigns() => node.Cloud.Calls.Skip(calls).Where(static c => c.Contains("ssign", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Prefixes_of_both_families_are_on_one_eni_and_one_of_ipv6_is_enough_for_it()
    {
        await using var node = await TestNode.CreateAsync(
            "{" + Pods + """, "enable_ip_prefix": true, "max_pool_size": 0, "ip_cooldown": 5, "ip_pool_sync_period": "30s"}""", dual: true);
        await node.StartAsync();

        var pods = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 200).Select(_ => node.AllocateAsync())));

        Assert.Equal(400, pods.SelectMany(static p => p.Addresses).Select(static a => a.Address).Distinct().Count());
        foreach (var pod in pods)
        {
            var eni = node.Secondaries.Single(e => e.Id == pod.EniId);
            Assert.Contains(eni.Ipv4Prefixes, p => p.Contains(pod.Addresses[0].Address));
            Assert.True(Assert.Single(eni.Ipv6Prefixes).Contains(pod.Addresses[1].Address));
            Assert.NotEqual(eni.Ipv6Prefixes[0].BaseAddress, pod.Addresses[1].Address);
        }

        // A life that knows them from its records gives none twice, and gives what is free back.
        await node.RestartAsync(pods);
        var more = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 30).Select(_ => node.AllocateAsync())));
        Assert.Equal(460, pods.Concat(more).SelectMany(static p => p.Addresses).Select(static a => a.Address).Distinct().Count());
        foreach (var pod in pods.Concat(more).Skip(1)) node.Plugin.Release(pod, used: true);
        await node.PassAsync(TimeSpan.FromMinutes(5));
        var last = Assert.Single(node.Secondaries);
        Assert.Single(last.Ipv4Prefixes);
        Assert.Single(last.Ipv6Prefixes);
        Assert.Equal(1, node.Capacity.InUse);
    }

    [Fact]
    public async Task Prefix_of_the_second_family_is_asked_for_when_it_is_missing()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "enable_ip_prefix": true, "max_pool_size": 0}""");
        await node.StartAsync();
        var old = await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();

        node.Dual = true;
        await node.RestartAsync([old]);
        var young = await node.RunAsync(node.AllocateAsync());

        Assert.Equal(2, young.Addresses.Count);
        Assert.Single(Assert.Single(node.Secondaries).Ipv6Prefixes);
    }
}
