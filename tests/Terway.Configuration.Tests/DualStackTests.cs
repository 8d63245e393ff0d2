using System.Net;
using Terway.AlibabaCloud.Network;
using Terway.Configuration.Validation;
using Terway.Plugin;

namespace Terway.Configuration.Tests;

/// <summary>What dual stack needs: each lack is a finding of its own that names the way out.</summary>
public sealed class DualStackTests
{
    [Theory]
    [InlineData("v1.21.14", null, "Kubernetes 1.21", "upgrade the cluster to 1.22")]
    [InlineData("1.20+", null, "Kubernetes 1.20", "upgrade the cluster to 1.22")]
    [InlineData(null, "fd00::1", "fd00::1", "IPv4")]
    public void Cluster_that_cannot_have_it_is_named(string? kubernetes, string? controlPlane, string reason, string fix)
    {
        foreach (var (json, path) in ((string, string)[])
        [
            ("""{"ip_stack": "dual"}""", "$.ip_stack"),
            ("""{"plugins": [{"name": "SharedEni"}, {"name": "IPv6DualStack"}]}""", "$.plugins[1]"),
        ])
        {
            var finding = Assert.Single(Findings(json, kubernetes, controlPlane), static f => f.Finding.Severity == FindingSeverity.Error);
            Assert.Equal(path, finding.Path);
            Assert.Contains(reason, finding.Finding.Reason, StringComparison.Ordinal);
            Assert.Contains(fix, finding.Finding.Fix, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("v1.22.0", "172.16.0.1")]
    [InlineData("1.31", "::ffff:172.16.0.1")]
    [InlineData("2.0", null)]
    [InlineData(null, null)]
    public void Cluster_that_can_have_it_or_is_not_known_has_no_finding(string? kubernetes, string? controlPlane) =>
        Assert.DoesNotContain(Findings("""{"ip_stack": "dual"}""", kubernetes, controlPlane), static f => f.Finding.Severity == FindingSeverity.Error);

    [Fact]
    public void Nobody_asks_that_of_a_single_stack_pool() =>
        Assert.DoesNotContain(Findings("""{"enable_erdma": false}""", "1.20", "fd00::1"), static f => f.Finding.Severity == FindingSeverity.Error);

    [Fact]
    public void Every_lack_is_told_at_once()
    {
        var type = new InstanceTypeLimits { InstanceTypeId = "t", EniQuantity = 8, EniTotalQuantity = 8, EniPrivateIpAddressQuantity = 30, EniIpv6AddressQuantity = 1 };
        var findings = Check.Findings(
            """{"ip_stack": "dual", "enable_erdma": true}""", new ValidationContext { InstanceType = type, Kubernetes = new Version(1, 20), ControlPlane = IPAddress.IPv6Loopback });

        Assert.Equal(4, findings.Count(static f => f.Finding.Severity == FindingSeverity.Error && f.Path == "$.ip_stack"));
    }

    [Theory]
    [InlineData("v1.28.3-aliyun.1", "1.28")]
    [InlineData("1.22+", "1.22")]
    [InlineData("1.9.3", "1.9")]
    [InlineData("1", null)]
    [InlineData("latest", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void Kubernetes_version_is_read_as_kubernetes_writes_it(string? text, string? expected) =>
        Assert.Equal(expected, DualStackChecks.ParseKubernetes(text)?.ToString());

    private static IReadOnlyList<ConfigFinding> Findings(string json, string? kubernetes, string? controlPlane) => Check.Findings(
        json, new ValidationContext { Kubernetes = DualStackChecks.ParseKubernetes(kubernetes), ControlPlane = DualStackChecks.ParseControlPlane(controlPlane) });
}
