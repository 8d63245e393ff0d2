using System.Net;
using Microsoft.Extensions.Time.Testing;
using Terway.Lab.Cloud.Faults;

namespace Terway.Plugins.IPv6DualStack.Tests;

/// <summary>What node and cloud lack for dual stack: each a finding of its own, with the way out.</summary>
public sealed class PreconditionTests
{
    private const string Pods = """{"vswitches": {"cn-hangzhou-i": ["vsw-lab-pods"]}}""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Node_and_cloud_as_they_must_be_have_no_finding_and_are_asked_once()
    {
        await using var cloud = await TestCloud.StartAsync();
        var host = new TestHost(cloud, TestHost.Facts(cloud.Instance.Id), Pods);
        await using var service = new DualStackService(host, static _ => "0");

        await service.StartAsync(Token);
        await service.Checked.WaitAsync(Token);

        Assert.Null(service.Health);
        Assert.Empty(host.Findings);
        Assert.Equal(["DescribeVSwitches", "DescribeNetworkInterfaces"], cloud.Calls);
    }

    [Theory]
    [InlineData("""{"vswitches": {"cn-hangzhou-i": ["vsw-v4"]}}""", "Error")]
    [InlineData("""{"vswitches": {"cn-hangzhou-i": ["vsw-v4", "vsw-lab-pods"]}}""", "Warning")]
    public async Task VSwitch_without_ipv6_is_named_and_is_an_error_when_it_is_the_only_one(string settings, string severity)
    {
        await using var cloud = await TestCloud.StartAsync();
        var host = new TestHost(cloud, TestHost.Facts(cloud.Instance.Id), settings);
        await using var service = new DualStackService(host, static _ => "0");

        await service.StartAsync(Token);
        await UntilAsync(() => host.Findings.Count > 0);

        var finding = Assert.Single(host.Findings);
        Assert.Equal("vswitch/vsw-v4", finding.Key);
        Assert.Equal(severity, finding.Value.Severity.ToString());
        Assert.Contains("vsw-v4 has no IPv6 CIDR", finding.Value.Reason, StringComparison.Ordinal);
        Assert.Contains("turn on IPv6", finding.Value.Fix, StringComparison.Ordinal);
        Assert.Equal(finding.Value, service.Health);
    }

    [Fact]
    public async Task Erdma_eni_is_named_and_the_finding_goes_with_it_without_a_restart()
    {
        await using var cloud = await TestCloud.StartAsync();
        var (id, _) = await cloud.CreateAsync([new("NetworkInterfaceTrafficMode", "HighPerformance")]);
        await cloud.AttachAsync(id);
        var time = new FakeTimeProvider();
        var host = new TestHost(cloud, TestHost.Facts(cloud.Instance.Id), Pods, time);
        await using var service = new DualStackService(host, static _ => "0");

        await service.StartAsync(Token);
        await UntilAsync(() => host.Findings.Count > 0);
        Assert.Equal([$"eni/{id}"], host.Findings.Keys);
        Assert.Contains("eRDMA", service.Health!.Reason, StringComparison.Ordinal);

        await cloud.InvokeAsync("ecs", "DetachNetworkInterface", [new("RegionId", "cn-hangzhou"), new("NetworkInterfaceId", id), new("InstanceId", cloud.Instance.Id)], Token);
        await UntilAsync(() => cloud.Eni(id).InstanceId is null);
        await UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromMinutes(1));
            return service.Checked.IsCompleted;
        });
        Assert.Null(service.Health);
        Assert.Empty(host.Findings);
    }

    [Fact]
    public async Task Cloud_that_does_not_answer_is_asked_again_and_is_no_finding_of_this_plugin()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Faults.Add(new FaultRule { Kind = FaultKind.Error, Api = "DescribeVSwitches", Next = 3 });
        var time = new FakeTimeProvider();
        var host = new TestHost(cloud, TestHost.Facts(cloud.Instance.Id), Pods, time);
        await using var service = new DualStackService(host, static _ => "0");

        await service.StartAsync(Token);
        await UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(10));
            return service.Checked.IsCompleted;
        });

        Assert.Null(service.Health);
        Assert.Empty(host.Findings);
        Assert.Equal(4, cloud.Calls.Count(static c => c == "DescribeVSwitches"));
    }

    [Fact]
    public async Task Stop_ends_the_looking()
    {
        await using var cloud = await TestCloud.StartAsync();
        var host = new TestHost(cloud, TestHost.Facts(cloud.Instance.Id), """{"vswitches": {"cn-hangzhou-i": ["vsw-v4"]}}""");
        await using var service = new DualStackService(host, static _ => "0");
        await service.StartAsync(Token);
        await UntilAsync(() => host.Findings.Count > 0);

        await service.StopAsync(Token);

        Assert.True(service.Checked.IsCompletedSuccessfully);
    }

    [Theory]
    [InlineData(false, 30, "10.0.0.7", "ipv6.disable=1")]
    [InlineData(true, 0, "10.0.0.7", "instance type")]
    [InlineData(true, 30, "2408:4005:1000::7", "IPv4 address")]
    public async Task Node_that_can_never_have_it_is_refused_at_start_with_the_way_out(bool kernel, int perEni, string own, string fix)
    {
        await using var cloud = await TestCloud.StartAsync();
        var host = new TestHost(cloud, TestHost.Facts(cloud.Instance.Id, perEni) with { Addresses = [IPAddress.Parse(own)] }, Pods);
        await using var service = new DualStackService(host, _ => kernel ? "0" : null);

        var error = await Assert.ThrowsAsync<PodNetworkException>(() => service.StartAsync(Token));

        Assert.Contains(fix, error.Message, StringComparison.Ordinal);
        Assert.Equal(FindingSeverity.Error, service.Health!.Severity);
        Assert.Empty(cloud.Calls);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (!condition()) await Task.Delay(5, limit.Token);
    }
}
