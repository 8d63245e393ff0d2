using System.Collections.Immutable;
using Terway.Lab.Config;

namespace Terway.Lab.Tests.Cloud;

public sealed class IdempotencyTests
{
    [Fact]
    public async Task Same_token_same_parameters_is_done_once()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync();
        Task<AcsAnswer> Assign(int count, string token) => cloud.Api.CallAsync(
            "AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", count), ("ClientToken", token));

        var first = (await Assign(2, "t1")).Ok();
        var again = (await Assign(2, "t1")).Ok();
        Assert.Equal(first.Json.GetProperty("AssignedPrivateIpAddressesSet").ToString(), again.Json.GetProperty("AssignedPrivateIpAddressesSet").ToString());
        Assert.Equal(3, cloud.Eni(eni.Id).PrivateIps.Length);
        (await Assign(3, "t1")).Expect(400, "IdempotentParameterMismatch");
        (await Assign(2, "t2")).Ok();
        Assert.Equal(5, cloud.Eni(eni.Id).PrivateIps.Length);
    }

    [Fact]
    public async Task Token_of_a_failed_request_is_used_up()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync(secondary: 9, vSwitch: "vsw-tiny");
        Task<AcsAnswer> Assign(string token) => cloud.Api.CallAsync(
            "AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 3), ("ClientToken", token));

        (await Assign("t1")).Expect(403, "InvalidVSwitchId.IpNotEnough");
        await cloud.Region.UnassignIpv4Async(eni.Id, [eni.PrivateIps[1]], []);
        (await Assign("t1")).Expect(400, "IdempotentFailed");
        (await Assign("t2")).Ok();
    }

    [Fact]
    public async Task Token_in_use_is_told_apart_from_a_finished_one()
    {
        await using var cloud = await TestCloud.StartAsync();
        var eni = await cloud.AttachedEniAsync();
        var inside = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        cloud.Fabric.During = call =>
        {
            inside.TrySetResult();
            return release.Task;
        };
        Task<AcsAnswer> Assign() => cloud.Api.CallAsync(
            "AssignPrivateIpAddresses", ("NetworkInterfaceId", eni.Id), ("SecondaryPrivateIpAddressCount", 1), ("ClientToken", "t"));
        var first = Assign();
        await inside.Task;
        (await Assign()).Expect(403, "IdempotentProcessing");
        release.SetResult();
        var done = (await first).Ok();
        Assert.Equal(done.Json.GetProperty("AssignedPrivateIpAddressesSet").ToString(), (await Assign()).Ok().Json.GetProperty("AssignedPrivateIpAddressesSet").ToString());
    }

    [Fact]
    public async Task Token_is_forgotten_after_a_day_and_must_be_short_ascii()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(time: time);
        Task<AcsAnswer> Create(string token) => cloud.Api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-1"), ("ClientToken", token));
        var first = (await Create("t")).Ok().Text("NetworkInterfaceId");
        time.Advance(TimeSpan.FromHours(25));
        Assert.NotEqual(first, (await Create("t")).Ok().Text("NetworkInterfaceId"));
        (await Create(new string('x', 65))).Expect(400, "InvalidParameter");
        (await Create("tökén")).Expect(400, "InvalidParameter");
    }

    [Fact]
    public async Task Calls_beyond_the_minute_are_throttled_until_the_next_one()
    {
        var time = new ManualTime();
        var throttles = new ThrottleConfig { Default = 2, PerAction = ImmutableSortedDictionary<string, int>.Empty.Add("DescribeNetworkInterfaces", 3) };
        await using var cloud = await TestCloud.StartAsync(TestCloud.Config with { Throttles = throttles }, time);
        time.Advance(TimeSpan.FromSeconds(20));
        for (var i = 0; i < 3; i++)
            (await cloud.Api.CallAsync("DescribeNetworkInterfaces")).Ok();
        Assert.Equal("40000", (await cloud.Api.CallAsync("DescribeNetworkInterfaces")).Expect(400, "Throttling.User").RetryAfter);
        // Each action has a budget of its own, and a refused call does not use up its token.
        Task<AcsAnswer> Create(string token) => cloud.Api.CallAsync("CreateNetworkInterface", ("VSwitchId", "vsw-pods"), ("SecurityGroupId", "sg-1"), ("ClientToken", token));
        (await Create("a")).Ok();
        (await Create("b")).Ok();
        (await Create("c")).Expect(400, "Throttling.User");
        time.Advance(TimeSpan.FromSeconds(40));
        (await cloud.Api.CallAsync("DescribeNetworkInterfaces")).Ok();
        (await Create("c")).Ok();
        Assert.Equal(3, cloud.SecondaryEnis.Length);
    }
}
