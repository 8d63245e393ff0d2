namespace Terway.Plugins.IPv6DualStack.Tests;

public sealed class ObjectsTests
{
    [Fact]
    public void Node_forwards_and_its_own_link_goes_on_following_advertisements_before_that()
    {
        var objects = Family("1").NodeObjects(null);

        Assert.Equal(
            ["net/ipv6/conf/eth0/accept_ra=2", "net/ipv6/conf/all/forwarding=1", "net/ipv6/conf/default/forwarding=1"],
            objects.Cast<KernelObject.Sysctl>().Select(static s => $"{s.Path}={s.Value}"));
        // An earlier life made it so.
        Assert.Equal(objects, Family("2").NodeObjects(null));
    }

    [Theory]
    [InlineData("0", "eth0")]
    [InlineData(null, "eth0")]
    [InlineData("1", null)]
    public void Nodes_own_link_is_left_alone_when_it_follows_none(string? acceptRa, string? link) =>
        Assert.DoesNotContain(Family(acceptRa, link).NodeObjects(null).Cast<KernelObject.Sysctl>(), static s => s.Path.Contains("accept_ra", StringComparison.Ordinal));

    [Fact]
    public void Eni_is_made_ready_before_ipv6_is_turned_on() => Assert.Equal(
        ["net/ipv6/conf/eth1/accept_ra=0", "net/ipv6/conf/eth1/accept_dad=0", "net/ipv6/conf/eth1/disable_ipv6=0"],
        Family("1").NodeObjects("eth1").Cast<KernelObject.Sysctl>().Select(static s => $"{s.Path}={s.Value}"));

    [Fact]
    public void Pod_gets_ipv6_and_no_advertisement_is_heard_at_either_end()
    {
        Assert.Equal(
            ["pod eth0/accept_ra=0", "pod lo/disable_ipv6=0", "pod eth0/disable_ipv6=0", "node cali1/accept_ra=0", "node cali1/disable_ipv6=0"],
            Family("1").PodObjects("eth0", "cali1").Cast<KernelObject.Sysctl>()
                .Select(static s => $"{(s.InPod ? "pod" : "node")} {s.Path["net/ipv6/conf/".Length..]}={s.Value}"));
        Assert.All(Family("1").PodObjects("eth0", null), static o => Assert.True(o.InPod));
    }

    private static Ipv6Family Family(string? acceptRa, string? link = "eth0") => new(
        new TestHost(new NoCloud(), TestHost.Facts()) { PrimaryLink = link },
        path => path == "net/ipv6/conf/eth0/accept_ra" ? acceptRa : null);

    private sealed class NoCloud : ICloud
    {
        public Task<byte[]> InvokeAsync(string product, string action, IReadOnlyList<KeyValuePair<string, string>> parameters, CancellationToken cancellationToken) =>
            throw new InvalidOperationException($"{action} is called, and nothing here asks the cloud");
    }
}
