using System.Net;
using Terway.EniPool.Operations;
using Terway.Plugins.PolicyRouting;
using Terway.Plugins.SharedEni.Datapath;

namespace Terway.Plugins.SharedEni.Tests;

public sealed class DatapathTests
{
    [Fact]
    public async Task Plan_ipv4_pod_is_upstreams_objects_in_order()
    {
        var plan = await PlanAsync(dual: false, V4);

        Assert.Equal(
            [
                "Veth { InPod = False, Name = calic95a4947e07, PodName = eth0, Mac = 02:00:00:00:00:01, PodMac = 02:00:00:00:00:02, Mtu = 1500 }",
                "Sysctl { InPod = False, Path = net/ipv4/conf/calic95a4947e07/forwarding, Value = 1 }",
                "Address { InPod = True, LinkName = eth0, Ip = 10.0.16.7, PrefixLength = 32 }",
                "Neighbour { InPod = True, LinkName = eth0, Ip = 169.254.1.1, Mac = 02:00:00:00:00:01 }",
                "Route { InPod = True, LinkName = eth0, Destination = 169.254.1.1/32, Gateway = , Table = 254 }",
                "Route { InPod = True, LinkName = eth0, Destination = 0.0.0.0/0, Gateway = 169.254.1.1, Table = 254 }",
                "Neighbour { InPod = False, LinkName = calic95a4947e07, Ip = 10.0.16.7, Mac = 02:00:00:00:00:02 }",
                "Route { InPod = False, LinkName = calic95a4947e07, Destination = 10.0.16.7/32, Gateway = , Table = 254 }",
                "Rule { InPod = False, Priority = 512, From = , To = 10.0.16.7/32, Table = 254 }",
                "Rule { InPod = False, Priority = 2048, From = 10.0.16.7/32, To = , Table = 1007 }",
            ],
            plan.Select(o => o.ToString()));
    }

    [Fact]
    public async Task Plan_dual_stack_pod_has_both_families_alike()
    {
        var plan = await PlanAsync(dual: true, V4, V6);

        Assert.Contains(new KernelObject.Address("eth0", V6.Address, 128) { InPod = true }, plan);
        Assert.Contains(new KernelObject.Route("eth0", IPNetwork.Parse("::/0"), IPAddress.Parse("fe80::1")) { InPod = true }, plan);
        Assert.Contains(new KernelObject.Rule(2048, new IPNetwork(V6.Address, 128), null, 1007), plan);
        Assert.Single(plan.OfType<KernelObject.Veth>());
        Assert.Equal(2, plan.OfType<KernelObject.Rule>().Count(r => r.Priority == 512));
    }

    [Fact]
    public async Task Plan_address_of_inactive_family_is_refused_by_name()
    {
        var error = await Assert.ThrowsAsync<PodNetworkException>(() => PlanAsync(dual: false, V4, V6));

        Assert.Equal("kernel", error.Stage);
        Assert.Contains(V6.Address.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_bandwidth_limits_each_direction_at_the_end_that_sends()
    {
        var plan = await PlanAsync(dual: false, p => p with { IngressBytesPerSecond = 125_000_000, EgressBytesPerSecond = 1_250_001 }, V4);

        // Burst: a millisecond's worth, or a packet more than the MTU; queue: 25 ms more.
        Assert.Contains(new KernelObject.TokenBucket("calic95a4947e07", 125_000_000, 125_000, 3_250_000), plan);
        Assert.Contains(new KernelObject.TokenBucket("eth0", 1_250_001, 3000, 34_250) { InPod = true }, plan);
    }

    [Fact]
    public void Limit_of_a_huge_rate_does_not_overflow()
    {
        var limit = Shaping.Limit("eth0", long.MaxValue / 2, 9000);

        Assert.Equal(int.MaxValue, limit.BurstBytes);
        Assert.Equal(int.MaxValue, limit.LimitBytes);
    }

    [Fact]
    public async Task Plan_is_a_pure_function()
    {
        var plan = await PlanAsync(dual: true, p => p with { IngressBytesPerSecond = 1000 }, V4, V6);

        Assert.Equal(plan, await PlanAsync(dual: true, p => p with { IngressBytesPerSecond = 1000 }, V4, V6));
    }

    private static PodAddress V4 { get; } = new(IPAddress.Parse("10.0.16.7"), IPNetwork.Parse("10.0.16.0/22"), IPAddress.Parse("10.0.19.253"));

    private static PodAddress V6 { get; } = new(
        IPAddress.Parse("2408:4005:1000:10::7"), IPNetwork.Parse("2408:4005:1000:10::/64"), IPAddress.Parse("2408:4005:1000:10:ffff:ffff:ffff:fffd"));

    private static Task<IReadOnlyList<KernelObject>> PlanAsync(bool dual, params PodAddress[] addresses) => PlanAsync(dual, p => p, addresses);

    private static async Task<IReadOnlyList<KernelObject>> PlanAsync(bool dual, Func<PodInterface, PodInterface> with, params PodAddress[] addresses)
    {
        await using var node = await TestNode.CreateAsync(dual: dual);
        var allocation = new Allocation { EniId = "eni-1", EniMac = "02:00:00:00:00:03", Addresses = addresses };
        var datapath = new PolicyRouteDatapath(node.Host);
        Assert.Equal(ClaimStrength.Default, datapath.Carries(node.Pod(), allocation));
        Assert.Equal(ClaimStrength.None, datapath.Carries(node.Pod(), allocation with { Vlan = 7 }));
        return datapath.Plan(new Attachment
        {
            Pod = with(node.Pod()),
            Allocation = allocation,
            EniLink = new NodeLink("eth1", 7, allocation.EniMac, 1500),
            HostLinkName = "calic95a4947e07",
            HostLinkMac = "02:00:00:00:00:01",
            PodLinkMac = "02:00:00:00:00:02",
            Mtu = 1500,
        });
    }
}
