using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Pins;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>Which maps are too full, and which are only full.</summary>
public sealed class MapPressureTests
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    // Larger than what CPUs keep free for themselves, on any machine that runs this.
    private const uint Size = 65536;

    private readonly FakeHost _host = new();
    private uint _next;

    [Fact]
    public async Task A_map_that_forgets_is_counted_and_told_of_only_when_it_forgets_quickly()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var map = BpfMap.Create(BpfMapType.LruHash, 4, 4, Size);
        await using var pressure = Watch(map);
        pressure.Look(TimeSpan.Zero);
        Assert.Equal([("flows", 0L, (long)Size)], pressure.Figures);

        // Half full, whatever changes: nobody is forgotten.
        Add(map, Size / 2);
        pressure.Look(s_minute);
        Assert.Equal([("flows", (long)Size / 2, (long)Size)], pressure.Figures);
        Assert.Empty(_host.Findings);

        // Full of what nobody uses any more: each new flow takes the place of an old one, and that is what the map is for.
        Add(map, Size * 2);
        pressure.Look(s_minute);
        Assert.InRange(pressure.Figures[0].Used, Size * 9 / 10, Size);
        Add(map, Size / 100);
        pressure.Look(s_minute);
        Assert.Empty(_host.Findings);

        // A third of it within a minute: what was idle for three is forgotten.
        Add(map, Size / 3);
        pressure.Look(s_minute);
        var (path, finding) = Assert.Single(_host.Findings);
        Assert.Equal("map/flows/full", path);
        Assert.StartsWith($"the eBPF map flows is full ({Size} entries) and forgets what was not used for ", finding.Reason, StringComparison.Ordinal);
        Assert.EndsWith(" minutes: flows break", finding.Reason, StringComparison.Ordinal);
        Assert.InRange(double.Parse(finding.Reason.Split(' ')[^4], CultureInfo.InvariantCulture), 1, 5);
        Assert.Equal("raise max_flows and restart the daemon", finding.Fix);

        // It is quiet again.
        pressure.Look(s_minute);
        Assert.Empty(_host.Findings);
    }

    [Fact]
    public async Task A_plain_map_is_told_of_when_it_is_full_and_taken_back_when_there_is_room()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var map = BpfMap.Create(BpfMapType.Hash, 4, 4, 16);
        await using var pressure = Watch(map);
        Add(map, 15);
        pressure.Look(s_minute);
        Assert.Empty(_host.Findings);
        Add(map, 1);
        pressure.Look(s_minute);
        Assert.Equal("the eBPF map flows is full (16 entries): flows break", Assert.Single(_host.Findings).Value.Reason);
        Assert.True(map.Delete(0u));
        pressure.Look(s_minute);
        Assert.Empty(_host.Findings);
    }

    [Fact]
    public async Task Maps_are_counted_at_the_start_and_then_once_a_minute()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var map = BpfMap.Create(BpfMapType.LruHash, 4, 4, Size);
        var time = new TickingTime();
        Add(map, 7);
        await using var pressure = new MapPressure(new FakeHost { Time = time }, [new(map, "flows", null, "")], NullLogger.Instance);
        pressure.Start();
        Assert.True(SpinWait.SpinUntil(() => pressure.Figures.Count == 1, TimeSpan.FromSeconds(20)));
        Assert.Equal(7, pressure.Figures[0].Used);
        Assert.Equal(s_minute, Assert.Single(time.Timers).Period);
        Add(map, 5);
        Assert.Equal(7, pressure.Figures[0].Used);
        time.Timers.Single().Tick();
        Assert.True(SpinWait.SpinUntil(() => pressure.Figures[0].Used == 12, TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void A_full_map_is_counted_with_few_calls()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var map = BpfMap.Create(BpfMapType.LruHash, 40, 4, Size);
        var keys = Enumerable.Range(0, (int)Size / 2).Select(static i => new Key40 { First = (ulong)i }).ToArray();
        map.UpdateBatch<Key40, uint>(keys, new uint[keys.Length]);
        var turnover = new MapTurnover(map);
        var clock = Stopwatch.StartNew();
        Assert.Equal(((long)keys.Length, null), turnover.Look());
        var elapsed = clock.Elapsed;
        Assert.Equal(((long)keys.Length, 0.0), turnover.Look());
        TestContext.Current.SendDiagnosticMessage(string.Create(CultureInfo.InvariantCulture, $"{keys.Length} entries counted in {elapsed.TotalMilliseconds:F1} ms"));
        // Key by key it would be a system call for each: far more than this on any machine.
        Assert.InRange(elapsed.TotalSeconds, 0, 5);
    }

    private MapPressure Watch(BpfMap map) => new(_host, [new(map, "flows", "max_flows", "flows break")], NullLogger.Instance);

    private void Add(BpfMap map, uint count)
    {
        uint[] keys = [.. Enumerable.Range(0, (int)count).Select(i => _next + (uint)i)];
        _next += count;
        map.UpdateBatch<uint, uint>(keys, keys);
    }

    [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Sequential, Size = 40)]
    private struct Key40
    {
        public ulong First;
    }

    /// <summary>Time whose timers tick when they are told to.</summary>
    private sealed class TickingTime : TimeProvider
    {
        public List<TickingTimer> Timers { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new TickingTimer(() => callback(state), period);
            Timers.Add(timer);
            return timer;
        }
    }

    private sealed class TickingTimer(Action tick, TimeSpan period) : ITimer
    {
        public TimeSpan Period => period;

        public void Tick() => tick();

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => default;
    }
}
