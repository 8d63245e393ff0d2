using Terway.Host.Tests.Fixtures;
using Terway.Plugin;

namespace Terway.Host.Tests.Node;

/// <summary>A start with another version of the datapath that attached pods have.</summary>
public sealed class PodHandoverTests
{
    private const string Next = "Fake/1.1.0";

    [Fact]
    public async Task Pods_get_what_the_new_version_plans_and_lose_what_only_the_old_one_did()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync("c1", "web");
        await host.AddAsync("c2", "db");
        await UpgradeAsync(host);
        AssertHandedOver(host);
        await host.AssertConsistentAsync("c1", "c2");
        // The journal knows it as well; and whoever goes takes all of it along.
        await host.RestartAsync("SELECT 1");
        AssertHandedOver(host);
        await host.DelAsync("c1");
        await host.DelAsync("c2");
        await host.AssertConsistentAsync();
        Assert.Empty(host.World.Objects);
    }

    [Fact]
    public async Task What_the_new_version_plans_is_there_before_the_old_is_taken_away()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync();
        await UpgradeAsync(host, at: (step, _) =>
        {
            if (step != "remove") return Task.CompletedTask;
            Assert.Contains(host.World.Objects, static o => o.Contains("Table = 1006", StringComparison.Ordinal));
            Assert.Contains(host.World.Objects, static o => o.Contains("Table = 1005", StringComparison.Ordinal));
            return Task.CompletedTask;
        });
        Assert.Contains("remove", host.Steps.Passed);
        AssertHandedOver(host);
    }

    [Fact]
    public async Task Entries_of_all_pods_are_there_before_any_other_object_of_the_new_version()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync("c1", "web");
        await host.AddAsync("c2", "db");
        var looks = 0;
        await UpgradeAsync(host, at: (_, _) =>
        {
            if (!host.World.Objects.Any(static o => o.Contains("Table = 1006", StringComparison.Ordinal))) return Task.CompletedTask;
            looks++;
            Assert.Equal(2, host.World.Objects.Count(static o => o.Contains("next/pods", StringComparison.Ordinal)));
            return Task.CompletedTask;
        }, static plan => [.. Next1006(plan), .. plan.OfType<KernelObject.Veth>().Select(static v => new KernelObject.MapEntry("next/pods", v.Name, "00"))]);
        Assert.True(looks > 0);
        AssertHandedOver(host);
        await host.AssertConsistentAsync("c1", "c2");
    }

    [Fact]
    public async Task Killed_at_any_step_the_next_start_finishes_it()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync("c1", "web");
        await host.AddAsync("c2", "db");
        for (var at = 0; ; at++)
        {
            // The same start again and again, killed one step later each time.
            host.Kill();
            var steps = 0;
            var died = new TaskCompletionSource();
            var starting = StartAsync(host, (_, _) =>
            {
                if (steps++ != at) return Task.CompletedTask;
                host.World.Kill(host.Steps);
                died.SetResult();
                return new TaskCompletionSource().Task;
            });
            if (await Task.WhenAny(starting, died.Task) != starting) continue;
            await starting;
            Assert.True(at > 3, $"the start was over after {steps} steps");
            break;
        }

        AssertHandedOver(host);
        await host.AssertConsistentAsync("c1", "c2");
    }

    [Theory]
    [InlineData("veth")]
    [InlineData("in-pod")]
    public async Task A_plan_that_would_interrupt_the_pod_is_left_for_its_next_life(string what)
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync();
        var before = host.World.Objects;
        host.Datapath.Change = plan => [.. plan.Select(o => o switch
        {
            KernelObject.Veth veth when what == "veth" => veth with { Mtu = 1400 },
            KernelObject.Address address when what == "in-pod" => address with { PrefixLength = 24 },
            _ => o,
        })];
        host.DatapathName = Next;
        await host.RestartAsync("SELECT 1");
        Assert.Equal(before, host.World.Objects);
        Assert.Equal("Fake/1.0.0", Assert.Single(host.Table.All).Record.Datapath);
        await host.AssertConsistentAsync("c1");
    }

    [Fact]
    public async Task A_version_that_is_not_in_service_or_cannot_plan_changes_nothing()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync();
        var before = host.World.Objects;
        host.DatapathInService = false;
        await UpgradeAsync(host);
        Assert.Equal(before, host.World.Objects);
        host.DatapathInService = true;
        host.Datapath.Failure = new InvalidOperationException("no");
        await host.RestartAsync("SELECT 1");
        Assert.Equal(before, host.World.Objects);
        await host.AssertConsistentAsync("c1");
    }

    [Fact]
    public async Task A_pod_whose_new_objects_cannot_be_made_keeps_the_old_ones()
    {
        await using var host = await PodHost.StartAsync();
        await host.AddAsync();
        var before = host.World.Objects;
        await UpgradeAsync(host, static (step, _) => step == "apply"
            ? throw new PodNetworkException("test", "the map is full", "raise it", canRetry: true) : Task.CompletedTask);
        Assert.Equal(before, host.World.Objects);
        // The next start, which can, does it.
        await host.RestartAsync("SELECT 1");
        AssertHandedOver(host);
        await host.AssertConsistentAsync("c1");
    }

    private static async Task UpgradeAsync(
        PodHost host, Func<string, CancellationToken, Task>? at = null, Func<IReadOnlyList<KernelObject>, IReadOnlyList<KernelObject>>? change = null)
    {
        await host.Detacher.DisposeAsync();
        await host.Store.DisposeAsync();
        await StartAsync(host, at, change);
    }

    private static Task StartAsync(
        PodHost host, Func<string, CancellationToken, Task>? at, Func<IReadOnlyList<KernelObject>, IReadOnlyList<KernelObject>>? change = null)
    {
        host.DatapathName = Next;
        host.Datapath.Change = change ?? Next1006;
        return host.StartAgainAsync(at);
    }

    private static IReadOnlyList<KernelObject> Next1006(IReadOnlyList<KernelObject> plan) =>
    [
        .. plan.Select(static o => o is KernelObject.Rule { Priority: 2048 } rule ? rule with { Table = 1006 } : o),
        .. plan.OfType<KernelObject.Rule>().Where(static r => r.Priority == 2048).Select(static r => r with { Priority = 2047, Table = 254 }),
    ];

    private static void AssertHandedOver(PodHost host)
    {
        Assert.All(host.Table.All, static a => Assert.Equal(Next, a.Record.Datapath));
        Assert.DoesNotContain(host.World.Objects, static o => o.Contains("Table = 1005", StringComparison.Ordinal));
        Assert.Equal(host.Table.Count, host.World.Objects.Count(static o => o.Contains("Table = 1006", StringComparison.Ordinal)));
    }
}
