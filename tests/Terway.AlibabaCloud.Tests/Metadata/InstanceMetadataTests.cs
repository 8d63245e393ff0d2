using System.Net;
using Microsoft.Extensions.Time.Testing;
using Terway.AlibabaCloud.Metadata;
using Terway.AlibabaCloud.Tests.Servers;

namespace Terway.AlibabaCloud.Tests.Metadata;

public sealed class InstanceMetadataTests : IAsyncDisposable
{
    private const string Mac = "00:16:3e:00:00:01";
    private const string EniKey = "network/interfaces/macs/00:16:3e:00:00:01/";

    private readonly FakeTimeProvider _time = Clock.Create();
    private readonly MetadataServer _server;

    public InstanceMetadataTests()
    {
        _server = new MetadataServer(_time);
        foreach ((string key, string value) in new Dictionary<string, string>
        {
            ["instance-id"] = "i-1",
            ["instance/instance-type"] = "ecs.g7.4xlarge",
            ["region-id"] = "cn-test",
            ["zone-id"] = "cn-test-a\n",
            ["vpc-id"] = "vpc-1",
            ["vpc-cidr-block"] = "10.0.0.0/8",
            ["vswitch-id"] = "vsw-1",
            ["mac"] = "00:16:3E:00:00:01",
            ["network/interfaces/macs/"] = "00:16:3e:00:00:01/\n00:16:3e:00:00:02/\n",
            [EniKey + "network-interface-id"] = "eni-1",
            [EniKey + "primary-ip-address"] = "10.0.1.5",
            [EniKey + "private-ipv4s"] = """["10.0.1.5","10.0.1.6"]""",
            [EniKey + "gateway"] = "10.0.1.253",
            [EniKey + "vswitch-id"] = "vsw-1",
            [EniKey + "vswitch-cidr-block"] = "10.0.1.0/24",
        })
            _server.Keys[key] = value;
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task GetInstanceIdentityAsync_reads_all_of_it_with_one_token()
    {
        _server.Hardened = true;
        using InstanceMetadata metadata = Create();
        InstanceIdentity identity = await _time.RunAsync(metadata.GetInstanceIdentityAsync(Ct));
        Assert.Equal(new InstanceIdentity("i-1", "ecs.g7.4xlarge", "cn-test", "cn-test-a", "vpc-1", "vsw-1", Mac), identity);
        Assert.Equal(1, _server.TokensGiven);
        Assert.Equal(7, _server.ReadsWithToken);
    }

    [Fact]
    public async Task GetAsync_token_is_renewed_at_half_its_life()
    {
        _server.Hardened = true;
        using InstanceMetadata metadata = Create();
        await Get(metadata, "zone-id");
        _time.Advance(TimeSpan.FromSeconds(10700));
        await Get(metadata, "zone-id");
        Assert.Equal(1, _server.TokensGiven);
        _time.Advance(TimeSpan.FromSeconds(200));
        await Get(metadata, "zone-id");
        Assert.Equal(2, _server.TokensGiven);
    }

    [Fact]
    public async Task GetAsync_revoked_token_is_replaced_once()
    {
        _server.Hardened = true;
        using InstanceMetadata metadata = Create();
        await Get(metadata, "zone-id");
        _server.RevokeTokens();
        Assert.Equal("cn-test-a", await Get(metadata, "zone-id"));
        Assert.Equal(2, _server.TokensGiven);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(403)]
    [InlineData(405)]
    public async Task GetAsync_service_without_tokens_is_read_without_and_asked_again_later(int status)
    {
        _server.TokenStatus = status;
        using InstanceMetadata metadata = Create();
        Assert.Equal("cn-test-a", await Get(metadata, "zone-id"));
        Assert.Equal(0, _server.ReadsWithToken);

        _server.TokenStatus = 200;
        await Get(metadata, "zone-id");
        Assert.Equal(0, _server.TokensGiven);
        _time.Advance(TimeSpan.FromMinutes(6));
        await Get(metadata, "zone-id");
        Assert.Equal(1, _server.TokensGiven);
    }

    [Fact]
    public async Task GetAsync_service_hardened_meanwhile_is_noticed_at_once()
    {
        _server.TokenStatus = 404;
        using InstanceMetadata metadata = Create();
        await Get(metadata, "zone-id");
        (_server.TokenStatus, _server.Hardened) = (200, true);
        Assert.Equal("cn-test-a", await Get(metadata, "zone-id"));
    }

    [Fact]
    public async Task GetAsync_required_token_refused_is_an_error()
    {
        _server.TokenStatus = 403;
        using InstanceMetadata metadata = Create(MetadataTokenMode.Required);
        MetadataException e = await Assert.ThrowsAsync<MetadataException>(() => Get(metadata, "zone-id"));
        Assert.Equal(HttpStatusCode.Forbidden, e.HttpStatus);
        Assert.Contains("token", e.Message, StringComparison.Ordinal);
        Assert.Empty(_server.Reads);
    }

    [Fact]
    public async Task GetAsync_disabled_token_never_asks_for_one()
    {
        using InstanceMetadata metadata = Create(MetadataTokenMode.Disabled);
        await Get(metadata, "zone-id");
        Assert.Equal(0, _server.TokensGiven);

        _server.Hardened = true;
        MetadataException e = await Assert.ThrowsAsync<MetadataException>(() => Get(metadata, "zone-id"));
        Assert.Equal(HttpStatusCode.Unauthorized, e.HttpStatus);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(429)]
    [InlineData(0)]
    public async Task GetAsync_passing_failure_is_repeated(int status)
    {
        using InstanceMetadata metadata = Create();
        await Get(metadata, "zone-id");
        for (int i = 0; i < 3; i++)
            _server.NextStatuses.Enqueue(status);
        DateTimeOffset start = _time.GetUtcNow();
        Assert.Equal("cn-test-a", await Get(metadata, "zone-id"));
        Assert.True(_time.GetUtcNow() - start >= TimeSpan.FromMilliseconds(500 + 600 + 720));
    }

    [Fact]
    public async Task GetAsync_lasting_failure_ends_with_what_was_asked_and_why()
    {
        for (int i = 0; i < 5; i++)
            _server.NextStatuses.Enqueue(503);
        using InstanceMetadata metadata = Create();
        MetadataException e = await Assert.ThrowsAsync<MetadataException>(() => Get(metadata, "zone-id"));
        Assert.Contains("meta-data/zone-id", e.Message, StringComparison.Ordinal);
        Assert.Contains("4 tries", e.Message, StringComparison.Ordinal);
        Assert.Single(_server.NextStatuses);
    }

    [Fact]
    public async Task GetAsync_no_answer_ends_by_the_short_timeout()
    {
        TaskCompletionSource hold = new();
        _server.BeforeAnswer = () => hold.Task;
        using InstanceMetadata metadata = Create(MetadataTokenMode.Disabled, TimeSpan.FromSeconds(2));
        MetadataException e = await Assert.ThrowsAsync<MetadataException>(() => Get(metadata, "zone-id"));
        hold.SetResult();
        Assert.Null(e.HttpStatus);
        Assert.Contains("2 s", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetAsync_missing_key_is_null_and_not_repeated()
    {
        using InstanceMetadata metadata = Create();
        Assert.Null(await Get(metadata, "nothing-here"));
        Assert.Single(_server.Reads);
        await Assert.ThrowsAsync<MetadataException>(() => _time.RunAsync(metadata.GetRequiredAsync("nothing-here", Ct)));
    }

    [Fact]
    public async Task GetEniAsync_IPv4_only()
    {
        using InstanceMetadata metadata = Create();
        MetadataEni eni = (await _time.RunAsync(metadata.GetEniAsync("00:16:3E:00:00:01", Ct)))!;
        Assert.Equal("eni-1", eni.NetworkInterfaceId);
        Assert.Equal(IPAddress.Parse("10.0.1.5"), eni.PrimaryIPAddress);
        Assert.Equal([IPAddress.Parse("10.0.1.5"), IPAddress.Parse("10.0.1.6")], eni.PrivateIpv4s);
        Assert.Empty(eni.Ipv6s);
        Assert.Null(eni.Ipv6Gateway);
        Assert.Null(eni.VSwitchIpv6CidrBlock);
        Assert.Equal(IPAddress.Parse("10.0.1.253"), eni.Gateway);
    }

    [Fact]
    public async Task GetEniAsync_dual_stack_without_gateways_derives_them()
    {
        _server.Keys.TryRemove(EniKey + "gateway", out _);
        _server.Keys[EniKey + "vswitch-cidr-block"] = "10.0.0.0/20";
        _server.Keys[EniKey + "vswitch-ipv6-cidr-block"] = "fd00:0:0:1::/64";
        _server.Keys[EniKey + "ipv6s"] = "[fd00:0:0:1::5,fd00:0:0:1::6]";
        using InstanceMetadata metadata = Create();
        MetadataEni eni = (await _time.RunAsync(metadata.GetEniAsync(Mac, Ct)))!;
        Assert.Equal(IPAddress.Parse("10.0.15.253"), eni.Gateway);
        Assert.Equal(IPAddress.Parse("fd00:0:0:1:ffff:ffff:ffff:fffd"), eni.Ipv6Gateway);
        Assert.Equal([IPAddress.Parse("fd00:0:0:1::5"), IPAddress.Parse("fd00:0:0:1::6")], eni.Ipv6s);
    }

    [Fact]
    public async Task GetEniAsync_ENI_not_shown_yet_is_null()
    {
        using InstanceMetadata metadata = Create();
        Assert.Null(await _time.RunAsync(metadata.GetEniAsync("00:16:3e:00:00:02", Ct)));
    }

    [Fact]
    public async Task GetMacsAsync_lists_all()
    {
        using InstanceMetadata metadata = Create();
        Assert.Equal([Mac, "00:16:3e:00:00:02"], await _time.RunAsync(metadata.GetMacsAsync(Ct)));
    }

    [Fact]
    public async Task GetVpcCidrBlockAsync_unreadable_value_is_named()
    {
        _server.Keys["vpc-cidr-block"] = "10.0.0.0/99";
        using InstanceMetadata metadata = Create();
        MetadataException e = await Assert.ThrowsAsync<MetadataException>(() => _time.RunAsync(metadata.GetVpcCidrBlockAsync(Ct)));
        Assert.Contains("vpc-cidr-block", e.Message, StringComparison.Ordinal);
        Assert.Contains("10.0.0.0/99", e.Message, StringComparison.Ordinal);
    }

    private InstanceMetadata Create(MetadataTokenMode mode = MetadataTokenMode.Auto, TimeSpan? timeout = null) => new(
        new InstanceMetadataOptions { BaseAddress = _server.Address, TokenMode = mode, RequestTimeout = timeout ?? Clock.NoTimeout },
        time: _time);

    private Task<string?> Get(InstanceMetadata metadata, string key) => _time.RunAsync(metadata.GetAsync(key, Ct));
}
