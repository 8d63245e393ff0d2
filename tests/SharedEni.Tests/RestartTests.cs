using System.Net;
using Terway.Lab.Cloud;

namespace Terway.Plugins.SharedEni.Tests;

public sealed class RestartTests
{
    private const string Settings = """{"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "min_pool_size": 5, "max_pool_size": 10}""";

    [Fact]
    public async Task Start_with_records_serves_pods_while_the_cloud_is_down()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await node.StartAsync();
        var old = await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();
        var idle = node.Capacity.Idle;
        await node.RunAsync(node.Plugin.StopAsync(default));

        node.Begin(new CrashPoint());
        node.Cloud.Unreachable = true;
        await node.StartAsync([old]);

        Assert.Null(node.Plugin.Health);
        Assert.Equal(idle, node.Capacity.Idle);
        Assert.Equal(1, node.Capacity.InUse);
        var fresh = await node.Plugin.AllocateAsync(node.Pod(), default);
        Assert.NotEqual(old.Addresses, fresh.Addresses);

        // Back again, without a restart.
        node.Cloud.Unreachable = false;
        var pods = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 20).Select(_ => node.AllocateAsync())));
        Assert.Equal(22, pods.Append(old).Append(fresh).Select(p => p.Addresses[0].Address).Distinct().Count());
    }

    [Fact]
    public async Task Start_after_a_reboot_uses_the_links_new_table()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await node.StartAsync();
        await node.UntilAsync(() => node.Capacity.Idle >= 5, "the pool is warm");
        await node.RunAsync(node.Plugin.StopAsync(default));
        node.Fabric.Reboot();
        node.Disk.NodeObjects.Clear();

        node.Begin(new CrashPoint());
        await node.StartAsync();

        var link = Assert.Single(node.Fabric.Links, l => l.Mac == node.Secondaries[0].Mac);
        var objects = node.Disk.NodeObjects["eni/" + node.Secondaries[0].Id];
        Assert.Equal(
            [
                $"Sysctl {{ InPod = False, Path = net/ipv4/conf/{link.Name}/forwarding, Value = 1 }}",
                $"Link {{ InPod = False, Name = {link.Name}, Mtu = 0 }}",
                $"Address {{ InPod = False, LinkName = {link.Name}, Ip = {node.Facts.Addresses[0]}, PrefixLength = 32 }}",
                $"Route {{ InPod = False, LinkName = {link.Name}, Destination = 0.0.0.0/0, Gateway = 10.0.19.253, Table = {1000 + link.Index} }}",
                $"Refusal {{ InPod = False, LinkName = {link.Name}, Family = InterNetwork, Priority = 2047 }}",
            ],
            objects.Select(o => o.ToString()));
        Assert.Contains("node", node.Disk.NodeObjects.Keys);
    }

    [Fact]
    public async Task Restore_keeps_the_cool_down_of_released_addresses()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await node.StartAsync();
        await node.UntilAsync(() => node.Capacity.Idle == 10, "the pool is warm");
        var all = node.Secondaries.SelectMany(e => e.PrivateIps).ToArray();
        var now = node.Time.GetUtcNow();

        // Nine of ten went back 100 s ago, one of them - by a clock that was set back - in the future.
        await node.RestartAsync(
            released: all[1..].ToDictionary(ip => ip, ip => ip.Equals(all[9]) ? now.AddHours(1) : now.AddSeconds(-100)),
            settings: """{"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "max_pool_size": 10}""");

        Assert.Equal(1, node.Capacity.Idle);
        Assert.Equal(9, node.Capacity.CoolingDown);
        Assert.Equal(all[0], (await node.RunAsync(node.AllocateAsync())).Addresses[0].Address);
        await node.PassAsync(TimeSpan.FromSeconds(31));
        Assert.Equal(1, node.Capacity.CoolingDown);
        await node.PassAsync(TimeSpan.FromSeconds(100));
        Assert.Equal(0, node.Capacity.CoolingDown);
    }

    [Fact]
    public async Task Start_without_records_finds_everything_again()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await node.StartAsync();
        var live = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 20).Select(_ => node.AllocateAsync())));
        await node.SettleAsync();
        var enis = node.Secondaries.Select(e => (e.Id, e.PrivateIps.Length)).ToArray();
        await node.RunAsync(node.Plugin.StopAsync(default));
        node.Disk.Records.Clear();
        node.Disk.Records["eni/eni-junk"] = "{\"id\": 5"u8.ToArray();

        node.Begin(new CrashPoint());
        await node.StartAsync(live);
        await node.UntilAsync(() => node.Capacity.Idle > 0, "addresses are there");

        Assert.Equal(20, node.Capacity.InUse);
        var next = await node.RunAsync(node.AllocateAsync());
        Assert.DoesNotContain(next.Addresses[0].Address, live.Select(l => l.Addresses[0].Address));
        await node.SettleAsync();
        Assert.Equal(enis, node.Secondaries.Select(e => (e.Id, e.PrivateIps.Length)));
        Assert.Equal(enis.Select(e => "eni/" + e.Id).Order(StringComparer.Ordinal), node.Disk.Records.Keys);
    }

    [Fact]
    public async Task Inventory_address_gone_from_the_cloud_stays_with_its_pod_and_goes_with_it()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await node.StartAsync();
        var pod = await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();
        var eni = node.Secondaries.Single(e => e.Id == pod.EniId);
        var idle = eni.PrivateIps.First(ip => !ip.Equals(pod.Addresses[0].Address) && !ip.Equals(eni.PrimaryIp));
        await node.Region.UnassignIpv4Async(eni.Id, [.. new[] { idle }], []);
        var inUse = pod.Addresses[0].Address.Equals(eni.PrimaryIp) ? null : pod.Addresses[0].Address;
        if (inUse is not null)
        {
            await node.Region.UnassignIpv4Async(eni.Id, [.. new[] { inUse }], []);
        }

        await node.RestartAsync([pod]);
        await node.PassAsync(TimeSpan.FromMinutes(1));

        Assert.Equal(1, node.Capacity.InUse);
        var given = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 12).Select(_ => node.AllocateAsync())));
        var there = node.Secondaries.SelectMany(e => e.PrivateIps).ToHashSet();
        Assert.All(given, g => Assert.Contains(g.Addresses[0].Address, there));
        node.Plugin.Release(pod, used: true);
        Assert.Equal(12, node.Capacity.InUse);
    }

    [Fact]
    public async Task Inventory_eni_detached_behind_our_back_is_attached_again_for_its_pods()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await node.StartAsync();
        var pod = await node.RunAsync(node.AllocateAsync());
        await node.SettleAsync();
        node.Region.DetachEni(pod.EniId, node.Facts.InstanceId);
        await node.PassAsync(TimeSpan.FromSeconds(5));

        await node.RestartAsync([pod]);
        await node.UntilAsync(() => node.Capacity.Idle > 0, "the ENI is back");

        Assert.Equal(EniStatus.InUse, node.Secondaries.Single(e => e.Id == pod.EniId).Status);
    }

    [Fact]
    public async Task Inventory_eni_of_ours_that_nobody_remembers_is_deleted()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await node.StartAsync();
        await node.UntilAsync(() => node.Capacity.Idle >= 5, "the pool is warm");
        var ours = node.Secondaries[0].Tags;
        var orphan = node.Region.CreateEni(
            new CreateEniRequest { VSwitchId = "vsw-pods", SecurityGroupIds = ["sg-1"], Tags = ours.SetItem("terway-op", "lost") });
        var others = node.Region.CreateEni(
            new CreateEniRequest { VSwitchId = "vsw-pods", SecurityGroupIds = ["sg-1"], Tags = ours.SetItem("terway-node", "i-other") });

        await node.RestartAsync();
        await node.PassAsync(TimeSpan.FromMinutes(1));

        Assert.DoesNotContain(node.Region.Enis, e => e.Id == orphan.Id);
        Assert.Contains(node.Region.Enis, e => e.Id == others.Id);
    }

    [Fact]
    public async Task Stop_with_pods_waiting_answers_them()
    {
        await using var node = await TestNode.CreateAsync(Settings, attach: TimeSpan.FromSeconds(30));
        await node.StartAsync();
        var waiting = node.AllocateAsync();

        await node.RunAsync(node.Plugin.StopAsync(default));

        await Assert.ThrowsAsync<PodNetworkException>(() => waiting);
    }
}
