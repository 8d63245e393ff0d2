using System.Runtime.CompilerServices;
using System.Text.Json;
using Terway.Host.Plugins;
using static Terway.Host.Tests.Plugins.PluginBench;

namespace Terway.Host.Tests.Plugins;

public sealed class PluginLifecycleTests
{
    private static readonly PluginSetOptions s_hasty = new() { Start = TimeSpan.FromSeconds(1), Health = TimeSpan.FromSeconds(20) };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Start_and_stop_go_through_all_states()
    {
        using var folder = new PluginFolder("Good");
        await using var set = await new PluginBench(folder).LoadAsync("Good");
        var seen = new List<PluginState> { set.Plugins[0].State };
        set.Changed += status => seen.Add(status.State);

        await set.StartAsync(Cancel);
        Assert.EndsWith("[start]", set.Providers[0].Role.GetCapacity().Exhausted);
        await set.StopAsync(Cancel);

        Assert.Equal([PluginState.Loaded, PluginState.Started, PluginState.Stopped], seen);
        Assert.Empty(set.Providers);
    }

    [Fact]
    public async Task Start_hangs_is_named_and_others_start()
    {
        using var folder = new PluginFolder("HangsInStart", "Good", "NeedsGood");
        await using var set = await new PluginBench(folder) { Options = s_hasty }.LoadAsync("HangsInStart", "NeedsGood");
        await set.StartAsync(Cancel);

        Assert.Equal(
            [("Good", PluginState.Started), ("HangsInStart", PluginState.Faulted), ("NeedsGood", PluginState.Started)],
            set.Plugins.Select(p => (p.Manifest.Name, p.State)));
        Assert.Equal(
            "plugin/HangsInStart/1.0.0: HangsInStart 1.0.0: StartAsync of part 'HangsInStart.Service' did not return within 1 s; "
            + "return as soon as pods can be served or will be, and do the rest in the background",
            Assert.Single(set.Blocking).ToString());
    }

    [Fact]
    public async Task Start_throws_faults_the_plugin_and_its_dependents()
    {
        using var folder = new PluginFolder("ThrowsInStart", "Good", "NeedsGood");
        folder.EditManifest("NeedsGood/1.0.0", m => m["requires"]!["ThrowsInStart"] = "1.0");
        await using var set = await new PluginBench(folder).LoadAsync("NeedsGood");
        await set.StartAsync(Cancel);

        Assert.Equal(
            [("Good", PluginState.Started), ("ThrowsInStart", PluginState.Faulted), ("NeedsGood", PluginState.Faulted)],
            set.Plugins.Select(p => (p.Manifest.Name, p.State)));
        Assert.Equal("ThrowsInStart 1.0.0: StartAsync of part 'ThrowsInStart.Service' failed: InvalidOperationException: the device is not there; "
            + "see the message; the daemon tries again when it restarts", set.Plugins[1].Reason);
        Assert.StartsWith("NeedsGood 1.0.0: requires ThrowsInStart 1.0.0, which is Faulted", set.Plugins[2].Reason);
        Assert.Empty(set.Stages);
    }

    [Fact]
    public async Task Blocking_optional_plugin_fails_does_not_block()
    {
        using var folder = new PluginFolder("ThrowsInStart", "Good");
        await using var set = await new PluginBench(folder).LoadAsync(Ask("ThrowsInStart") with { Required = false }, Ask("Good"));
        await set.StartAsync(Cancel);

        Assert.Empty(set.Blocking);
        Assert.Equal(PluginState.Faulted, set.Status.Single(s => s.Name == "ThrowsInStart").State);
    }

    [Fact]
    public async Task Load_invalid_resolution_gives_an_empty_set_that_says_why()
    {
        using var folder = new PluginFolder("Good");
        await using var set = await new PluginBench(folder).LoadAsync("God");
        await set.StartAsync(Cancel);

        Assert.Empty(set.Plugins);
        Assert.StartsWith("plugins[God]: plugin God is not installed", Assert.Single(set.Blocking).ToString());
        Assert.Equal(PluginState.Discovered, Assert.Single(set.Status).State);
    }

    [Fact]
    public async Task Status_lists_chosen_unused_and_unusable_versions()
    {
        using var folder = new PluginFolder("Good/1.0.0", "Good/2.0.0");
        folder.AddManifest("Bad/1.0.0", "{");
        await using var set = await new PluginBench(folder).LoadAsync(Ask("Good", "[1.0,2.0)"));

        Assert.Equal(
            [("Good", "1.0.0", PluginState.Loaded), ("Good", "2.0.0", PluginState.Discovered), ("Bad", "1.0.0", PluginState.Rejected)],
            set.Status.Select(s => (s.Name, s.Version, s.State)));
        Assert.Equal("listed by the pool as [1.0,2.0); 2.0.0 passed over: outside [1.0,2.0)", set.Status[0].Why);
        Assert.StartsWith("plugin.json: not valid JSON", set.Status[2].Reason);
    }

    [Fact]
    public async Task Health_moves_between_started_and_degraded()
    {
        using var folder = new PluginFolder("Good");
        var settings = JsonDocument.Parse("""{"health":"the pool is low"}""").RootElement;
        await using var set = await new PluginBench(folder) { Options = s_hasty }.LoadAsync(Ask("Good") with { Settings = settings });
        await set.StartAsync(Cancel);
        await set.CheckHealthAsync(Cancel);

        Assert.Equal((PluginState.Degraded, "the pool is low; nothing to do"), (set.Plugins[0].State, set.Plugins[0].Reason));
        Assert.Empty(set.Blocking);
        Assert.Single(set.Providers);
    }

    [Fact]
    public async Task Dispose_lets_the_load_context_be_collected()
    {
        using var folder = new PluginFolder("Good/1.0.0", "Ipv6Family", "NeedsGood");
        var set = await LoadUseAndDisposeAsync(folder);

        for (var attempt = 0; attempt < 20 && set.StillInMemory.Count > 0; attempt++)
        {
            await Task.Delay(20, Cancel);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Empty(set.StillInMemory);
    }

    [Fact]
    public async Task Dispose_disposes_parts_after_their_stop()
    {
        using var folder = new PluginFolder("Good");
        var bench = new PluginBench(folder);
        await using (var set = await bench.LoadAsync("Good"))
            await set.StartAsync(Cancel);

        Assert.Equal("start,stop", bench.Hosts["Good"].Reports["steps"]!.Reason);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<PluginSet> LoadUseAndDisposeAsync(PluginFolder folder)
    {
        var set = await new PluginBench(folder).LoadAsync("NeedsGood", "Ipv6Family");
        await set.StartAsync(Cancel);
        await set.CheckHealthAsync(Cancel);
        Assert.Equal(1, set.Providers[0].Role.GetCapacity().Total);
        await set.DisposeAsync();
        return set;
    }
}
