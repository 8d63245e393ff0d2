using Terway.AlibabaCloud.Transport;

namespace Terway.AlibabaCloud.Tests.Transport;

public sealed class CloudEndpointsTests
{
    private readonly Dictionary<string, string> _environment = [];

    [Fact]
    public void Resolve_nothing_set_gives_the_regions_endpoints_inside_VPCs()
    {
        CloudEndpoints endpoints = Resolve();
        Assert.Equal(new Uri("https://ecs-vpc.cn-hangzhou.aliyuncs.com/"), endpoints.For("ecs"));
        Assert.Equal(new Uri("https://vpc-vpc.cn-hangzhou.aliyuncs.com/"), endpoints.For("vpc"));
    }

    [Fact]
    public void Resolve_public_network_and_http_scheme_follow_the_environment()
    {
        _environment["ALICLOUD_ENDPOINT_TYPE"] = "public";
        _environment["ALICLOUD_CLIENT_SCHEME"] = "HTTP";
        Assert.Equal(new Uri("http://ecs.cn-hangzhou.aliyuncs.com/"), Resolve().For("ecs"));
    }

    [Fact]
    public void Resolve_option_wins_over_environment_over_region()
    {
        _environment["ECS_ENDPOINT"] = "from-environment.example";
        _environment["VPC_ENDPOINT"] = "http://[fd00::1]:8080/ignored?x=1";
        CloudEndpoints endpoints = Resolve("given.example:8443");
        Assert.Equal(new Uri("https://given.example:8443/"), endpoints.For("ecs"));
        Assert.Equal("http://[fd00::1]:8080/", endpoints.For("vpc").AbsoluteUri);
        Assert.Equal("from-environment.example", Resolve().For("ecs").Host);
    }

    [Theory]
    [InlineData("ftp://x")]
    [InlineData("http://")]
    [InlineData("a b")]
    public void Resolve_malformed_endpoint_is_refused_with_its_name(string endpoint)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => Resolve(endpoint));
        Assert.Contains("ECS_ENDPOINT", e.Message, StringComparison.Ordinal);
        Assert.Contains(endpoint, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_without_region_is_refused() => Assert.Throws<ArgumentException>(() => CloudEndpoints.Resolve(" "));

    [Fact]
    public void VersionOf_products_is_their_API_version()
    {
        Assert.Equal("2014-05-26", CloudProduct.VersionOf("ecs"));
        Assert.Equal("2016-04-28", CloudProduct.VersionOf("vpc"));
        Assert.Throws<ArgumentException>(() => CloudProduct.VersionOf("oss"));
    }

    private CloudEndpoints Resolve(string? ecs = null) => CloudEndpoints.Resolve("cn-hangzhou", ecs, null, _environment.GetValueOrDefault);
}
