using System.Net;
using System.Net.Sockets;
using Terway.Lab.Cloud;

namespace Terway.Lab.Tests.Cloud;

public sealed class CatalogTests
{
    [Fact]
    public async Task DescribeInstanceTypes_shows_limits_by_page()
    {
        await using var cloud = await TestCloud.StartAsync();
        var type = (await cloud.Api.CallAsync("DescribeInstanceTypes", ("InstanceTypes.1", "ecs.g7.4xlarge"))).Ok().Items("InstanceTypes", "InstanceType").Single();
        Assert.Equal((8, 30, 30), (type.GetProperty("EniQuantity").GetInt32(), type.GetProperty("EniPrivateIpAddressQuantity").GetInt32(), type.GetProperty("EniIpv6AddressQuantity").GetInt32()));
        Assert.True(type.GetProperty("EniTrunkSupported").GetBoolean());
        Assert.True(type.GetProperty("EniTotalQuantity").GetInt32() > 8);
        var all = (await cloud.Api.CallAsync("DescribeInstanceTypes")).Ok().Items("InstanceTypes", "InstanceType").Select(static t => t.GetProperty("InstanceTypeId").GetString()).ToList();
        List<string?> paged = [];
        var token = "";
        do
        {
            var page = (await cloud.Api.CallAsync("DescribeInstanceTypes", ("MaxResults", 4), ("NextToken", token))).Ok();
            paged.AddRange(page.Items("InstanceTypes", "InstanceType").Select(static t => t.GetProperty("InstanceTypeId").GetString()));
            token = page.Text("NextToken");
        }
        while (token.Length > 0);
        Assert.Equal(all, paged);
        // Some types are too small for a shared node: that has to be testable too.
        Assert.Contains(new InstanceTypeCatalog([]).All, static t => (t.EniQuantity - 1) * t.EniPrivateIpAddressQuantity <= 11);
    }

    [Fact]
    public async Task DescribeInstances_and_vswitches_filter()
    {
        await using var cloud = await TestCloud.StartAsync();
        var instance = (await cloud.Api.CallAsync("DescribeInstances", ("InstanceIds", $"[\"{cloud.Node.Id}\"]"))).Ok().Items("Instances", "Instance").Single();
        Assert.Equal("10.0.0.1", instance.GetProperty("VpcAttributes").GetProperty("PrivateIpAddress").GetProperty("IpAddress")[0].GetString());
        Assert.Empty((await cloud.Api.CallAsync("DescribeInstances", ("InstanceIds", "[\"i-x\"]"))).Ok().Items("Instances", "Instance"));
        (await cloud.Api.CallAsync("DescribeInstances", ("InstanceIds", "i-x"))).Expect(400, "InvalidParameter");
        Assert.Equal("vsw-far", (await cloud.Api.CallAsync("DescribeVSwitches", ("ZoneId", TestCloud.OtherZone))).Ok().Items("VSwitches", "VSwitch").Single().GetProperty("VSwitchId").GetString());
    }

    [Fact]
    public async Task ModifyNetworkInterfaceAttribute_moves_the_interface_to_other_groups()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync();
        (await cloud.Api.CallAsync("ModifyNetworkInterfaceAttribute", ("NetworkInterfaceId", eni.Id), ("SecurityGroupId.1", "sg-2"))).Ok();
        Assert.Equal(["sg-2"], cloud.Fabric.Plugged.Single(e => e.Id == eni.Id).SecurityGroupIds);
        (await cloud.Api.CallAsync("ModifyNetworkInterfaceAttribute", ("NetworkInterfaceId", eni.Id), ("SecurityGroupId.1", "sg-x"))).Expect(404, "InvalidSecurityGroupId.NotFound");
        await cloud.Region.SetSecurityGroupRulesAsync("sg-2", [new SecurityGroupRule { Direction = RuleDirection.Ingress, PeerGroupId = "sg-1" }], TestContext.Current.CancellationToken);
        Assert.Equal("group sg-2", cloud.Fabric.Calls.Last());
    }

    [Fact]
    public async Task Servers_listen_on_a_socket_that_is_open_already()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        var endPoint = (IPEndPoint)socket.LocalEndPoint!;
        var path = Path.Combine(Path.GetTempPath(), $"twt-{Guid.NewGuid():N}.sock");
        await using (var cloud = await LabCloud.StartAsync(TestCloud.Config, new RecordingFabric(), new LabCloudOptions
        {
            OpenApi = [LabListener.On(socket), LabListener.Loopback()],
            Control = [LabListener.OnUnixSocket(path)],
        }, TestContext.Current.CancellationToken))
        {
            Assert.Contains(new Uri($"http://{endPoint}"), cloud.OpenApiAddresses);
            Assert.Equal(2, cloud.OpenApiAddresses.Count);
            foreach (var address in cloud.OpenApiAddresses)
            {
                using var client = new AcsClient(address, TestCloud.KeyId, TestCloud.Secret, TimeProvider.System);
                (await client.CallAsync("DescribeInstanceTypes")).Ok();
            }
            using var http = new HttpClient(new SocketsHttpHandler
            {
                ConnectCallback = async (_, ct) =>
                {
                    var unix = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await unix.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
                    return new NetworkStream(unix, ownsSocket: true);
                },
            });
            Assert.Contains("DescribeInstanceTypes", await http.GetStringAsync(new Uri("http://lab/lab/calls"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
        // The socket stays its owner's: the server has not closed it.
        Assert.Equal(endPoint, socket.LocalEndPoint);
        File.Delete(path);
    }
}
