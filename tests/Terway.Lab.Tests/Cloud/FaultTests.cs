using System.Net;
using System.Text;
using System.Text.Json;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Config;

namespace Terway.Lab.Tests.Cloud;

public sealed class FaultTests
{
    [Fact]
    public async Task Error_hits_the_numbered_calls_only()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.Error, Api = "DescribeNetworkInterfaces", Code = "ServiceUnavailable", Status = 503, Calls = [2, 4] });
        List<string> codes = [];
        for (var i = 0; i < 5; i++)
        {
            codes.Add((await cloud.Api.CallAsync("DescribeNetworkInterfaces")).Code);
            (await cloud.Api.CallAsync("DescribeInstanceTypes")).Ok();
        }
        Assert.Equal(["OK", "ServiceUnavailable", "OK", "ServiceUnavailable", "OK"], codes);
    }

    [Fact]
    public async Task Error_refuses_before_anything_is_done()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.Error, Api = "CreateNetworkInterface", Next = 1 });
        (await cloud.Api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-1"), ("ClientToken", "t"))).Expect(500, "InternalError");
        Assert.Empty(cloud.SecondaryEnis);
        // Not done, so the token is still good.
        (await cloud.Api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-1"), ("ClientToken", "t"))).Ok();
    }

    [Fact]
    public async Task LostAnswer_the_work_is_done_and_the_token_finds_it()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.LostAnswer, Api = "CreateNetworkInterface", Next = 1 });
        Task<AcsAnswer> Create() => cloud.Api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-1"), ("ClientToken", "t"));
        await Assert.ThrowsAsync<HttpRequestException>(Create);
        var made = Assert.Single(cloud.SecondaryEnis);
        Assert.Equal(made.Id, (await Create()).Ok().Text("NetworkInterfaceId"));
        Assert.Single(cloud.SecondaryEnis);
        Assert.Equal(1, cloud.Cloud.Calls.Codes["LostAnswer"]);
    }

    [Fact]
    public async Task Unreachable_nothing_is_done_for_any_action_until_the_fault_is_removed()
    {
        await using var cloud = await TestCloud.StartAsync();
        var rule = cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.Unreachable });
        await Assert.ThrowsAsync<HttpRequestException>(() => cloud.Api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-1")));
        await Assert.ThrowsAsync<HttpRequestException>(() => cloud.Api.CallAsync("DescribeInstanceTypes"));
        Assert.Empty(cloud.SecondaryEnis);
        using var http = new HttpClient();
        Assert.Equal(cloud.Node.Id, await http.GetStringAsync(new Uri(cloud.Metadata, "/latest/meta-data/instance-id"), TestContext.Current.CancellationToken));
        Assert.True(cloud.Cloud.Faults.Remove(rule.Id));
        (await cloud.Api.CallAsync("DescribeInstanceTypes")).Ok();
    }

    [Fact]
    public async Task Latency_holds_the_call_for_the_time_given()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(time: time);
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.Latency, LatencyMs = 4000, Next = 1 });
        var call = cloud.Api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-1"));
        while (time.PendingTimers == 0)
            await Task.Delay(5, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(3.9));
        Assert.Empty(cloud.SecondaryEnis);
        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.2));
        (await call).Ok();
        Assert.Equal(TimeSpan.FromSeconds(4.1), cloud.Cloud.Calls.Records[^1].Duration);
    }

    [Fact]
    public async Task Throttle_tells_when_to_come_back()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.Throttle, Api = "DescribeInstanceTypes", RetryAfterMs = 1234, Next = 1 });
        Assert.Equal("1234", (await cloud.Api.CallAsync("DescribeInstanceTypes")).Expect(400, "Throttling.User").RetryAfter);
        Assert.Null((await cloud.Api.CallAsync("DescribeInstanceTypes")).Ok().RetryAfter);
    }

    [Fact]
    public async Task Probability_is_repeatable()
    {
        async Task<string> Run()
        {
            await using var cloud = await TestCloud.StartAsync();
            cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.Error, Probability = 0.5, Seed = 7 });
            var pattern = new StringBuilder();
            for (var i = 0; i < 30; i++)
                pattern.Append((await cloud.Api.CallAsync("DescribeInstanceTypes")).Code == "OK" ? '.' : 'x');
            return pattern.ToString();
        }

        var first = await Run();
        Assert.Equal(first, await Run());
        Assert.InRange(first.Count(static c => c == 'x'), 5, 25);
    }

    [Fact]
    public async Task VSwitchExhausted_refuses_that_vswitch_only()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.VSwitchExhausted, Target = "vsw-pods" });
        (await cloud.Api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-1"))).Expect(403, "InvalidVSwitchId.IpNotEnough");
        (await cloud.Api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-nodes"), ("SecurityGroupId", "sg-1"))).Ok();
        Assert.Equal((0, 250), (cloud.Available("vsw-pods"), cloud.Available("vsw-nodes")));
        cloud.Cloud.Faults.Clear();
        Assert.Equal(252, cloud.Available("vsw-pods"));
    }

    [Fact]
    public async Task CredentialsExpired_hits_those_handed_out_before_and_new_ones_work()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(time: time);
        using var old = cloud.RoleClient();
        (await old.CallAsync("DescribeNetworkInterfaces")).Ok();
        cloud.Cloud.Faults.Add(new FaultRule { Kind = FaultKind.CredentialsExpired });
        (await old.CallAsync("DescribeNetworkInterfaces")).Expect(400, "InvalidSecurityToken.Expired");
        time.Advance(TimeSpan.FromSeconds(1));
        using var renewed = cloud.RoleClient();
        (await renewed.CallAsync("DescribeNetworkInterfaces")).Ok();
        (await cloud.Api.CallAsync("DescribeNetworkInterfaces")).Ok();
    }

    [Fact]
    public async Task Control_faults_are_added_listed_and_removed_over_http()
    {
        await using var cloud = await TestCloud.StartAsync();
        using var http = new HttpClient { BaseAddress = cloud.Control };
        async Task<(HttpStatusCode Status, string Body)> Send(HttpMethod method, string path, string? body = null)
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body) };
            using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        var added = await Send(HttpMethod.Post, "/lab/faults", """{"kind":"error","api":"DescribeInstanceTypes","code":"Throttling.Api","status":400,"calls":[1]}""");
        Assert.Equal(HttpStatusCode.Created, added.Status);
        var id = JsonDocument.Parse(added.Body).RootElement.GetProperty("id").GetString();
        (await cloud.Api.CallAsync("DescribeInstanceTypes")).Expect(400, "Throttling.Api");
        var listed = JsonDocument.Parse((await Send(HttpMethod.Get, "/lab/faults")).Body).RootElement.EnumerateArray().Single();
        Assert.Equal((id, "error", 1), (listed.GetProperty("id").GetString(), listed.GetProperty("kind").GetString(), listed.GetProperty("hit").GetInt32()));
        Assert.Equal(HttpStatusCode.NoContent, (await Send(HttpMethod.Delete, "/lab/faults/" + id)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await Send(HttpMethod.Delete, "/lab/faults/" + id)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await Send(HttpMethod.Get, "/lab/nothing")).Status);
    }

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("[]", "JSON object")]
    [InlineData("""{"api":"X"}""", "kind")]
    [InlineData("""{"kind":"explode"}""", "attach-rollback")]
    [InlineData("""{"kind":"latency"}""", "latencyMs")]
    [InlineData("""{"kind":"error","calls":[0]}""", "calls")]
    [InlineData("""{"kind":"error","calls":[1],"next":2}""", "calls, next, probability")]
    [InlineData("""{"kind":"error","status":200}""", "status")]
    [InlineData("""{"kind":"error","status":"many"}""", "status")]
    [InlineData("""{"kind":"error","probability":2}""", "probability")]
    [InlineData("""{"kind":"error","colour":"red"}""", "colour")]
    public async Task Control_senseless_fault_is_refused_with_the_field(string body, string mentions)
    {
        await using var cloud = await TestCloud.StartAsync();
        using var http = new HttpClient { BaseAddress = cloud.Control };
        using var content = new StringContent(body);
        using var response = await http.PostAsync(new Uri("/lab/faults", UriKind.Relative), content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(mentions, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Empty(cloud.Cloud.Faults.List());
    }

    [Fact]
    public async Task Control_region_and_calls_show_the_whole_state()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync(secondary: 1);
        (await cloud.Api.CallAsync("DescribeInstanceTypes", ("Misspelt", 1))).Ok();
        (await cloud.Api.CallAsync("DeleteNetworkInterface", ("NetworkInterfaceId", "eni-x"))).Expect(404, "InvalidEniId.NotFound");
        using var http = new HttpClient { BaseAddress = cloud.Control };
        async Task<JsonElement> Get(string path) =>
            JsonDocument.Parse(await http.GetStringAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken)).RootElement;

        var region = await Get("/lab/region");
        var shown = region.GetProperty("enis").EnumerateArray().Single(e => e.GetProperty("id").GetString() == eni.Id);
        Assert.Equal(["10.0.4.1", "10.0.4.2"], shown.GetProperty("privateIps").EnumerateArray().Select(static e => e.GetString()));
        Assert.Equal("InUse", shown.GetProperty("status").GetString());
        Assert.Equal(cloud.Node.Id, region.GetProperty("instances").EnumerateArray().Single().GetProperty("id").GetString());
        Assert.Equal(250, region.GetProperty("vSwitches").EnumerateArray().Single(static v => v.GetProperty("id").GetString() == "vsw-pods").GetProperty("available").GetInt32());

        var calls = await Get("/lab/calls?last=1");
        Assert.Equal((1, 1), (calls.GetProperty("counts").GetProperty("DescribeInstanceTypes").GetInt32(), calls.GetProperty("codes").GetProperty("InvalidEniId.NotFound").GetInt32()));
        Assert.Equal(2, calls.GetProperty("total").GetInt32());
        Assert.Equal("DeleteNetworkInterface", calls.GetProperty("last").EnumerateArray().Single().GetProperty("action").GetString());
        Assert.Equal(["Misspelt"], cloud.Cloud.Calls.Records[0].IgnoredParameters);
        await http.DeleteAsync(new Uri("/lab/calls", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(0, (await Get("/lab/calls")).GetProperty("total").GetInt32());
    }
}
