using System.Globalization;
using System.Net;
using CsCheck;
using Terway.Lab.Cloud;
using Terway.Lab.Cloud.Faults;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>Random histories of pods, faults and ends of the process against a model of who holds what.</summary>
public sealed class PoolPropertyTests
{
    private const int Cooldown = 60;

    // A few in each run; TERWAY_POOL_HISTORIES for a long one.
    private static readonly int s_histories =
        int.TryParse(Environment.GetEnvironmentVariable("TERWAY_POOL_HISTORIES"), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 6;

    private static readonly string[] s_apis =
    [
        "CreateNetworkInterface", "AttachNetworkInterface", "DetachNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces",
        "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses", "DescribeVSwitches",
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Random_history_never_shares_an_address_and_never_leaks(bool prefixes)
    {
        // One after the other and awaited here: a generator that runs them itself keeps threads, and the clock waits for threads to be at rest.
        var gen = Gen.Select(Gen.Int[0, 9], Gen.Int[1, 12], Gen.Int[0, 1_000_000]).Array[8, 25];
        for (var i = 0; i < s_histories; i++)
        {
            var history = gen.Single();
            try
            {
                await RunAsync(history, prefixes);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"history [{string.Join(", ", history)}]: {e.Message}", e);
            }
        }
    }

    /// <summary>Found by the one above: a cooled address on an ENI that could not be had woke the worker every millisecond while pods waited.</summary>
    [Fact]
    public Task Worker_sleeps_while_pods_wait_for_an_eni_that_cannot_be_had() => RunAsync(
        [
            (7, 3, 408157), (7, 6, 713716), (4, 11, 317577), (1, 10, 594356), (6, 11, 791868), (6, 9, 184697), (6, 12, 261988), (3, 12, 514355),
            (8, 8, 943585), (3, 2, 53677), (9, 11, 989590), (6, 5, 355923), (0, 12, 186957), (1, 11, 134788),
            (6, 8, 648911), (6, 12, 792553), (9, 11, 538981), (0, 8, 746586), (5, 7, 945369), (3, 3, 962477), (7, 10, 181273), (6, 10, 205987),
            (4, 12, 887903), (5, 8, 350737), (1, 8, 73710),
        ],
        prefixes: false);

    private static async Task RunAsync((int Kind, int Amount, int Seed)[] history, bool prefixes)
    {
        await using var node = await TestNode.CreateAsync(
            $$"""
            {"vswitches": {"cn-hangzhou-i": ["vsw-tiny", "vsw-pods"]}, "min_pool_size": 2, "max_pool_size": 6, "ip_pool_sync_period": "40s",
             "ip_cooldown": {{Cooldown}}, "ip_wait_timeout": 20, "vswitch_selection_policy": "ordered", "enable_ip_prefix": {{(prefixes ? "true" : "false")}}}
            """,
            "ecs.g7.large", attach: TimeSpan.FromSeconds(1));
        var live = new List<Allocation>();
        var released = new Dictionary<IPAddress, DateTimeOffset>();
        await node.StartAsync();
        foreach (var (kind, amount, seed) in history)
        {
            var random = new Random(seed);
            switch (kind)
            {
                case <= 2:
                    await AllocateAsync(node, amount, live, released);
                    break;
                case <= 4:
                    Release(node, amount, live, released, random);
                    break;
                case 5:
                    await node.PassAsync(TimeSpan.FromSeconds(amount * 15));
                    break;
                case 6:
                    node.Faults.Add(Fault(random, amount));
                    break;
                case 7:
                    await node.RestartAsync(live, released);
                    break;
                case 8:
                    await DieAsync(node, amount, live, released, random);
                    break;
                default:
                    var left = amount;
                    node.Store.Fault = () => --left > 6 ? (left % 2 == 0 ? "before" : "after") : null;
                    break;
            }

            Check(node, live);
        }

        // All quiet again: everything adds up, and everything can be given back.
        node.Faults.Clear();
        node.Store.Fault = null;
        Release(node, live.Count, live, released, new Random(0));
        await node.PassAsync(TimeSpan.FromMinutes(50));
        await node.SettleAsync();
        Check(node, live);
        var held = node.Secondaries.Sum(e => prefixes ? e.Ipv4Prefixes.Length * 16 : e.PrivateIps.Length);
        Assert.True(prefixes ? held == 16 : held is >= 2 and <= 6, node.Describe());
        Assert.Equal(node.Secondaries.Select(e => $"eni/{e.Id}").Order(StringComparer.Ordinal), node.Disk.Records.Keys);
        Assert.Equal(held, node.Capacity.Idle);
        Assert.Empty(node.Host.Findings);
    }

    private static async Task AllocateAsync(TestNode node, int count, List<Allocation> live, Dictionary<IPAddress, DateTimeOffset> released)
    {
        var pods = Enumerable.Range(0, count).Select(_ => node.AllocateAsync()).ToArray();
        var moves = node.Time.Moves;
        await node.UntilAsync(() => pods.All(p => p.IsCompleted), "every pod has an answer", TimeSpan.FromSeconds(25));
        Assert.InRange(node.Time.Moves - moves, 0, 1000);
        foreach (var pod in pods)
        {
            if (!pod.IsCompletedSuccessfully)
            {
                var error = Assert.IsType<PodNetworkException>(pod.Exception!.InnerException);
                Assert.True(error.CanRetry);
                continue;
            }

            var allocation = pod.Result;
            foreach (var address in allocation.Addresses)
            {
                Assert.DoesNotContain(live, l => l.Addresses.Any(a => a.Address.Equals(address.Address)));
                if (released.TryGetValue(address.Address, out var at) && node.Time.GetUtcNow() - at < TimeSpan.FromSeconds(Cooldown))
                {
                    Assert.Contains(node.Host.Reports, r => r.Path == "cooldown" && r.Finding is not null);
                }
            }

            live.Add(allocation);
        }
    }

    private static void Release(TestNode node, int count, List<Allocation> live, Dictionary<IPAddress, DateTimeOffset> released, Random random)
    {
        for (var i = 0; i < count && live.Count > 0; i++)
        {
            var allocation = live[random.Next(live.Count)];
            live.Remove(allocation);
            foreach (var address in allocation.Addresses)
            {
                released[address.Address] = node.Time.GetUtcNow();
            }

            node.Plugin.Release(allocation, used: true);
        }
    }

    private static FaultRule Fault(Random random, int amount)
    {
        var api = s_apis[random.Next(s_apis.Length)];
        return random.Next(5) switch
        {
            0 => new() { Kind = FaultKind.LostAnswer, Api = api, Next = amount },
            1 => new() { Kind = FaultKind.Unreachable, Api = api, Next = amount },
            2 => new() { Kind = FaultKind.AttachRollback, Next = 1 },
            3 => new() { Kind = FaultKind.Error, Api = api, Code = "InternalError", Status = 500, Next = amount },
            _ => new() { Kind = FaultKind.Error, Api = api, Code = "Operation.Conflict", Status = 409, Next = amount },
        };
    }

    private static async Task DieAsync(TestNode node, int amount, List<Allocation> live, Dictionary<IPAddress, DateTimeOffset> released, Random random)
    {
        // A life that ends in the middle of things; pods that had an answer by then keep what they got.
        await node.RunAsync(node.Plugin.StopAsync(default));
        node.Begin(new CrashPoint { At = 1 + random.Next(12), After = random.Next(2) == 0 });
        var start = node.LaunchAsync(live, released);
        await node.UntilAsync(() => start.IsCompleted || node.Crash.Dead, "started");
        if (start.IsCompleted)
        {
            var pods = Enumerable.Range(0, amount).Select(_ => node.AllocateAsync()).ToArray();
            await node.UntilAsync(() => pods.All(p => p.IsCompleted) || node.Crash.Dead, "dead or done", TimeSpan.FromSeconds(25));
            live.AddRange(pods.Where(p => p.IsCompletedSuccessfully).Select(p => p.Result));
        }

        await node.RunAsync(node.Plugin.StopAsync(default));
        node.Begin(new CrashPoint());
        await node.StartAsync(live, released);
    }

    private static void Check(TestNode node, List<Allocation> live)
    {
        Assert.Equal(live.Count, node.Capacity.InUse);
        Assert.Equal(live.Count, live.Select(l => l.Addresses[0].Address).Distinct().Count());
        Assert.True(node.Secondaries.Count <= 2, node.Describe());
        Assert.Empty(node.Region.Troubles);
        foreach (var allocation in live)
        {
            var eni = Assert.Single(node.Secondaries, e => e.Id == allocation.EniId);
            Assert.Contains(eni.Sources, s => s.Contains(allocation.Addresses[0].Address));
            Assert.Equal(EniStatus.InUse, eni.Status);
        }
    }
}
