using System.Net;
using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Network;
using static Terway.AlibabaCloud.Tests.Network.CannedCloud;

namespace Terway.AlibabaCloud.Tests.Network;

public sealed class CloudNetworkTests
{
    private const string Done = """{"RequestId":"r-1"}""";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CreateNetworkInterface_flattens_every_parameter()
    {
        CannedCloud cloud = new(Json(SampleAnswers.Eni.Insert(1, "\"RequestId\":\"r-9\",")));
        CreateNetworkInterfaceResponse response = await cloud.Network.CreateNetworkInterfaceAsync(
            new CreateNetworkInterfaceRequest
            {
                VSwitchId = "vsw-1",
                SecurityGroupIds = ["sg-1", "sg-2"],
                ClientToken = "t",
                InstanceType = EniType.Trunk,
                NetworkInterfaceTrafficMode = "HighPerformance",
                PrimaryIpAddress = IPAddress.Parse("10.0.1.9"),
                SecondaryPrivateIpAddressCount = 9,
                Ipv6AddressCount = 10,
                NetworkInterfaceName = "n",
                Description = "d",
                Tags = [new Tag("creator", "terway"), new Tag("empty", "")],
                ResourceGroupId = "rg",
                DeleteOnRelease = true,
                SourceDestCheck = false,
                ExtraParameters = [new("QueueNumber", "4")],
            }, Ct);

        Assert.Equal("r-9", response.RequestId);
        Assert.Equal("eni-1", response.NetworkInterface.NetworkInterfaceId);
        (string product, string action, Dictionary<string, string> sent) = Assert.Single(cloud.Calls);
        Assert.Equal(("ecs", "CreateNetworkInterface"), (product, action));
        Assert.Equal(
            new SortedDictionary<string, string>
            {
                ["ClientToken"] = "t",
                ["VSwitchId"] = "vsw-1",
                ["SecurityGroupIds.1"] = "sg-1",
                ["SecurityGroupIds.2"] = "sg-2",
                ["InstanceType"] = "Trunk",
                ["NetworkInterfaceTrafficMode"] = "HighPerformance",
                ["PrimaryIpAddress"] = "10.0.1.9",
                ["SecondaryPrivateIpAddressCount"] = "9",
                ["Ipv6AddressCount"] = "10",
                ["NetworkInterfaceName"] = "n",
                ["Description"] = "d",
                ["Tag.1.Key"] = "creator",
                ["Tag.1.Value"] = "terway",
                ["Tag.2.Key"] = "empty",
                ["ResourceGroupId"] = "rg",
                ["DeleteOnRelease"] = "true",
                ["SourceDestCheck"] = "false",
                ["QueueNumber"] = "4",
            },
            new SortedDictionary<string, string>(sent));
    }

    [Fact]
    public async Task CreateNetworkInterface_without_token_takes_a_new_one_for_each_call()
    {
        CannedCloud cloud = new(Json(SampleAnswers.Eni), Json(SampleAnswers.Eni));
        CreateNetworkInterfaceRequest request = new() { VSwitchId = "v", SecurityGroupIds = ["s"], SecondaryPrivateIpAddressCount = 0 };
        await cloud.Network.CreateNetworkInterfaceAsync(request, Ct);
        await cloud.Network.CreateNetworkInterfaceAsync(request, Ct);
        Assert.NotEqual(cloud.Calls[0].Parameters["ClientToken"], cloud.Calls[1].Parameters["ClientToken"]);
        Assert.DoesNotContain("SecondaryPrivateIpAddressCount", cloud.Calls[0].Parameters.Keys);
    }

    [Fact]
    public async Task Requests_the_API_could_only_refuse_are_not_sent()
    {
        CannedCloud cloud = new();
        CreateNetworkInterfaceRequest create = new() { VSwitchId = "v", SecurityGroupIds = ["s"] };
        IPAddress ip = IPAddress.Parse("10.0.0.1");
        IPNetwork prefix = IPNetwork.Parse("10.0.0.16/28");
        Func<Task>[] wrong =
        [
            () => cloud.Network.CreateNetworkInterfaceAsync(create with { VSwitchId = "" }, Ct),
            () => cloud.Network.CreateNetworkInterfaceAsync(create with { SecurityGroupIds = [] }, Ct),
            () => cloud.Network.CreateNetworkInterfaceAsync(create with { SecurityGroupIds = [.. Enumerable.Repeat("s", 11)] }, Ct),
            () => cloud.Network.CreateNetworkInterfaceAsync(create with { SecondaryPrivateIpAddressCount = -1 }, Ct),
            () => cloud.Network.CreateNetworkInterfaceAsync(create with { SecondaryPrivateIpAddressCount = 1, Ipv4PrefixCount = 1 }, Ct),
            () => cloud.Network.CreateNetworkInterfaceAsync(create with { Ipv4PrefixCount = 11 }, Ct),
            () => cloud.Network.CreateNetworkInterfaceAsync(create with { ExtraParameters = [new("VSwitchId", "other")] }, Ct),
            () => cloud.Network.AssignPrivateIpAddressesAsync(new() { NetworkInterfaceId = "e" }, Ct),
            () => cloud.Network.AssignPrivateIpAddressesAsync(new() { NetworkInterfaceId = "e", SecondaryPrivateIpAddressCount = 1, Ipv4PrefixCount = 1 }, Ct),
            () => cloud.Network.UnassignPrivateIpAddressesAsync(new() { NetworkInterfaceId = "e", PrivateIpAddresses = [ip], Ipv4Prefixes = [prefix] }, Ct),
            () => cloud.Network.UnassignIpv6AddressesAsync(new() { NetworkInterfaceId = "e" }, Ct),
            () => cloud.Network.DeleteNetworkInterfaceAsync(new() { NetworkInterfaceId = " " }, Ct),
        ];
        foreach (Func<Task> call in wrong)
            await Assert.ThrowsAsync<ArgumentException>(call);
        Assert.Empty(cloud.Calls);
    }

    [Theory]
    [InlineData("InvalidEniId.NotFound", true)]
    [InlineData("InvalidEcsId.NotFound", true)]
    [InlineData("InvalidOperation.InvalidEniState", false)]
    public async Task Detach_of_what_is_gone_is_done(string code, bool tolerated)
    {
        CannedCloud cloud = new(Refuse(code));
        Task<AcknowledgedResponse> call = cloud.Network.DetachNetworkInterfaceAsync(
            new() { NetworkInterfaceId = "e", InstanceId = "i", TrunkNetworkInstanceId = "t" }, Ct);
        if (tolerated)
            Assert.Equal((true, "r-err"), ((await call).WasGone, (await call).RequestId));
        else
            Assert.Equal(code, (await Assert.ThrowsAsync<CloudApiException>(() => call)).Code);
        Assert.Equal("t", cloud.Calls[0].Parameters["TrunkNetworkInstanceId"]);
    }

    [Theory]
    [InlineData("InvalidEniId.NotFound", true)]
    [InlineData("InvalidEcsId.NotFound", false)]
    public async Task Delete_of_what_is_gone_is_done(string code, bool tolerated)
    {
        CannedCloud cloud = new(Refuse(code));
        Task<AcknowledgedResponse> call = cloud.Network.DeleteNetworkInterfaceAsync(new() { NetworkInterfaceId = "e" }, Ct);
        if (tolerated)
            Assert.True((await call).WasGone);
        else
            await Assert.ThrowsAsync<CloudApiException>(() => call);
    }

    [Fact]
    public async Task Attach_of_what_is_gone_is_an_error()
    {
        CannedCloud cloud = new(Refuse("InvalidEniId.NotFound"), Json(Done));
        AttachNetworkInterfaceRequest request = new() { NetworkInterfaceId = "e", InstanceId = "i", NetworkCardIndex = 0 };
        await Assert.ThrowsAsync<CloudApiException>(() => cloud.Network.AttachNetworkInterfaceAsync(request, Ct));
        Assert.False((await cloud.Network.AttachNetworkInterfaceAsync(request, Ct)).WasGone);
        Assert.Equal("0", cloud.Calls[1].Parameters["NetworkCardIndex"]);
    }

    [Fact]
    public async Task Unassign_of_one_address_that_is_not_assigned_is_done()
    {
        CannedCloud cloud = new(Refuse("InvalidIp.IpUnassigned"));
        Assert.True((await cloud.Network.UnassignPrivateIpAddressesAsync(
            new() { NetworkInterfaceId = "e", PrivateIpAddresses = [IPAddress.Parse("10.0.0.1")] }, Ct)).WasGone);
        Assert.Single(cloud.Calls);
    }

    [Fact]
    public async Task Unassign_of_several_of_which_one_is_not_assigned_takes_the_rest()
    {
        CannedCloud cloud = new(Refuse("InvalidIp.IpUnassigned"), Json(SampleAnswers.Enis("", SampleAnswers.Eni)), Json(Done));
        AcknowledgedResponse response = await cloud.Network.UnassignPrivateIpAddressesAsync(
            new() { NetworkInterfaceId = "eni-1", PrivateIpAddresses = [IPAddress.Parse("10.0.1.99"), IPAddress.Parse("10.0.1.6")] }, Ct);
        Assert.False(response.WasGone);
        Assert.Equal(["UnassignPrivateIpAddresses", "DescribeNetworkInterfaces", "UnassignPrivateIpAddresses"], cloud.Calls.Select(c => c.Action));
        Assert.Equal("10.0.1.6", cloud.Calls[2].Parameters["PrivateIpAddress.1"]);
        Assert.DoesNotContain("PrivateIpAddress.2", cloud.Calls[2].Parameters.Keys);
    }

    [Fact]
    public async Task Unassign_IPv6_of_several_that_are_all_gone_is_done()
    {
        CannedCloud cloud = new(Refuse("InvalidIp.IpUnassigned"), Json(SampleAnswers.Enis("", SampleAnswers.Eni)));
        AcknowledgedResponse response = await cloud.Network.UnassignIpv6AddressesAsync(
            new() { NetworkInterfaceId = "eni-1", Ipv6Addresses = [IPAddress.Parse("2001:db8::98"), IPAddress.Parse("2001:db8::99")] }, Ct);
        Assert.True(response.WasGone);
        Assert.Equal(2, cloud.Calls.Count);
    }

    [Fact]
    public async Task Describe_reads_all_pages_and_keeps_the_later_sight_of_an_ENI()
    {
        CannedCloud cloud = new(
            Json(SampleAnswers.Enis("p2", SampleAnswers.SmallEni("eni-1"), SampleAnswers.SmallEni("eni-2"))),
            Json(SampleAnswers.Enis("p3")),
            Json(SampleAnswers.Enis("", SampleAnswers.SmallEni("eni-2", "10.0.1.7"), SampleAnswers.SmallEni("eni-3"))));
        DescribeNetworkInterfacesResponse response = await cloud.Network.DescribeNetworkInterfacesAsync(
            new() { InstanceId = "i", VpcId = "v", Type = EniType.Secondary, Status = EniStatus.InUse, Tags = [new Tag("a", "b")] }, Ct);
        Assert.Equal(["eni-1", "eni-2", "eni-3"], response.NetworkInterfaceSets.Select(e => e.NetworkInterfaceId).Order());
        Assert.Equal(IPAddress.Parse("10.0.1.7"), response.NetworkInterfaceSets.Single(e => e.NetworkInterfaceId == "eni-2").PrivateIpAddress);
        Assert.DoesNotContain("NextToken", cloud.Calls[0].Parameters.Keys);
        Assert.Equal(["p2", "p3"], cloud.Calls.Skip(1).Select(c => c.Parameters["NextToken"]));
        Assert.All(cloud.Calls, c => Assert.Equal("500", c.Parameters["MaxResults"]));
    }

    [Fact]
    public async Task Describe_more_ids_than_a_call_takes_is_split()
    {
        CannedCloud cloud = new(Json(SampleAnswers.Enis("", SampleAnswers.SmallEni("eni-a"))), Json(SampleAnswers.Enis("", SampleAnswers.SmallEni("eni-b"))));
        DescribeNetworkInterfacesResponse response = await cloud.Network.DescribeNetworkInterfacesAsync(
            new() { NetworkInterfaceIds = [.. Enumerable.Range(0, 101).Select(i => $"eni-{i}")] }, Ct);
        Assert.Equal(2, response.NetworkInterfaceSets.Count);
        Assert.Equal("eni-99", cloud.Calls[0].Parameters["NetworkInterfaceId.100"]);
        Assert.Equal("eni-100", cloud.Calls[1].Parameters["NetworkInterfaceId.1"]);
    }

    [Fact]
    public async Task Describe_pages_that_do_not_end_are_an_error()
    {
        CannedCloud cloud = new(Json(SampleAnswers.Enis("p")), Json(SampleAnswers.Enis("p")));
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => cloud.Network.DescribeNetworkInterfacesAsync(new(), Ct));
        Assert.Equal(CloudErrorCodes.MalformedResponse, e.Code);
    }

    [Fact]
    public async Task Assign_IPv4_gives_addresses_or_prefixes()
    {
        CannedCloud cloud = new(
            Json("""{"RequestId":"r","AssignedPrivateIpAddressesSet":{"NetworkInterfaceId":"e","PrivateIpSet":{"PrivateIpAddress":["10.0.0.7","10.0.0.8"]}}}"""),
            Json("""{"RequestId":"r","AssignedPrivateIpAddressesSet":{"NetworkInterfaceId":"e","Ipv4PrefixSet":{"Ipv4Prefixes":["10.0.0.16/28"]}}}"""));
        AssignPrivateIpAddressesResponse addresses = await cloud.Network.AssignPrivateIpAddressesAsync(
            new() { NetworkInterfaceId = "e", SecondaryPrivateIpAddressCount = 2, ClientToken = "t" }, Ct);
        Assert.Equal([IPAddress.Parse("10.0.0.7"), IPAddress.Parse("10.0.0.8")], addresses.PrivateIpSet);
        AssignPrivateIpAddressesResponse prefixes = await cloud.Network.AssignPrivateIpAddressesAsync(
            new() { NetworkInterfaceId = "e", Ipv4Prefixes = [IPNetwork.Parse("10.0.0.16/28")] }, Ct);
        Assert.Equal([IPNetwork.Parse("10.0.0.16/28")], prefixes.Ipv4PrefixSet);
        Assert.Equal("10.0.0.16/28", cloud.Calls[1].Parameters["Ipv4Prefix.1"]);
    }

    [Fact]
    public async Task Assign_IPv6_gives_addresses()
    {
        CannedCloud cloud = new(Json("""{"RequestId":"r","NetworkInterfaceId":"e","Ipv6Sets":{"Ipv6Address":["2001:db8::1"]}}"""));
        AssignIpv6AddressesResponse response = await cloud.Network.AssignIpv6AddressesAsync(new() { NetworkInterfaceId = "e", Ipv6AddressCount = 1 }, Ct);
        Assert.Equal([IPAddress.Parse("2001:db8::1")], response.Ipv6Sets);
        Assert.NotEmpty(cloud.Calls[0].Parameters["ClientToken"]);
    }

    [Fact]
    public async Task Assign_answer_without_addresses_is_malformed_and_names_the_call()
    {
        CannedCloud cloud = new(Json(Done));
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => cloud.Network.AssignPrivateIpAddressesAsync(
            new() { NetworkInterfaceId = "e", SecondaryPrivateIpAddressCount = 2 }, Ct));
        Assert.Equal(CloudErrorCodes.MalformedResponse, e.Code);
        Assert.Contains("AssignPrivateIpAddresses", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"RequestId":"\ud800"}""")]
    [InlineData("""{"\ud800":1,"NextToken":"x"}""")]
    [InlineData("""{"NetworkInterfaceSets":{"NetworkInterfaceSet":[null]}}""")]
    [InlineData("[]")]
    public async Task Describe_answer_that_is_not_the_APIs_ends_in_the_one_exception(string json)
    {
        CannedCloud cloud = new(Json(json), Json(json));
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => cloud.Network.DescribeNetworkInterfacesAsync(new(), Ct));
        Assert.Equal(CloudErrorCodes.MalformedResponse, e.Code);
    }

    [Fact]
    public async Task DescribeVSwitches_reads_all_pages_of_the_vpc_product()
    {
        CannedCloud cloud = new(
            Json(SampleAnswers.VSwitches.Replace("\"TotalCount\":1", "\"TotalCount\":2", StringComparison.Ordinal)),
            Json(SampleAnswers.VSwitches.Replace("\"TotalCount\":1", "\"TotalCount\":2", StringComparison.Ordinal)));
        DescribeVSwitchesResponse response = await cloud.Network.DescribeVSwitchesAsync(new() { VpcId = "vpc-1" }, Ct);
        Assert.Equal(2, response.VSwitches.Count);
        Assert.Equal(251, response.VSwitches[0].AvailableIpAddressCount);
        Assert.Equal(IPNetwork.Parse("10.0.1.0/24"), response.VSwitches[0].CidrBlock);
        Assert.Equal(["1", "2"], cloud.Calls.Select(c => c.Parameters["PageNumber"]));
        Assert.All(cloud.Calls, c => Assert.Equal("vpc", c.Product));
    }

    [Fact]
    public async Task DescribeInstanceTypes_gives_limits()
    {
        CannedCloud cloud = new(Json(SampleAnswers.InstanceTypes));
        InstanceTypeLimits limits = Assert.Single((await cloud.Network.DescribeInstanceTypesAsync(
            new() { InstanceTypes = ["ecs.g7.4xlarge"] }, Ct)).InstanceTypes);
        Assert.Equal("ecs.g7.4xlarge", cloud.Calls[0].Parameters["InstanceTypes.1"]);
        Assert.Equal((8, 60, 30, 30, true), (limits.EniQuantity, limits.EniTotalQuantity, limits.EniPrivateIpAddressQuantity, limits.EniIpv6AddressQuantity, limits.EniTrunkSupported));
        Assert.Equal([0, 1], limits.NetworkCards);
    }
}
