using System.Net.Sockets;
using System.Text.Json;
using Terway.Linux;
using Terway.Linux.Netlink;
using Terway.Plugins.DataPathV2.Configuration;
using Terway.Plugins.DataPathV2.Datapath;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>How limits are kept: decided for the node, and planned for a pod.</summary>
public sealed class BandwidthTests
{
    private const long Egress = 1_000_000;
    private const long Ingress = 2_000_000;

    private static readonly IAddressFamily[] s_families = [new PlanFamily(AddressFamily.InterNetwork), new PlanFamily(AddressFamily.InterNetworkV6)];
    private static readonly Attachment s_limited = DatapathBox.PodAttachment(1, ingress: Ingress, egress: Egress);

    private readonly Dictionary<string, Finding> _findings = [];

    [Theory]
    [InlineData("""{}""", true, true)]
    [InlineData("""{"bandwidth_mode": "auto"}""", true, true)]
    [InlineData("""{"bandwidth_mode": "auto"}""", false, false)]
    [InlineData("""{"bandwidth_mode": "edt"}""", true, true)]
    [InlineData("""{"bandwidth_mode": "tbf"}""", true, false)]
    public void The_kernel_decides_where_the_pool_leaves_it_to_it(string settings, bool hasFairQueue, bool byTime)
    {
        Assert.Equal(byTime, Choose(settings, () => hasFairQueue).IsByTime);
        Assert.Empty(_findings);
    }

    [Fact]
    public void Departure_times_that_the_kernel_cannot_keep_are_reported_and_token_buckets_used()
    {
        Assert.False(Choose("""{"bandwidth_mode": "edt"}""", static () => false).IsByTime);
        var finding = _findings["bandwidth"];
        Assert.Equal(FindingSeverity.Warning, finding.Severity);
        Assert.Contains("the kernel has no fair queue (sch_fq)", finding.Reason, StringComparison.Ordinal);
        Assert.Contains("CONFIG_NET_SCH_FQ", finding.Fix, StringComparison.Ordinal);

        // And no more, once the module is there.
        Assert.True(Choose("""{"bandwidth_mode": "edt"}""", static () => true).IsByTime);
        Assert.Empty(_findings);
    }

    [Fact]
    public void A_kernel_that_cannot_be_asked_is_taken_for_one_without()
    {
        static bool Refused() => throw new LinuxException(Errno.EPERM, "create network namespace");
        Assert.False(Choose("{}", Refused).IsByTime);
        Assert.Empty(_findings);
        Assert.False(Choose("""{"bandwidth_mode": "edt"}""", Refused).IsByTime);
        Assert.Contains("EPERM", _findings["bandwidth"].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_need_the_kernel_is_not_asked() =>
        Assert.False(Choose("""{"bandwidth_mode": "tbf"}""", static () => throw new InvalidOperationException("asked")).IsByTime);

    [Theory]
    [InlineData("""{"bandwidth_mode": "EDT"}""")]
    [InlineData("""{"bandwidth_mode": true}""")]
    public void Another_mode_is_refused_with_the_key(string settings) => Assert.Contains(
        "$.bandwidth_mode", Assert.Throws<PodNetworkException>(() => Choose(settings, static () => true)).Message, StringComparison.Ordinal);

    [Fact]
    public void By_departure_times_a_pod_has_a_fair_queue_and_entries_and_no_token_bucket()
    {
        var plan = AcceleratedPlan.Of(s_limited, s_families, ByTime(RootQueue.Default));
        Assert.Empty(plan.OfType<KernelObject.TokenBucket>());
        Assert.Equal("cali1", Assert.Single(plan.OfType<KernelObject.FairQueue>()).LinkName);
        var entries = plan.OfType<KernelObject.MapEntry>().ToList();
        // 1,000,000 is 0x0f4240, 2,000,000 is 0x1e8480; the host writes the link's index behind them.
        const string value = "40420f0000000000" + "80841e0000000000" + "00000000" + "00000000";
        Assert.Equal(
            [
                new("datapath-v1/dp_limits", "00000000000000000000ffff0a00010b", value, "cali1", 16),
                new("datapath-v1/dp_limits", "fd000001000000000000000000000011", value, "cali1", 16),
            ],
            entries.Where(static e => e.Map == "datapath-v1/dp_limits"));
        // Both flags: its link's queue, and its own departure times.
        Assert.All(entries.Where(static e => e.Map.Contains("pods", StringComparison.Ordinal)), static e => Assert.EndsWith("0300", e.Value, StringComparison.Ordinal));
        // No packet finds the mark without what it stands for.
        Assert.True(entries.FindLastIndex(static e => e.Map == "datapath-v1/dp_limits") < entries.FindIndex(static e => e.Map == "datapath-v1/dp_pods4"));
    }

    [Fact]
    public void A_pod_without_limits_has_the_queue_for_what_limited_ones_send_to_it_and_no_more()
    {
        var plan = AcceleratedPlan.Of(DatapathBox.PodAttachment(2), s_families, ByTime(RootQueue.Default));
        Assert.Equal("cali2", Assert.Single(plan.OfType<KernelObject.FairQueue>()).LinkName);
        Assert.DoesNotContain(plan.OfType<KernelObject.MapEntry>(), static e => e.Map == "datapath-v1/dp_limits");
        Assert.All(plan.OfType<KernelObject.MapEntry>(), static e => Assert.EndsWith("0000", e.Value, StringComparison.Ordinal));
    }

    [Fact]
    public void By_token_buckets_all_is_as_without_departure_times()
    {
        var plan = AcceleratedPlan.Of(s_limited, s_families, Pacing.None);
        Assert.Empty(plan.OfType<KernelObject.FairQueue>());
        Assert.Equal(
            [("cali1", Ingress, false), ("eth0", Egress, true)],
            plan.OfType<KernelObject.TokenBucket>().Select(static b => (b.LinkName, b.BytesPerSecond, b.InPod)));
        Assert.DoesNotContain(plan.OfType<KernelObject.MapEntry>(), static e => e.Map == "datapath-v1/dp_limits");
    }

    [Fact]
    public void On_an_eni_with_somebodys_own_queue_a_token_bucket_in_the_pod_keeps_the_egress_limit()
    {
        var plan = AcceleratedPlan.Of(s_limited, s_families, ByTime(RootQueue.Foreign));
        Assert.Equal(
            [("eth0", Egress, true)], plan.OfType<KernelObject.TokenBucket>().Select(static b => (b.LinkName, b.BytesPerSecond, b.InPod)));
        Assert.All(
            plan.OfType<KernelObject.MapEntry>().Where(static e => e.Map == "datapath-v1/dp_limits"),
            static e => Assert.StartsWith("0000000000000000" + "80841e0000000000", e.Value, StringComparison.Ordinal));
        Assert.All(
            plan.OfType<KernelObject.MapEntry>().Where(static e => e.Map.Contains("pods", StringComparison.Ordinal)),
            static e => Assert.EndsWith("0100", e.Value, StringComparison.Ordinal));
        var finding = _findings[$"bandwidth/{DatapathBox.EniMac}"];
        Assert.Contains("link eth1 has the queueing discipline htb", finding.Reason, StringComparison.Ordinal);
        Assert.Contains("tc qdisc del dev eth1 root", finding.Fix, StringComparison.Ordinal);

        // Nobody is asked for a pod that sends without a limit, and what is well again is reported no more.
        AcceleratedPlan.Of(DatapathBox.PodAttachment(1, ingress: Ingress), s_families, new(byTime: true, static _ => throw new InvalidOperationException("asked"), Report));
        AcceleratedPlan.Of(s_limited, s_families, ByTime(RootQueue.Fair));
        Assert.Empty(_findings);
    }

    private Pacing ByTime(RootQueue eni) => new(byTime: true, _ => (eni, "htb"), Report);

    private Pacing Choose(string settings, Func<bool> isInKernel) =>
        Pacing.Choose(DatapathSettings.Read(JsonDocument.Parse(settings).RootElement).Bandwidth, isInKernel, Report);

    private void Report(string path, Finding? finding)
    {
        if (finding is null) _findings.Remove(path);
        else _findings[path] = finding;
    }
}
