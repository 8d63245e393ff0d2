using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Terway.Lab.Cloud.Faults;

namespace Terway.Plugins.IPv6DualStack.Tests;

/// <summary>The family's calls against the region's own API.</summary>
public sealed class FamilyCloudTests : IAsyncLifetime
{
    private TestCloud _cloud = null!;
    private Ipv6Family _family = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _cloud = await TestCloud.StartAsync();
        _family = new Ipv6Family(new TestHost(_cloud, TestHost.Facts(_cloud.Instance.Id)), static _ => null);
    }

    public ValueTask DisposeAsync() => _cloud.DisposeAsync();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(10, 10)]
    [InlineData(30, 10)]
    public async Task Creation_asks_for_as_many_as_the_api_takes(int wanted, int given)
    {
        var (id, answer) = await _cloud.CreateAsync(_family.CreateParameters(wanted));

        var addresses = _family.ReadAddresses(answer);
        Assert.Equal(given, addresses.Count);
        Assert.Equal(_cloud.Eni(id).Ipv6Addresses, addresses);
        Assert.Equal(addresses, _family.ReadAddresses(await _cloud.DescribeAsync(id)));
        Assert.Empty(_family.ReadPrefixes(answer));
    }

    [Fact]
    public async Task Creation_with_prefixes_gives_prefixes_alone()
    {
        var (id, answer) = await _cloud.CreateAsync(_family.CreatePrefixParameters(12));

        var prefixes = _family.ReadPrefixes(answer);
        Assert.Equal(10, prefixes.Count);
        Assert.All(prefixes, p => Assert.Equal(_family.PrefixLength, p.PrefixLength));
        Assert.Equal(prefixes, _family.ReadPrefixes(await _cloud.DescribeAsync(id)));
        Assert.Empty(_family.ReadAddresses(answer));
    }

    [Fact]
    public async Task Assigned_addresses_are_the_enis_and_a_repeated_token_gives_them_again()
    {
        var eni = await AttachedAsync();

        var first = await _family.AssignAsync(eni, 29, "token-1", Token);
        var again = await _family.AssignAsync(eni, 29, "token-1", Token);

        Assert.Equal(29, first.Count);
        Assert.Equal(first, again);
        Assert.Equal(first.Order(ByText), _cloud.Eni(eni).Ipv6Addresses.Order(ByText));
    }

    [Fact]
    public async Task Answer_that_is_lost_is_an_unknown_outcome_and_the_token_finds_what_was_given()
    {
        var eni = await AttachedAsync();
        _cloud.Faults.Add(new FaultRule { Kind = FaultKind.LostAnswer, Api = "AssignIpv6Addresses", Next = 1 });

        var error = await Assert.ThrowsAsync<CloudException>(() => _family.AssignAsync(eni, 3, "token-1", Token));

        Assert.True(error.OutcomeUnknown);
        Assert.Equal(3, _cloud.Eni(eni).Ipv6Addresses.Length);
        Assert.Equal(3, (await _family.AssignAsync(eni, 3, "token-1", Token)).Count);
        Assert.Equal(3, _cloud.Eni(eni).Ipv6Addresses.Length);
    }

    [Fact]
    public async Task Refusals_keep_the_clouds_code_and_are_known_outcomes()
    {
        var eni = await AttachedAsync();
        var full = await Assert.ThrowsAsync<CloudException>(() => _family.AssignAsync(eni, 31, "token-1", Token));
        Assert.Equal("InvalidOperation.Ipv6CountExceeded", full.Code);
        Assert.False(full.OutcomeUnknown);

        var (other, _) = await _cloud.CreateAsync([], "vsw-v4");
        var off = await Assert.ThrowsAsync<CloudException>(() => _family.AssignAsync(other, 1, "token-2", Token));
        Assert.Contains("Ipv6", off.Code, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(_cloud.Eni(other).Ipv6Addresses);
    }

    [Fact]
    public async Task Unassigning_what_is_partly_or_wholly_gone_takes_the_rest_and_is_no_error()
    {
        var eni = await AttachedAsync();
        var given = await _family.AssignAsync(eni, 5, "token-1", Token);
        await _family.UnassignAsync(eni, [given[1]], Token);

        await _family.UnassignAsync(eni, [given[0], given[1], given[2]], Token);
        Assert.Equal(given.Skip(3).Order(ByText), _cloud.Eni(eni).Ipv6Addresses.Order(ByText));

        await _family.UnassignAsync(eni, [given[0], given[1]], Token);
        await _family.UnassignAsync("eni-that-is-gone", [given[3]], Token);
        Assert.Equal(2, _cloud.Eni(eni).Ipv6Addresses.Length);
    }

    [Fact]
    public async Task Prefixes_come_by_token_ten_at_most_and_go_partly()
    {
        var eni = await AttachedAsync();

        var prefixes = await _family.AssignPrefixesAsync(eni, 11, "token-1", Token);
        Assert.Equal(10, prefixes.Count);
        Assert.Equal(prefixes, await _family.AssignPrefixesAsync(eni, 11, "token-1", Token));
        await _family.UnassignPrefixesAsync(eni, [prefixes[0]], Token);
        await _family.UnassignPrefixesAsync(eni, [prefixes[0], prefixes[1]], Token);

        Assert.Equal(prefixes.Skip(2).Select(static p => p.ToString()).Order(), _cloud.Eni(eni).Ipv6Prefixes.Select(static p => p.ToString()).Order());
    }

    [Fact]
    public async Task Subnet_is_the_vswitchs_ipv6_cidr_or_none()
    {
        foreach (var (id, expected) in ((string, string?)[])[("vsw-lab-pods", "2408:4005:1000:10::/64"), ("vsw-v4", null)])
            Assert.Equal(expected, _family.ReadSubnet(DescribeVSwitch(await _cloud.InvokeAsync("vpc", "DescribeVSwitches", [new("RegionId", "cn-hangzhou"), new("VSwitchId", id)], Token)))?.ToString());
    }

    [Fact]
    public void Identity_is_that_of_the_family()
    {
        Assert.Equal(AddressFamily.InterNetworkV6, _family.Family);
        Assert.Equal(IPAddress.Parse("fe80::1"), _family.PodGateway);
        Assert.Equal(80, _family.PrefixLength);
        Assert.Equal(15, _family.LimitPerEni(TestHost.Facts(ipv6: 15)));
    }

    private static Comparer<IPAddress> ByText { get; } = Comparer<IPAddress>.Create(static (a, b) => string.CompareOrdinal(a.ToString(), b.ToString()));

    private static JsonElement DescribeVSwitch(byte[] body)
    {
        using var document = JsonDocument.Parse(body);
        return document.RootElement.GetProperty("VSwitches").GetProperty("VSwitch")[0].Clone();
    }

    private async Task<string> AttachedAsync()
    {
        var (id, _) = await _cloud.CreateAsync([]);
        await _cloud.AttachAsync(id);
        return id;
    }
}
