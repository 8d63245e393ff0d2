using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Metadata;
using Terway.AlibabaCloud.Network;
using Terway.AlibabaCloud.Transport;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Config;

namespace Terway.Lab.Tests.Cloud;

/// <summary>The daemon's own cloud client, unchanged, against the region: credentials from metadata, signed calls, typed answers.</summary>
public sealed class ProductionClientTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Client_whole_life_of_an_interface_on_role_credentials_and_token_mode()
    {
        await using var cloud = await TestCloud.StartAsync(TestCloud.Config with { Metadata = new MetadataConfig { TokenRequired = true } });
        using var session = new Session(cloud);
        var network = session.Network;
        var me = await session.Metadata.GetInstanceIdentityAsync(Ct);
        Assert.Equal((cloud.Node.Id, "ecs.g7.xlarge", "cn-hangzhou", TestCloud.Zone), (me.InstanceId, me.InstanceType, me.RegionId, me.ZoneId));

        var limits = Assert.Single((await network.DescribeInstanceTypesAsync(new DescribeInstanceTypesRequest { InstanceTypes = [me.InstanceType] }, Ct)).InstanceTypes);
        Assert.Equal((4, 15), (limits.EniQuantity, limits.EniPrivateIpAddressQuantity));
        var vSwitch = Assert.Single((await network.DescribeVSwitchesAsync(new DescribeVSwitchesRequest { VSwitchId = "vsw-pods" }, Ct)).VSwitches);
        Assert.Equal(252, vSwitch.AvailableIpAddressCount);

        var eni = (await network.CreateNetworkInterfaceAsync(new CreateNetworkInterfaceRequest
        {
            VSwitchId = "vsw-pods",
            SecurityGroupIds = ["sg-1"],
            SecondaryPrivateIpAddressCount = 4,
            ClientToken = Guid.NewGuid().ToString(),
            Tags = [new Tag("creator", "terway")],
        }, Ct)).NetworkInterface;
        await network.AttachNetworkInterfaceAsync(new AttachNetworkInterfaceRequest { NetworkInterfaceId = eni.NetworkInterfaceId, InstanceId = me.InstanceId }, Ct);
        await cloud.IdleAsync();
        eni = Assert.Single((await network.DescribeNetworkInterfacesAsync(
            new DescribeNetworkInterfacesRequest { InstanceId = me.InstanceId, Tags = [new Tag("creator", "terway")] }, Ct)).NetworkInterfaceSets);
        Assert.Equal(("InUse", 5), (eni.Status, eni.PrivateIpSets.Count));
        var seen = await session.Metadata.GetEniAsync(eni.MacAddress, Ct);
        Assert.Equal(eni.PrivateIpSets.Select(static p => p.PrivateIpAddress), seen!.PrivateIpv4s);
        Assert.Equal("10.0.4.253", seen.Gateway.ToString());
        Assert.Empty(seen.Ipv6s);

        var added = await network.AssignPrivateIpAddressesAsync(new AssignPrivateIpAddressesRequest
        {
            NetworkInterfaceId = eni.NetworkInterfaceId,
            SecondaryPrivateIpAddressCount = 10,
            ClientToken = Guid.NewGuid().ToString(),
        }, Ct);
        Assert.Equal(10, added.PrivateIpSet.Count);
        var full = await Assert.ThrowsAsync<CloudApiException>(() => network.AssignPrivateIpAddressesAsync(new AssignPrivateIpAddressesRequest
        {
            NetworkInterfaceId = eni.NetworkInterfaceId,
            SecondaryPrivateIpAddressCount = 1,
            ClientToken = Guid.NewGuid().ToString(),
        }, Ct));
        Assert.Equal("InvalidOperation.Ipv4CountExceeded", full.Code);
        await network.AssignIpv6AddressesAsync(new AssignIpv6AddressesRequest { NetworkInterfaceId = eni.NetworkInterfaceId, Ipv6AddressCount = 3 }, Ct);
        Assert.Equal(3, (await session.Metadata.GetIpv6sAsync(eni.MacAddress, Ct)).Count);
        await network.UnassignPrivateIpAddressesAsync(
            new UnassignPrivateIpAddressesRequest { NetworkInterfaceId = eni.NetworkInterfaceId, PrivateIpAddresses = added.PrivateIpSet }, Ct);

        await network.DetachNetworkInterfaceAsync(new DetachNetworkInterfaceRequest { NetworkInterfaceId = eni.NetworkInterfaceId, InstanceId = me.InstanceId }, Ct);
        await cloud.IdleAsync();
        await network.DeleteNetworkInterfaceAsync(new DeleteNetworkInterfaceRequest { NetworkInterfaceId = eni.NetworkInterfaceId }, Ct);
        await cloud.IdleAsync();
        Assert.True((await network.DeleteNetworkInterfaceAsync(new DeleteNetworkInterfaceRequest { NetworkInterfaceId = eni.NetworkInterfaceId }, Ct)).WasGone);
        Assert.Empty(cloud.SecondaryEnis);
        Assert.Equal(252, cloud.Available("vsw-pods"));
        // A parameter name that only one side knows would show here.
        Assert.All(cloud.Cloud.Calls.Records, static r => Assert.Empty(r.IgnoredParameters));
    }

    [Fact]
    public async Task Client_lost_answer_throttle_and_outage_end_in_one_interface()
    {
        await using var cloud = await TestCloud.StartAsync();
        using var session = new Session(cloud);
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.LostAnswer, Api = "CreateNetworkInterface", Calls = [1] });
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.Throttle, Api = "CreateNetworkInterface", Calls = [2], RetryAfterMs = 20 });
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.Unreachable, Api = "CreateNetworkInterface", Calls = [3] });
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.Error, Api = "CreateNetworkInterface", Calls = [4], Code = "ServiceUnavailable", Status = 503 });
        var made = await session.Network.CreateNetworkInterfaceAsync(new CreateNetworkInterfaceRequest
        {
            VSwitchId = "vsw-pods",
            SecurityGroupIds = ["sg-1"],
            ClientToken = Guid.NewGuid().ToString(),
        }, Ct);
        Assert.Equal(made.NetworkInterface.NetworkInterfaceId, Assert.Single(cloud.SecondaryEnis).Id);
        Assert.Equal(5, cloud.Cloud.Calls.Counts["CreateNetworkInterface"]);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(-20)]
    [InlineData(-8 * 60)]
    [InlineData(8 * 60)]
    public async Task Client_on_a_node_with_a_wrong_clock_gets_through(int minutes)
    {
        await using var cloud = await TestCloud.StartAsync();
        using var session = new Session(cloud);
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.ClockSkew, SkewMs = minutes * 60_000 });
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.ClockSkew, Api = "metadata", SkewMs = minutes * 60_000 });
        for (var i = 0; i < 3; i++)
            Assert.NotEmpty((await session.Network.DescribeNetworkInterfacesAsync(new DescribeNetworkInterfacesRequest(), Ct)).NetworkInterfaceSets);
        Assert.Equal(1, cloud.Cloud.Calls.Codes["InvalidTimeStamp.Expired"]);
    }

    [Fact]
    public async Task Client_pages_through_all_interfaces()
    {
        await using var cloud = await TestCloud.StartAsync();
        using var session = new Session(cloud);
        var ids = Enumerable.Range(0, 25).Select(_ => cloud.NewEni().Id).ToList();
        var shown = await session.Network.DescribeNetworkInterfacesAsync(new DescribeNetworkInterfacesRequest { Type = "Secondary", MaxResults = 10 }, Ct);
        Assert.Equal(ids, shown.NetworkInterfaceSets.Select(static e => e.NetworkInterfaceId));
        Assert.Equal(3, cloud.Cloud.Calls.Counts["DescribeNetworkInterfaces"]);
    }

    private sealed class Session : IDisposable
    {
        private readonly RamRoleCredentialProvider _credentials;
        private readonly OpenApiTransport _transport;

        public Session(TestCloud cloud)
        {
            Metadata = new InstanceMetadata(new InstanceMetadataOptions { BaseAddress = cloud.Metadata });
            _credentials = new RamRoleCredentialProvider(Metadata);
            var endpoint = cloud.Cloud.OpenApiAddresses[0].ToString();
            _transport = new OpenApiTransport(
                new OpenApiTransportOptions
                {
                    Region = "cn-hangzhou",
                    EcsEndpoint = endpoint,
                    VpcEndpoint = endpoint,
                    Retry = new RetryOptions { BaseDelay = TimeSpan.FromMilliseconds(1) },
                },
                _credentials);
            Network = new CloudNetwork(_transport);
        }

        public InstanceMetadata Metadata { get; }

        public CloudNetwork Network { get; }

        public void Dispose()
        {
            _transport.Dispose();
            _credentials.Dispose();
            Metadata.Dispose();
        }
    }
}
