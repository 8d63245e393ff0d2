using System.Globalization;
using System.Net;
using System.Text.Json;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Config;

namespace Terway.Lab.Tests.Cloud;

public sealed class MetadataTests
{
    [Fact]
    public async Task Get_keys_describe_the_instance_and_its_interfaces()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync(secondary: 1);
        using var http = new HttpClient();
        async Task<string> Get(string key)
        {
            using var response = await http.GetAsync(new Uri(cloud.Metadata, "/latest/meta-data/" + key), TestContext.Current.CancellationToken);
            return response.IsSuccessStatusCode
                ? await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
                : ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
        }

        Assert.Equal(cloud.Node.Id, await Get("instance-id"));
        Assert.Equal("ecs.g7.xlarge", await Get("instance/instance-type"));
        Assert.Equal("cn-hangzhou", await Get("region-id"));
        Assert.Equal(TestCloud.Zone, await Get("zone-id"));
        Assert.Equal("vpc-lab", await Get("vpc-id"));
        Assert.Equal("10.0.0.0/16", await Get("vpc-cidr-block"));
        Assert.Equal("vsw-nodes", await Get("vswitch-id"));
        Assert.Equal(cloud.Node.PrimaryEni.Mac, await Get("mac"));
        Assert.Equal($"{cloud.Node.PrimaryEni.Mac}/\n{eni.Mac}/", await Get("network/interfaces/macs/"));
        Assert.Equal(await Get("network/interfaces/macs"), await Get("network/interfaces/macs/"));
        var macs = $"network/interfaces/macs/{eni.Mac}/";
        Assert.Equal(eni.Id, await Get(macs + "network-interface-id"));
        Assert.Equal("10.0.4.1", await Get(macs + "primary-ip-address"));
        Assert.Equal("""["10.0.4.1","10.0.4.2"]""", await Get(macs + "private-ipv4s"));
        Assert.Equal("10.0.4.253", await Get(macs + "gateway"));
        Assert.Equal("255.255.255.0", await Get(macs + "netmask"));
        Assert.Equal("vsw-pods", await Get(macs + "vswitch-id"));
        Assert.Equal("10.0.4.0/24", await Get(macs + "vswitch-cidr-block"));
        Assert.Equal("404", await Get(macs + "ipv6s"));
        Assert.Equal("404", await Get(macs + "ipv6-gateway"));
        Assert.Equal("404", await Get("network/interfaces/macs/00:00:00:00:00:00/gateway"));
        Assert.Equal("404", await Get("no-such-key"));

        await cloud.Region.AssignIpv6Async(eni.Id, new Terway.Lab.Cloud.AddressRequest { Count = 2 });
        Assert.Equal("[2408:4005:1000:10::1,2408:4005:1000:10::2]", await Get(macs + "ipv6s"));
        Assert.Equal("2408:4005:1000:10:ffff:ffff:ffff:fffd", await Get(macs + "ipv6-gateway"));
        Assert.Equal("2408:4005:1000:10::/64", await Get(macs + "vswitch-ipv6-cidr-block"));
    }

    [Fact]
    public async Task Get_in_hardened_mode_needs_a_live_token()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(TestCloud.Config with { Metadata = new MetadataConfig { TokenRequired = true } }, time);
        using var http = new HttpClient { BaseAddress = cloud.Metadata };
        async Task<(HttpStatusCode Status, string Body)> Send(HttpMethod method, string path, string? header = null, string? value = null)
        {
            using var request = new HttpRequestMessage(method, path);
            if (header is not null)
                request.Headers.TryAddWithoutValidation(header, value);
            using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        const string Ttl = "X-aliyun-ecs-metadata-token-ttl-seconds";
        const string Header = "X-aliyun-ecs-metadata-token";
        const string Key = "/latest/meta-data/instance-id";
        Assert.Equal(HttpStatusCode.Forbidden, (await Send(HttpMethod.Get, Key)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Send(HttpMethod.Get, Key, Header, "bogus")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await Send(HttpMethod.Put, "/latest/api/token")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await Send(HttpMethod.Put, "/latest/api/token", Ttl, "21601")).Status);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await Send(HttpMethod.Get, "/latest/api/token")).Status);
        var token = (await Send(HttpMethod.Put, "/latest/api/token", Ttl, "60")).Body;
        Assert.Equal((HttpStatusCode.OK, cloud.Node.Id), await Send(HttpMethod.Get, Key, Header, token));
        time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(HttpStatusCode.Unauthorized, (await Send(HttpMethod.Get, Key, Header, token)).Status);
    }

    [Fact]
    public async Task Get_role_credentials_are_rotated_ahead_of_expiry_and_the_old_ones_live_on()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(TestCloud.Config with { RamRole = new RamRoleConfig { CredentialLifetime = TimeSpan.FromHours(1) } }, time);
        using var http = new HttpClient { BaseAddress = cloud.Metadata };
        async Task<JsonElement> Get()
        {
            var text = await http.GetStringAsync(new Uri("/latest/meta-data/ram/security-credentials/TerwayLabRole", UriKind.Relative), TestContext.Current.CancellationToken);
            return JsonDocument.Parse(text).RootElement;
        }

        Assert.Equal("TerwayLabRole", await http.GetStringAsync(new Uri("/latest/meta-data/ram/security-credentials/", UriKind.Relative), TestContext.Current.CancellationToken));
        var first = await Get();
        Assert.Equal("Success", first.GetProperty("Code").GetString());
        Assert.Equal("2026-03-01T13:00:00Z", first.GetProperty("Expiration").GetString());
        time.Advance(TimeSpan.FromMinutes(53));
        Assert.Equal(first.GetProperty("AccessKeyId").GetString(), (await Get()).GetProperty("AccessKeyId").GetString());
        time.Advance(TimeSpan.FromMinutes(2));
        var second = await Get();
        Assert.NotEqual(first.GetProperty("AccessKeyId").GetString(), second.GetProperty("AccessKeyId").GetString());
        foreach (var role in new[] { first, second })
        {
            using var client = cloud.Client(
                role.GetProperty("AccessKeyId").GetString()!, role.GetProperty("AccessKeySecret").GetString()!, role.GetProperty("SecurityToken").GetString());
            (await client.CallAsync("DescribeNetworkInterfaces")).Ok();
        }
    }

    [Fact]
    public async Task Metadata_lags_by_configuration_and_by_fault()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(TestCloud.Config with { Metadata = new MetadataConfig { Lag = TimeSpan.FromSeconds(1) } }, time);
        time.Advance(TimeSpan.FromSeconds(5));
        var eni = await cloud.AttachedEniAsync();
        Assert.Single(cloud.Region.MetadataOf(cloud.Node.Id));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, cloud.Region.MetadataOf(cloud.Node.Id).Length);

        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.MetadataLag, LagMs = 10_000 });
        await cloud.Region.AssignIpv4Async(eni.Id, new Terway.Lab.Cloud.AddressRequest { Count = 1 });
        time.Advance(TimeSpan.FromSeconds(10.9));
        Assert.Single(cloud.Region.MetadataOf(cloud.Node.Id)[1].PrivateIps);
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(2, cloud.Region.MetadataOf(cloud.Node.Id)[1].PrivateIps.Length);
    }

    [Fact]
    public async Task Stranger_gets_nothing()
    {
        await using var cloud = await TestCloud.StartAsync();
        Assert.Equal(cloud.Node.Id, cloud.Region.FindInstanceId(cloud.Node.PrimaryEni.PrimaryIp));
        Assert.Equal(cloud.Node.Id, cloud.Region.FindInstanceId(cloud.Node.PrimaryEni.PrimaryIp.MapToIPv6()));
        Assert.Null(cloud.Region.FindInstanceId(cloud.NewEni().PrimaryIp));
        Assert.Null(cloud.Region.FindInstanceId(IPAddress.Parse("10.0.0.200")));
        await cloud.Region.TerminateInstanceAsync(cloud.Node.Id, TestContext.Current.CancellationToken);
        using var http = new HttpClient();
        using var response = await http.GetAsync(new Uri(cloud.Metadata, "/latest/meta-data/instance-id"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }
}
