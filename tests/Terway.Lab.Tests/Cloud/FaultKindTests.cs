using System.Globalization;
using System.Net;
using System.Text.Json;
using Terway.Lab.Cloud;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Config;

namespace Terway.Lab.Tests.Cloud;

/// <summary>Faults that are more than a refused or a late call.</summary>
public sealed class FaultKindTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task BlackHole_takes_the_call_and_never_answers()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.BlackHole, Api = "CreateNetworkInterface", Next = 1 });
        using var http = new HttpClient();
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Token);
        // The action is enough: the fault comes before the signature is looked at.
        using var request = new HttpRequestMessage(HttpMethod.Post, cloud.Cloud.OpenApiAddresses[0]);
        request.Headers.Add("x-acs-action", "CreateNetworkInterface");
        var call = http.SendAsync(request, giveUp.Token);
        while (cloud.Cloud.Calls.Held == 0)
            await Task.Delay(5, Token);

        // The rule is gone, the call stays where it is; others go through.
        cloud.Cloud.Faults.Clear();
        (await cloud.Api.CallAsync("DescribeInstanceTypes")).Ok();
        Assert.False(call.IsCompleted);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        while (cloud.Cloud.Calls.Held > 0)
            await Task.Delay(5, Token);
        Assert.Empty(cloud.SecondaryEnis);
        Assert.Equal(1, cloud.Cloud.Calls.Codes["BlackHole"]);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(-20)]
    public async Task ClockSkew_refuses_by_the_shifted_clock_and_shows_it(int minutes)
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.ClockSkew, SkewMs = minutes * 60_000 });
        var refused = (await cloud.Api.CallAsync("DescribeInstanceTypes")).Expect(400, "InvalidTimeStamp.Expired");
        Assert.InRange(refused.Date!.Value - DateTimeOffset.UtcNow, TimeSpan.FromMinutes(minutes) - TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(minutes) + TimeSpan.FromSeconds(30));

        // Who goes by that clock is let in.
        cloud.Api.Date = () => refused.Date.Value.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        (await cloud.Api.CallAsync("DescribeInstanceTypes")).Ok();
        cloud.Cloud.Faults.Clear();
        (await cloud.Api.CallAsync("DescribeInstanceTypes")).Expect(400, "InvalidTimeStamp.Expired");
    }

    [Fact]
    public async Task ClockSkew_within_a_quarter_of_an_hour_is_only_shown()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.ClockSkew, SkewMs = 10 * 60_000 });
        Assert.True((await cloud.Api.CallAsync("DescribeInstanceTypes")).Ok().Date - DateTimeOffset.UtcNow > TimeSpan.FromMinutes(9));
    }

    [Fact]
    public async Task ClockSkew_of_the_metadata_service_dates_credentials()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(time: time);
        using var http = new HttpClient();
        async Task<DateTimeOffset> Expiration() => JsonDocument.Parse(
            await http.GetStringAsync(new Uri(cloud.Metadata, $"/latest/meta-data/ram/security-credentials/{cloud.Region.Config.RamRole.Name}"), Token))
            .RootElement.GetProperty("Expiration").GetDateTimeOffset();
        var before = await Expiration();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.ClockSkew, Api = "metadata", SkewMs = -7 * 3_600_000 });
        Assert.Equal(before - TimeSpan.FromHours(7), await Expiration());
    }

    [Fact]
    public async Task DescribeLag_shows_enis_and_vswitches_as_they_were()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(time: time);
        var old = await cloud.AttachedEniAsync(secondary: 1);
        time.Advance(TimeSpan.FromSeconds(60));
        var free = cloud.Available("vsw-pods");
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.DescribeLag, LagMs = 10_000 });

        var made = cloud.NewEni();
        await cloud.Region.AssignIpv4Async(old.Id, new AddressRequest { Count = 3 });
        cloud.Region.DetachEni(old.Id, cloud.Node.Id);
        await cloud.IdleAsync();

        // Nothing of it is seen for ten seconds: neither the new ENI, nor addresses, nor that one was detached.
        time.Advance(TimeSpan.FromSeconds(9.9));
        var seen = Assert.Single(await Enis());
        Assert.Equal((old.Id, "InUse", 2), (seen.Id, seen.Status, seen.Addresses));
        Assert.Equal(free, await Free());
        Assert.Equal(2, (await cloud.Api.CallAsync("DescribeInstances")).Ok().Json.GetProperty("Instances").GetProperty("Instance")[0]
            .GetProperty("NetworkInterfaces").GetProperty("NetworkInterface").GetArrayLength());
        (await cloud.Api.CallAsync("DescribeNetworkInterfaceAttribute", ("NetworkInterfaceId", made.Id))).Expect(404, "InvalidEniId.NotFound");
        Assert.Empty(await Enis(("InstanceId", cloud.Node.Id), ("Status", "Available")));

        // What changes the ENI is no Describe and sees the present.
        (await cloud.Api.CallAsync("DetachNetworkInterface", ("NetworkInterfaceId", old.Id), ("InstanceId", cloud.Node.Id))).Expect(400, "InvalidOperation.InvalidEniState");

        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal([(old.Id, "Available", 5), (made.Id, "Available", 1)], await Enis());
        Assert.Equal(free - 4, await Free());

        cloud.Region.DeleteEni(made.Id);
        await cloud.IdleAsync();
        Assert.Equal(2, (await Enis()).Length);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Single(await Enis());

        async Task<(string Id, string Status, int Addresses)[]> Enis(params (string, object)[] filter) =>
            [.. (await cloud.Api.CallAsync("DescribeNetworkInterfaces", [("VSwitchId", "vsw-pods"), .. filter])).Ok().Json.GetProperty("NetworkInterfaceSets").GetProperty("NetworkInterfaceSet")
                .EnumerateArray().Select(static e => (
                    e.GetProperty("NetworkInterfaceId").GetString()!, e.GetProperty("Status").GetString()!,
                    e.GetProperty("PrivateIpSets").GetProperty("PrivateIpSet").GetArrayLength()))];
        async Task<int> Free() => (await cloud.Api.CallAsync("DescribeVSwitches", ("VSwitchId", "vsw-pods"))).Ok().Json
            .GetProperty("VSwitches").GetProperty("VSwitch")[0].GetProperty("AvailableIpAddressCount").GetInt32();
    }

    [Fact]
    public async Task DescribeLag_hits_the_numbered_calls_of_its_api_only()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(time: time);
        time.Advance(TimeSpan.FromSeconds(60));
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.DescribeLag, Api = "DescribeNetworkInterfaces", LagMs = 10_000, Calls = [2] });
        cloud.NewEni();
        List<int> totals = [];
        for (var i = 0; i < 3; i++)
            totals.Add((await cloud.Api.CallAsync("DescribeNetworkInterfaces", ("VSwitchId", "vsw-pods"))).Ok().Json.GetProperty("TotalCount").GetInt32());
        Assert.Equal([1, 0, 1], totals);
    }

    [Fact]
    public async Task PartialAssign_gives_fewer_and_says_which()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.PartialAssign, AtMost = 2 });
        Task<AcsAnswer> Assign(string token, params (string, object)[] what) =>
            cloud.Api.CallAsync("AssignPrivateIpAddresses", [("NetworkInterfaceId", eni.Id), ("ClientToken", token), .. what]);
        var given = Given((await Assign("a", ("SecondaryPrivateIpAddressCount", 5))).Ok());
        Assert.Equal(2, given.Length);
        // The same request again is still the same answer.
        Assert.Equal(given, Given((await Assign("a", ("SecondaryPrivateIpAddressCount", 5))).Ok()));
        Assert.Equal([eni.PrimaryIp.ToString(), .. given], cloud.Eni(eni.Id).PrivateIps.Select(static ip => ip.ToString()));
        // Named addresses are all or nothing.
        Assert.Equal(3, Given((await Assign("b", ("PrivateIpAddress.1", "10.0.4.100"), ("PrivateIpAddress.2", "10.0.4.101"), ("PrivateIpAddress.3", "10.0.4.102"))).Ok()).Length);
        cloud.Cloud.Faults.Clear();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.PartialAssign, AtMost = 0 });
        Assert.Empty(Given((await Assign("c", ("SecondaryPrivateIpAddressCount", 1))).Ok()));
        Assert.Equal(1, (await cloud.Api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-1"), ("SecondaryPrivateIpAddressCount", 4))).Ok()
            .Json.GetProperty("PrivateIpSets").GetProperty("PrivateIpSet").GetArrayLength());

        static string[] Given(AcsAnswer answer) => [.. answer.Json.GetProperty("AssignedPrivateIpAddressesSet").GetProperty("PrivateIpSet").GetProperty("PrivateIpAddress")
            .EnumerateArray().Select(static e => e.GetString()!)];
    }

    [Fact]
    public async Task QuotaReduced_counts_enis_of_the_instance_and_addresses_of_the_eni()
    {
        await using var cloud = await TestCloud.StartAsync();
        var first = await cloud.AttachedEniAsync();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.QuotaReduced, Enis = 2, Target = cloud.Node.Id });
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.QuotaReduced, Addresses = 3, Target = first.Id });
        var second = cloud.NewEni();
        (await cloud.Api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", second.Id), ("InstanceId", cloud.Node.Id))).Expect(403, "EniPerInstanceLimitExceeded");
        Task<AcsAnswer> Assign(string eni, int count) =>
            cloud.Api.CallAsync("AssignPrivateIpAddresses", ("NetworkInterfaceId", eni), ("SecondaryPrivateIpAddressCount", count));
        (await Assign(first.Id, 3)).Expect(403, "InvalidOperation.Ipv4CountExceeded");
        (await Assign(first.Id, 2)).Ok();
        (await Assign(first.Id, 1)).Expect(403, "InvalidOperation.Ipv4CountExceeded");
        (await Assign(second.Id, 9)).Ok();
        cloud.Cloud.Faults.Clear();
        (await Assign(first.Id, 1)).Ok();
        (await cloud.Api.CallAsync("AttachNetworkInterface", ("NetworkInterfaceId", second.Id), ("InstanceId", cloud.Node.Id))).Ok();
    }

    [Fact]
    public async Task DetachHang_keeps_the_eni_detaching()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(time: time);
        var eni = await cloud.AttachedEniAsync();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.DetachHang, HangMs = 90_000, Next = 1 });
        (await cloud.Api.CallAsync("DetachNetworkInterface", ("NetworkInterfaceId", eni.Id), ("InstanceId", cloud.Node.Id))).Ok();
        time.Advance(TimeSpan.FromSeconds(89));
        Assert.Equal(EniStatus.Detaching, cloud.Eni(eni.Id).Status);
        (await cloud.Api.CallAsync("DeleteNetworkInterface", ("NetworkInterfaceId", eni.Id))).Expect(400, "InvalidOperation.InvalidEniState");
        time.Advance(TimeSpan.FromSeconds(2));
        await cloud.IdleAsync();
        Assert.Equal(EniStatus.Available, cloud.Eni(eni.Id).Status);
    }

    [Fact]
    public async Task CredentialsExpired_with_a_target_revokes_that_key_only()
    {
        await using var cloud = await TestCloud.StartAsync(
            TestCloud.Config with { AccessKeys = [.. TestCloud.Config.AccessKeys, new AccessKeyConfig { Id = "LTAInew", Secret = "other" }] });
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.CredentialsExpired, Target = TestCloud.KeyId });
        (await cloud.Api.CallAsync("DescribeInstanceTypes")).Expect(404, "InvalidAccessKeyId.Inactive");
        using var rotated = cloud.Client("LTAInew", "other");
        (await rotated.CallAsync("DescribeInstanceTypes")).Ok();
        using var role = cloud.RoleClient();
        (await role.CallAsync("DescribeNetworkInterfaces")).Ok();
        Assert.Equal(1, cloud.Cloud.Faults.List().Single().Hit);
    }

    [Theory]
    [InlineData("""{"kind":"black-hole","api":"AssignPrivateIpAddress"}""", "api: 'AssignPrivateIpAddress' is not one", "AssignPrivateIpAddresses")]
    [InlineData("""{"kind":"attach-rollback","api":"AttachNetworkInterface"}""", "api: unknown for attach-rollback", "target")]
    [InlineData("""{"kind":"describe-lag","api":"metadata","lagMs":5}""", "api: 'metadata'", "DescribeVSwitches")]
    [InlineData("""{"kind":"describe-lag","lagMs":600001}""", "lagMs: ", "600000")]
    [InlineData("""{"kind":"partial-assign","api":"AttachNetworkInterface","atMost":1}""", "api: ", "CreateNetworkInterface")]
    [InlineData("""{"kind":"partial-assign"}""", "atMost: ", "0 or more")]
    [InlineData("""{"kind":"clock-skew"}""", "skewMs: ", "other than 0")]
    [InlineData("""{"kind":"quota-reduced"}""", "enis, addresses: ", "one of them")]
    [InlineData("""{"kind":"quota-reduced","enis":0}""", "enis: ", "primary ENI")]
    [InlineData("""{"kind":"detach-hang","hangMs":-1}""", "hangMs: ", "3600000")]
    [InlineData("""{"kind":"credentials-expired","next":1}""", "next: unknown for credentials-expired", "known are kind, id, target")]
    [InlineData("""{"kind":"unreachable","lagMs":5}""", "lagMs: unknown for unreachable", "known are kind, id, api, calls")]
    [InlineData("""{"kind":"error","probability":"NaN"}""", "probability: ", "right type")]
    [InlineData("""{"kind":"vswitch-exhausted","target":null}""", "target: ", "right type")]
    [InlineData("""{"kind":"Error"}""", "kind: must be one of error, latency, lost-answer", "detach-hang")]
    public async Task Senseless_rule_is_refused_with_the_field_and_what_is_allowed(string json, string field, string allowed)
    {
        await using var cloud = await TestCloud.StartAsync();
        using var http = new HttpClient { BaseAddress = cloud.Control };
        using var content = new StringContent(json);
        using var response = await http.PostAsync(new Uri("/lab/faults", UriKind.Relative), content, Token);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Token)).RootElement.GetProperty("error").GetString()!;
        Assert.StartsWith(field, error, StringComparison.Ordinal);
        Assert.Contains(allowed, error, StringComparison.Ordinal);
        Assert.Empty(cloud.Cloud.Faults.List());
    }

    [Fact]
    public void Format_is_read_back_as_the_same_rule()
    {
        foreach (var rule in (FaultRule[])
        [
            new() { Kind = FaultKind.Error, Id = "x", Api = "metadata", Code = "C", Status = 418, Message = "m", RetryAfterMs = 7, Calls = [1, 3] },
            new() { Kind = FaultKind.Latency, LatencyMs = 5, Next = 2 },
            new() { Kind = FaultKind.ClockSkew, SkewMs = -5, Probability = 0.25, Seed = 9 },
            new() { Kind = FaultKind.DescribeLag, Api = "DescribeVSwitches", LagMs = 5 },
            new() { Kind = FaultKind.PartialAssign, AtMost = 0 },
            new() { Kind = FaultKind.QuotaReduced, Enis = 2, Addresses = 3, Target = "i-1" },
            new() { Kind = FaultKind.DetachHang, HangMs = 5, Target = "eni-1" },
            new() { Kind = FaultKind.CredentialsExpired, Target = "LTAI" },
        ])
        {
            var read = FaultJson.Parse(FaultJson.Format(rule));
            Assert.Equal(rule.Calls, read.Calls);
            Assert.Equal(rule with { Calls = [] }, read with { Calls = [] });
        }
    }
}
