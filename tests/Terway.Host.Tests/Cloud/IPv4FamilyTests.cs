using System.Net;
using System.Text;
using System.Text.Json;
using Terway.AlibabaCloud.Network;
using Terway.Host.Cloud;

namespace Terway.Host.Tests.Cloud;

public sealed class IPv4FamilyTests
{
    private readonly List<(string Action, Dictionary<string, string> Parameters)> _calls = [];

    [Fact]
    public async Task Prefixes_are_asked_for_ten_at_a_time_read_and_given_back()
    {
        var family = Family("""
            {"RequestId": "r", "AssignedPrivateIpAddressesSet": {"NetworkInterfaceId": "eni-1", "Ipv4PrefixSet": {"Ipv4Prefixes": ["10.0.0.16/28", "10.0.0.32/28"]}}}
            """);
        Assert.Equal(28, family.PrefixLength);
        Assert.Equal(new("Ipv4PrefixCount", "10"), Assert.Single(family.CreatePrefixParameters(29)));
        Assert.Equal(new("Ipv4PrefixCount", "2"), Assert.Single(family.CreatePrefixParameters(2)));

        var given = await family.AssignPrefixesAsync("eni-1", 12, "token", TestContext.Current.CancellationToken);

        Assert.Equal([IPNetwork.Parse("10.0.0.16/28"), IPNetwork.Parse("10.0.0.32/28")], given);
        var (action, parameters) = Assert.Single(_calls);
        Assert.Equal("AssignPrivateIpAddresses", action);
        Assert.Equal(("eni-1", "10", "token"), (parameters["NetworkInterfaceId"], parameters["Ipv4PrefixCount"], parameters["ClientToken"]));
        Assert.DoesNotContain("SecondaryPrivateIpAddressCount", parameters.Keys);
    }

    [Fact]
    public async Task Prefixes_given_back_are_named_in_one_call()
    {
        var family = Family("""{"RequestId": "r"}""");

        await family.UnassignPrefixesAsync("eni-1", [IPNetwork.Parse("10.0.0.16/28"), IPNetwork.Parse("10.0.0.32/28")], TestContext.Current.CancellationToken);

        var (action, parameters) = Assert.Single(_calls);
        Assert.Equal("UnassignPrivateIpAddresses", action);
        Assert.Equal(("10.0.0.16/28", "10.0.0.32/28"), (parameters["Ipv4Prefix.1"], parameters["Ipv4Prefix.2"]));
    }

    [Theory]
    [InlineData("""{"Ipv4PrefixSets": {"Ipv4PrefixSet": [{"Ipv4Prefix": "10.0.0.16/28"}]}}""", "10.0.0.16/28")]
    [InlineData("""{"Ipv4PrefixSets": {"Ipv4PrefixSet": []}}""", null)]
    [InlineData("{}", null)]
    public void Prefixes_are_read_from_a_description(string eni, string? expected)
    {
        using var document = JsonDocument.Parse(eni);

        Assert.Equal(expected is null ? [] : [IPNetwork.Parse(expected)], Family("{}").ReadPrefixes(document.RootElement));
    }

    private IPv4Family Family(string answer) => new IPv4Family(null!, new CloudNetwork((_, action, parameters, _) =>
    {
        _calls.Add((action, parameters.ToDictionary(p => p.Key, p => p.Value)));
        return Task.FromResult(Encoding.UTF8.GetBytes(answer));
    }));
}
