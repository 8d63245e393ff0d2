using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Terway.Plugins.ExclusiveEni.Datapath;

namespace Terway.Plugins.ExclusiveEni.Tests;

/// <summary>What a pod with an ENI of its own gets.</summary>
public sealed class DatapathTests
{
    private static readonly IPAddress s_ip = IPAddress.Parse("10.0.16.7");
    private static readonly NodeLink s_nic = new("eth1", 12, "00:16:3e:00:00:07", 1500);

    [Fact]
    public void Nic_carries_the_default_route_and_a_second_link_what_goes_by_way_of_the_node()
    {
        var plan = Plan("""{"service_cidr": "172.21.0.0/20,fd00:1::/112", "host_stack_cidrs": ["169.254.20.10/32"]}""");

        Assert.Equal(new KernelObject.Nic(s_nic, "eth0", 1400), plan[0]);
        Assert.Contains(new KernelObject.Address("eth0", s_ip, 32) { InPod = true }, plan);
        Assert.Contains(new KernelObject.Route("eth0", IPNetwork.Parse("0.0.0.0/0"), IPAddress.Parse("10.0.19.253")) { InPod = true }, plan);
        Assert.Contains(new KernelObject.Veth("cali0123456789a", "veth1", "02:00:00:00:00:01", "02:00:00:00:00:02", 1400), plan);
        Assert.Equal(
            ["169.254.1.1/32", "172.21.0.0/20", "169.254.20.10/32", "10.0.0.5/32"],
            plan.OfType<KernelObject.Route>().Where(static r => r is { InPod: true, LinkName: "veth1" }).Select(static r => r.Destination.ToString()));
        Assert.All(
            plan.OfType<KernelObject.Route>().Where(static r => r is { InPod: true, LinkName: "veth1", Destination.PrefixLength: 20 }),
            static r => Assert.Equal("169.254.1.1", r.Gateway!.ToString()));

        // The node's end has no address, and no rule steers a packet that never comes here.
        Assert.DoesNotContain(plan, static o => o is KernelObject.Address { InPod: false } or KernelObject.Rule);
        Assert.Contains(new KernelObject.Route("cali0123456789a", new IPNetwork(s_ip, 32)), plan);
        Assert.Contains(new KernelObject.Neighbour("cali0123456789a", s_ip, "02:00:00:00:00:02"), plan);
    }

    [Theory]
    [InlineData("""{"disable_host_peer": true, "service_cidr": "172.21.0.0/20"}""", "eth0")]
    [InlineData("{}", "net1")]
    public void Without_a_second_link_everything_goes_by_the_NIC(string settings, string interfaceName)
    {
        var plan = Plan(settings, interfaceName);
        Assert.DoesNotContain(plan, static o => o is KernelObject.Veth);
        Assert.All(plan, o => Assert.True(o is KernelObject.Nic || o.InPod, o.ToString()));
        Assert.All(plan.OfType<KernelObject.Route>(), r => Assert.Equal(interfaceName, r.LinkName));
    }

    [Fact]
    public void Egress_limit_is_a_token_bucket_on_the_NIC_in_the_pod()
    {
        var bucket = Assert.Single(Plan("{}", egress: 1_250_000).OfType<KernelObject.TokenBucket>());
        Assert.Equal(("eth0", true, 1_250_000), (bucket.LinkName, bucket.InPod, bucket.BytesPerSecond));
    }

    private static IReadOnlyList<KernelObject> Plan(string settings, string interfaceName = "eth0", long egress = 0)
    {
        using var json = JsonDocument.Parse(settings);
        var host = new TestHost
        {
            Node = new NodeFacts
            {
                NodeName = "n",
                InstanceId = "i",
                InstanceType = "ecs.g7.4xlarge",
                RegionId = "r",
                ZoneId = "z",
                VpcId = "v",
                VSwitchId = "vsw",
                PrimaryMac = "m",
                Addresses = [IPAddress.Parse("10.0.0.5")],
                EniQuantity = 8,
                EniTotalQuantity = 8,
                EniPrivateIpAddressQuantity = 30,
                EniIpv6AddressQuantity = 30,
                EniTrunkSupported = false,
            },
            Settings = json.RootElement.Clone(),
            Families = [new TestFamily(AddressFamily.InterNetwork, null!)],
            Cloud = null!,
            Store = null!,
            Time = TimeProvider.System,
            Fabric = new TestFabric(),
            Disk = new TestDisk(),
            Crash = new CrashPoint(),
        };
        return new MovedNicDatapath(host).Plan(new Attachment
        {
            Pod = new PodInterface { ContainerId = "c", IfName = interfaceName, NetNsPath = "/run/netns/x", EgressBytesPerSecond = egress },
            Allocation = new Allocation
            {
                EniId = "eni-1",
                EniMac = s_nic.Mac,
                Addresses = [new PodAddress(s_ip, IPNetwork.Parse("10.0.16.0/22"), IPAddress.Parse("10.0.19.253"))],
            },
            EniLink = s_nic,
            HostLinkName = "cali0123456789a",
            HostLinkMac = "02:00:00:00:00:01",
            PodLinkMac = "02:00:00:00:00:02",
            Mtu = 1400,
        });
    }
}
