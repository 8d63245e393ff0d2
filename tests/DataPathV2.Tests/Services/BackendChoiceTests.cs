using System.Net;
using System.Net.Sockets;
using Terway.Plugins.DataPathV2.Services;

namespace Terway.Plugins.DataPathV2.Tests.Services;

/// <summary>Who serves the clients of a node: the cases of kube-proxy's own rules.</summary>
public sealed class BackendChoiceTests
{
    private static readonly NodeView s_node = new("node-a", "zone-a", WithIpv6: true, []);

    private static readonly ServiceEndpoint s_here = Some.Endpoint("10.1.0.1") with { Node = "node-a" };
    private static readonly ServiceEndpoint s_there = Some.Endpoint("10.1.0.2") with { Node = "node-b" };

    private static ServiceEndpoint Terminating(ServiceEndpoint e, bool serving = true) => e with { Ready = false, Serving = serving, Terminating = true };

    [Fact]
    public void Ready_ones_serve_and_only_without_any_those_that_are_about_to_go()
    {
        Assert.Equal(["10.1.0.1", "10.1.0.2"], Chosen(local: false, s_there, s_here));
        Assert.Equal(["10.1.0.2"], Chosen(local: false, Terminating(s_here), s_there));
        Assert.Equal(["10.1.0.1", "10.1.0.2"], Chosen(local: false, Terminating(s_here), Terminating(s_there)));
        Assert.Equal(["10.1.0.2"], Chosen(local: false, Terminating(s_here, serving: false), Terminating(s_there)));
        // Not ready and not about to go: not started yet.
        Assert.Empty(Chosen(local: false, s_here with { Ready = false, Serving = false }, s_there with { Ready = false, Serving = true }));
    }

    [Fact]
    public void Local_means_the_node_also_among_those_that_are_about_to_go()
    {
        Assert.Equal(["10.1.0.1"], Chosen(local: true, s_here, s_there));
        Assert.Equal(["10.1.0.1"], Chosen(local: true, Terminating(s_here), s_there));
        Assert.Empty(Chosen(local: true, s_there, s_there with { Node = "" }));
    }

    [Fact]
    public void Hints_count_when_every_ready_one_has_some_and_one_is_for_the_zone()
    {
        var a = s_here with { Zones = ["zone-a"] };
        var b = s_there with { Zones = ["zone-b"] };
        Assert.Equal(["10.1.0.1"], Chosen(local: false, a, b));
        Assert.Equal(["10.1.0.1", "10.1.0.2"], Chosen(local: false, a, s_there));
        Assert.Equal(["10.1.0.2"], Chosen(local: false, Terminating(s_here), b with { Zones = ["zone-b", "zone-a"] }));
        Assert.Equal(["10.1.0.1", "10.1.0.2"], Chosen(local: false, s_here with { Zones = ["zone-c"] }, b));
        // Those that are about to go are taken wherever they are, and local ones whatever their hints.
        Assert.Equal(["10.1.0.1", "10.1.0.2"], Chosen(local: false, Terminating(a), Terminating(b)));
        Assert.Equal(["10.1.0.1"], Chosen(local: true, a with { Zones = ["zone-b"] }, b));
    }

    [Fact]
    public void Each_family_has_its_own_and_each_endpoint_counts_once()
    {
        Assert.Equal(["10.1.0.1"], Chosen(local: false, s_here, s_here, Some.Endpoint("fd00:1::1")));
        Assert.Equal(["10.1.0.1", "10.1.0.1"], Chosen(local: false, s_here, s_here with { Port = 8081 }));
    }

    [Fact]
    public void What_no_hook_sees_and_what_is_not_balanced_has_no_frontend()
    {
        var service = Some.Service([s_here], ip6: Some.Ip6) with { Ports = [new() { Protocol = "SCTP", Port = 80, Endpoints = [s_here] }] };
        Assert.Empty(ServicePlan.Of(service, s_node).Frontends);
        var single = ServicePlan.Of(Some.Service([s_here], nodePort: 30080, ip6: Some.Ip6), s_node with { WithIpv6 = false });
        Assert.All(single.Frontends.Keys, static f => Assert.Contains('.', f.ToString()));
    }

    private static string[] Chosen(bool local, params ServiceEndpoint[] endpoints) =>
        [.. BackendChoice.Choose(endpoints, AddressFamily.InterNetwork, local, s_node).Select(static b => IPEndPoint.Parse(b.ToString()).Address.ToString())];
}
