using System.Net;
using Xunit.Sdk;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>
/// The process ends before, or right after, each step it takes in the outside world (cloud call, record, kernel objects): the next life has to find
/// its way. The steps are counted in an undisturbed run first, so that a new step is covered by itself.
/// </summary>
public sealed class CrashTests
{
    private const string Settings =
        """{"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "min_pool_size": 2, "max_pool_size": 4, "ip_pool_sync_period": "30s", "ip_cooldown": 20}""";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Crash_at_every_step_leaks_nothing_and_gives_nothing_twice(bool dual)
    {
        var points = await RunAsync(new CrashPoint(), dual);
        Assert.InRange(points, 30, 200);

        // All points together take minutes: a sample in each run, another one each time; TERWAY_CRASH_ALL=1 for all.
        var failures = new List<string>();
        var every = Environment.GetEnvironmentVariable("TERWAY_CRASH_ALL") == "1" ? 1 : dual ? 12 : 7;
        for (var at = 1 + Random.Shared.Next(every); at <= points; at += every)
        {
            foreach (var after in new[] { false, true })
            {
                try
                {
                    await RunAsync(new CrashPoint { At = at, After = after }, dual);
                }
                catch (Exception e) when (e is XunitException or PodNetworkException or InvalidOperationException)
                {
                    failures.Add($"step {at} {(after ? "after" : "before")}: {e.Message}");
                }
            }
        }

        Assert.True(failures.Count == 0, string.Join("\n", failures));
    }

    [Fact]
    public async Task Crash_after_a_creation_the_next_life_uses_that_eni()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        node.Cloud.DieAfter = "CreateNetworkInterface";
        await StartAsync(node, [], []);
        await node.UntilAsync(() => node.Crash.Dead, "the process has ended");
        var made = Assert.Single(node.Secondaries).Id;
        await node.Plugin.StopAsync(default);

        node.Begin(new CrashPoint());
        await node.StartAsync();

        Assert.Equal(made, (await node.RunAsync(node.AllocateAsync())).EniId);
        Assert.DoesNotContain("CreateNetworkInterface", node.Cloud.Calls);
        Assert.DoesNotContain("DeleteNetworkInterface", node.Cloud.Calls);
    }

    [Fact]
    public async Task Crash_after_addresses_were_given_back_the_next_life_does_not_hand_them_out()
    {
        await using var node = await TestNode.CreateAsync(Settings);
        await node.StartAsync();
        var pods = await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 12).Select(_ => node.AllocateAsync())));
        foreach (var pod in pods[1..])
        {
            node.Plugin.Release(pod, used: false);
        }

        node.Cloud.DieAfter = "UnassignPrivateIpAddresses";
        await node.UntilAsync(() => node.Crash.Dead, "the process has ended");
        await node.Plugin.StopAsync(default);

        // The cloud cannot be asked: only the record tells.
        node.Begin(new CrashPoint());
        node.Cloud.Unreachable = true;
        await node.StartAsync([pods[0]]);
        var given = Enumerable.Range(0, node.Capacity.Idle).Select(_ => node.Plugin.AllocateAsync(node.Pod(), default)).ToArray();

        Assert.NotEmpty(given);
        Assert.All(given, g => Assert.True(g.IsCompletedSuccessfully));
        var there = node.Secondaries.SelectMany(e => e.PrivateIps).ToHashSet();
        foreach (var allocation in given)
        {
            Assert.Contains((await allocation).Addresses[0].Address, there);
        }
    }

    // Grows by creation and assignment, shrinks by both ways; the crash hits somewhere in between.
    private static async Task<int> RunAsync(CrashPoint crash, bool dual)
    {
        await using var node = await TestNode.CreateAsync(Settings, dual: dual);
        var live = new List<Allocation>();
        var released = new Dictionary<IPAddress, DateTimeOffset>();
        node.Begin(crash);
        await StartAsync(node, live, released);
        await AllocateAsync(node, live, 3);
        await AllocateAsync(node, live, 20);
        await ReleaseAsync(node, live, released, 18);
        await PassAsync(node, TimeSpan.FromSeconds(100));
        await AllocateAsync(node, live, 5);
        await PassAsync(node, TimeSpan.FromSeconds(40));
        var steps = crash.Steps;

        // How things interleave differs a little: a point beyond the last step is none.
        crash.At = int.MaxValue;
        if (crash.Dead)
        {
            // The kernel takes the process away; what it had begun in the cloud goes on.
            await node.Plugin.StopAsync(default);
            node.Begin(new CrashPoint());
            await node.StartAsync(live, released);
        }

        await AllocateAsync(node, live, 23 - live.Count);
        Assert.Equal(23, live.Count);
        await CheckAsync(node, live);
        await ReleaseAsync(node, live, released, 23);
        await node.PassAsync(TimeSpan.FromMinutes(5));
        await CheckAsync(node, live);
        Assert.Single(node.Secondaries);
        Assert.Equal(4, node.Secondaries.Sum(e => e.PrivateIps.Length));
        Assert.Equal(dual ? 4 : 0, node.Secondaries.Sum(e => e.Ipv6Addresses.Length));
        return steps;
    }

    private static async Task CheckAsync(TestNode node, List<Allocation> live)
    {
        await node.PassAsync(TimeSpan.FromMinutes(2));
        await node.SettleAsync();
        var there = node.Secondaries.ToDictionary(e => e.Id);
        Assert.All(live, l => Assert.All(l.Addresses, a => Assert.Contains(a.Address, there[l.EniId].PrivateIps.Concat(there[l.EniId].Ipv6Addresses))));
        Assert.Equal(live.Count * live.FirstOrDefault()?.Addresses.Count ?? 0, live.SelectMany(l => l.Addresses).Select(a => a.Address).Distinct().Count());

        // State, kernel and cloud agree.
        var records = there.Keys.Select(id => $"eni/{id}").Order(StringComparer.Ordinal).ToArray();
        Assert.Equal(records, node.Disk.Records.Keys);
        Assert.Equal([.. records, "node"], node.Disk.NodeObjects.Keys);
        var capacity = node.Capacity;
        Assert.Equal(live.Count, capacity.InUse);
        var pairs = node.Secondaries.Sum(e => node.Host.Families.Count == 1 ? e.PrivateIps.Length : Math.Min(e.PrivateIps.Length, e.Ipv6Addresses.Length));
        Assert.Equal(pairs, capacity.InUse + capacity.Idle + capacity.CoolingDown);
    }

    private static async Task StartAsync(TestNode node, List<Allocation> live, Dictionary<IPAddress, DateTimeOffset> released)
    {
        var start = node.LaunchAsync(live, released);
        await node.UntilAsync(() => start.IsCompleted || node.Crash.Dead, "started");
    }

    private static async Task AllocateAsync(TestNode node, List<Allocation> live, int count)
    {
        if (node.Crash.Dead)
        {
            return;
        }

        var pods = Enumerable.Range(0, count).Select(_ => node.AllocateAsync()).ToArray();
        await node.UntilAsync(() => pods.All(p => p.IsCompleted) || node.Crash.Dead, $"{count} pods have addresses");

        // The host journals what it was given; a crash takes back nothing of that.
        live.AddRange(pods.Where(p => p.IsCompletedSuccessfully).Select(p => p.Result));
        if (!node.Crash.Dead)
        {
            Assert.Equal([], pods.Where(p => p.IsFaulted).Select(p => p.Exception!.InnerException!.Message).Distinct());
        }
    }

    private static async Task ReleaseAsync(
        TestNode node, List<Allocation> live, Dictionary<IPAddress, DateTimeOffset> released, int count)
    {
        if (node.Crash.Dead)
        {
            return;
        }

        foreach (var allocation in live.Take(count).ToArray())
        {
            live.Remove(allocation);
            foreach (var address in allocation.Addresses)
            {
                released[address.Address] = node.Time.GetUtcNow();
            }

            node.Plugin.Release(allocation, used: true);
        }

        await Task.CompletedTask;
    }

    private static Task PassAsync(TestNode node, TimeSpan duration)
    {
        var end = node.Time.GetUtcNow() + duration;
        return node.UntilAsync(() => node.Crash.Dead || node.Time.GetUtcNow() >= end, "time passes", duration + TimeSpan.FromSeconds(1));
    }
}
