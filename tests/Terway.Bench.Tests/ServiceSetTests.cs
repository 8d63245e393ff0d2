using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Terway.Bench.Datapath.Services;

namespace Terway.Bench.Tests;

/// <summary>Manifests and rules are made for the same Services.</summary>
public sealed class ServiceSetTests
{
    private static ServiceSet Set(AddressFamily family) => new(family, 3, family == AddressFamily.InterNetwork ? IPAddress.Parse("10.0.16.5") : IPAddress.Parse("2001:db8::5"));

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public void Every_service_has_ten_backends_and_only_the_measured_one_leads_to_the_server(AddressFamily family)
    {
        var set = Set(family);
        Assert.Equal(set.AddressOf(1), set.Target.Address);
        Assert.All(Enumerable.Range(0, 3), i => Assert.Equal(10, set.BackendsOf(i).Distinct().Count()));
        Assert.All(set.BackendsOf(1), b => Assert.Equal(set.Server, b.Address));
        Assert.DoesNotContain(set.BackendsOf(0).Concat(set.BackendsOf(2)), b => b.Address.Equals(set.Server));
    }

    [Fact]
    public void Manifests_have_a_slice_for_each_port()
    {
        var items = JsonNode.Parse(ServiceManifests.Write(Set(AddressFamily.InterNetwork)))!["items"]!.AsArray();
        Assert.Equal(3, items.Count(static i => (string)i!["kind"]! == "Service"));
        // One for each of the other two Services, and ten.
        Assert.Equal(12, items.Count(static i => (string)i!["kind"]! == "EndpointSlice"));
        var backends = items.Where(static i => (string)i!["kind"]! == "EndpointSlice").Sum(static i => i!["endpoints"]!.AsArray().Count);
        Assert.Equal(30, backends);
        // The measured one has both protocols, and so do its slices.
        Assert.Equal(["TCP", "TCP,UDP", "TCP"], items.Where(static i => (string)i!["kind"]! == "Service").Select(static i => Protocols(i!["spec"]!)));
        Assert.Equal(10, items.Where(static i => (string)i!["kind"]! == "EndpointSlice").Count(static i => Protocols(i!) == "TCP,UDP"));

        static string Protocols(JsonNode of) => string.Join(',', of["ports"]!.AsArray().Select(static p => (string)p!["protocol"]!));
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork, "10.0.16.5/32", "10.0.16.5:7103")]
    [InlineData(AddressFamily.InterNetworkV6, "2001:db8::5/128", "[2001:db8::5]:7103")]
    public void Rules_choose_each_endpoint_with_the_same_chance(AddressFamily family, string source, string destination)
    {
        var lines = KubeProxyRules.Write(Set(family)).Split('\n');
        Assert.Equal("*nat", lines[0]);
        Assert.Equal(["COMMIT", ""], lines[^2..]);
        Assert.Equal(4, lines.Count(static l => l.StartsWith("-A KUBE-SERVICES -d ", StringComparison.Ordinal)));
        foreach (var protocol in (string[])["tcp", "udp"])
            Assert.Single(lines, l => l.EndsWith($"-m {protocol} -j DNAT --to-destination {destination}", StringComparison.Ordinal));
        Assert.Equal(20, lines.Count(l => l.Contains($" -s {source} ", StringComparison.Ordinal) && l.EndsWith("-j KUBE-MARK-MASQ", StringComparison.Ordinal)));

        var service = lines.First(static l => l.StartsWith("-A KUBE-SERVICES -d ", StringComparison.Ordinal)).Split(' ')[^1];
        var left = 1.0;
        foreach (var chain in lines.Where(l => l.StartsWith($"-A {service} ", StringComparison.Ordinal) && l.Contains("KUBE-SEP-", StringComparison.Ordinal)))
        {
            var parts = chain.Split(' ');
            var at = Array.IndexOf(parts, "--probability");
            var taken = left * (at < 0 ? 1 : double.Parse(parts[at + 1], System.Globalization.CultureInfo.InvariantCulture));
            Assert.Equal(0.1, taken, 6);
            left -= taken;
        }

        Assert.Equal(0, left, 6);
        // The kernel takes 28 letters.
        Assert.All(lines.Where(static l => l.StartsWith(':')), static l => Assert.InRange(l.Split(' ')[0].Length - 1, 1, 28));
    }
}
