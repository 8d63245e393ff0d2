using System.Diagnostics;
using System.Net;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Cluster;
using Terway.Lab.Probing;
using Terway.Lab.Runtime;

namespace Terway.EndToEnd.Tests;

/// <summary>A node whose cloud API and metadata service cannot be reached.</summary>
public sealed class CloudDownTests
{
    private const int TryAgainLater = 11;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pool_hits_are_served_as_fast_as_ever_also_after_a_restart_and_the_pool_grows_again_by_itself()
    {
        await using var one = await OneNode.StartAsync(Token, eniConf: PoolConfig.SharedWith(minPool: 30, maxPool: 40).TrimEnd().TrimEnd('}') + ", \"ip_wait_timeout\": 3}");
        await UntilAsync(async () => (await StatusAsync(one)).Idle >= 30, "the pool is warm");
        var before = await AddAsync(one, "before", 10);

        var faults = one.Lab.Cloud.Region.Faults;
        faults.Add(new FaultRule { Kind = FaultKind.Unreachable, Api = "*" });
        faults.Add(new FaultRule { Kind = FaultKind.Unreachable, Api = "metadata" });
        var during = await AddAsync(one, "during", 10);
        await one.Cluster.Daemon(one.Node).KillAsync(Token);
        await one.Cluster.StartDaemonAsync(one.Node, Token);
        var after = await AddAsync(one, "restarted", 5);

        Assert.True(Median(during) <= Median(before) * 3, $"ADD takes {Median(during):F1} ms while the cloud is down, {Median(before):F1} ms before");
        foreach (var pod in one.Cluster.Pods)
        {
            var probe = await Probe.TcpAsync(one.Lab.Namespaces.Thread, one.Node.NetNs, new IPEndPoint(pod.Address, EchoServer.DefaultPort), TimeSpan.FromSeconds(5), ct: Token);
            Assert.True(probe.Ok, $"{pod.Name}: {probe.Error}");
        }

        // Beyond what the pool holds a pod is refused with the reason, and with what happens next.
        var refused = await RefusedAsync(one);
        Assert.Equal(TryAgainLater, refused.Code);
        Assert.Contains("again", refused.Message, StringComparison.OrdinalIgnoreCase);

        faults.Clear();
        await UntilAsync(async () => (await StatusAsync(one)).Idle > 0, "the pool grew again");
        await one.Cluster.AddPodAsync(one.Node, "late", Token);
        foreach (var pod in one.Cluster.Pods) await one.Cluster.RemovePodAsync(pod.Name, Token);
        Assert.Empty((await LeakAudit.FindAsync(one.Lab, TimeSpan.FromSeconds(15), Token)).All);
        Assert.Empty(one.Lab.Vpc.LastDrops());
        TestContext.Current.TestOutputHelper?.WriteLine($"ADD before {Median(before):F1} ms, while down {Median(during):F1} ms, after a restart while down {Median(after):F1} ms");
    }

    [Fact]
    public async Task A_cloud_that_takes_calls_and_never_answers_slows_no_pool_hit_and_what_it_refuses_says_so()
    {
        await using var one = await OneNode.StartAsync(Token, eniConf: PoolConfig.SharedWith(minPool: 20, maxPool: 30).TrimEnd().TrimEnd('}') + ", \"ip_wait_timeout\": 3}");
        await UntilAsync(async () => (await StatusAsync(one)).Idle >= 20, "the pool is warm");
        var before = await AddAsync(one, "before", 10);
        await UntilAsync(async () => (await StatusAsync(one)).Idle >= 20, "the pool is warm again");

        var faults = one.Lab.Cloud.Region.Faults;
        faults.Add(new FaultRule { Kind = FaultKind.BlackHole, Api = "*" });
        faults.Add(new FaultRule { Kind = FaultKind.BlackHole, Api = "metadata" });
        var during = await AddAsync(one, "during", 10);
        await UntilAsync(() => Task.FromResult(one.Lab.Cloud.Calls.Held > 0), "the pool's call for more addresses waits for an answer");
        await one.Cluster.Daemon(one.Node).KillAsync(Token);
        await one.Cluster.StartDaemonAsync(one.Node, Token);
        var after = await AddAsync(one, "restarted", 5);
        Assert.True(Median(during) <= Median(before) * 3, $"ADD takes {Median(during):F1} ms while no call is answered, {Median(before):F1} ms before");

        // No call has failed yet, since none has ended: what is waited for, and for how long, is the reason.
        var refused = await RefusedAsync(one);
        Assert.Equal(TryAgainLater, refused.Code);
        Assert.Matches(@"cloud: no address within 3 s: .+ has been under way for \d+ s without success; .*the runtime retries the pod", refused.Message);

        faults.Clear();
        await UntilAsync(async () => (await StatusAsync(one)).Idle > 0, "the pool grew again");
        await one.Cluster.AddPodAsync(one.Node, "late", Token);
        foreach (var pod in one.Cluster.Pods) await one.Cluster.RemovePodAsync(pod.Name, Token);
        Assert.Empty((await LeakAudit.FindAsync(one.Lab, TimeSpan.FromSeconds(30), Token)).All);
        Assert.Empty(one.Lab.Vpc.LastDrops());
        TestContext.Current.TestOutputHelper?.WriteLine($"ADD before {Median(before):F1} ms, unanswered {Median(during):F1} ms, after a restart meanwhile {Median(after):F1} ms");
    }

    [Fact]
    public async Task A_clock_20_minutes_off_is_shown_and_the_node_goes_on_serving_until_it_is_right_again()
    {
        await using var one = await OneNode.StartAsync(Token, eniConf: PoolConfig.SharedWith(minPool: 2, maxPool: 4));
        await UntilAsync(async () => (await StatusAsync(one)).Idle >= 2, "the pool is warm");
        Assert.DoesNotContain(await FindingsAsync(one), static f => f.Path == "clock");

        // The whole cloud's clock: that is how a node sees its own being wrong.
        var faults = one.Lab.Cloud.Region.Faults;
        faults.Add(new FaultRule { Kind = FaultKind.ClockSkew, SkewMs = 20 * 60_000 });
        faults.Add(new FaultRule { Kind = FaultKind.ClockSkew, Api = "metadata", SkewMs = 20 * 60_000 });

        // Far beyond what the pool holds.
        await AddAsync(one, "skewed", 12);
        Assert.Contains("InvalidTimeStamp.Expired", one.Lab.Cloud.Calls.Codes.Keys);
        await UntilAsync(async () => (await FindingsAsync(one)).Any(static f => f.Path == "clock" && f.Severity == "Warning"), "the clock is shown");
        var shown = (await FindingsAsync(one)).Single(static f => f.Path == "clock");
        Assert.Contains("20 min behind", shown.Reason, StringComparison.Ordinal);
        Assert.NotEmpty(shown.Fix);

        // A restart begins with the wrong clock again.
        await one.Cluster.Daemon(one.Node).KillAsync(Token);
        await one.Cluster.StartDaemonAsync(one.Node, Token);
        await AddAsync(one, "restarted", 12);
        await UntilAsync(async () => (await FindingsAsync(one)).Any(static f => f.Path == "clock"), "the clock is shown after a restart");

        faults.Clear();
        await AddAsync(one, "right", 12);
        await UntilAsync(async () => (await FindingsAsync(one)).All(static f => f.Path != "clock"), "the clock is shown no more");
        foreach (var pod in one.Cluster.Pods) await one.Cluster.RemovePodAsync(pod.Name, Token);
        Assert.Empty((await LeakAudit.FindAsync(one.Lab, TimeSpan.FromSeconds(15), Token)).All);
        Assert.Empty(one.Lab.Vpc.LastDrops());
    }

    // Until the pool is empty.
    private static async Task<CniCallException> RefusedAsync(OneNode one)
    {
        for (var i = 0; ; i++)
        {
            try
            {
                await one.Cluster.AddPodAsync(one.Node, $"more-{i}", Token);
            }
            catch (CniCallException e)
            {
                return e;
            }

            Assert.True(i < 60, "the pool never ends");
        }
    }

    private static async Task<List<double>> AddAsync(OneNode one, string name, int count)
    {
        var times = new List<double>();
        for (var i = 0; i < count; i++)
        {
            var begun = Stopwatch.GetTimestamp();
            await one.Cluster.AddPodAsync(one.Node, $"{name}-{i}", Token);
            times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }

        return times;
    }

    private static double Median(List<double> times) => times.Order().ElementAt(times.Count / 2);

    private static async Task<Terway.Host.Api.V1.PoolStatus> StatusAsync(OneNode one) =>
        (await NodeAgent.StatusAsync(one.Node.Paths.Run, Token)).Pools.Single();

    private static async Task<IReadOnlyList<Terway.Host.Api.V1.Finding>> FindingsAsync(OneNode one) =>
        (await NodeAgent.StatusAsync(one.Node.Paths.Run, Token)).Findings;

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        for (var begun = Stopwatch.StartNew(); !await condition();)
        {
            Assert.True(begun.Elapsed < TimeSpan.FromSeconds(60), $"not reached: {what}");
            await Task.Delay(100, Token);
        }
    }
}
