using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;

namespace Terway.Lab.Chaos.Points;

/// <summary>
/// Ends the daemon at every step it takes. First every scenario is run once while the daemon writes down which points it passes; then once more for
/// each of them, with a daemon that kills itself there, is started again, and must bring everything to the same end.
/// </summary>
public sealed class PointRun(PointOptions options, TextWriter progress)
{
    /// <summary>Idle addresses that a pool keeps: fewer than there are ENIs at most, so that one has to go.</summary>
    internal const int IdlePool = 1;

    private const int Retries = 3;

    // So many say enough.
    private const int MaxFailures = 10;

    private static readonly TimeSpan s_caseLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    // Two secondary ENIs with six addresses each: eight pods need both.
    private static readonly NodeConfig s_node =
        new() { Name = "peer", InstanceType = "ecs.g7.large", VSwitchId = "vsw-lab-nodes", SecurityGroupIds = ["sg-lab-cluster"] };

    private static readonly LabConfig s_region = LabConfig.DualStack with
    {
        Nodes = [s_node with { Ipv6AddressCount = 1 }],
        Delays = DelayConfig.None with { Attach = TimeSpan.FromMilliseconds(20), Detach = TimeSpan.FromMilliseconds(20) },
    };

    // Seven secondary ENIs, each a pod's: the smallest type that may join.
    private const string ExclusiveType = "ecs.g7.4xlarge";

    private static readonly string s_exclusiveConf = Quick(PoolConfig.ExclusiveWith(IdlePool, IdlePool));

    private readonly string _eniConf = Quick(PoolConfig.SharedOrAccelerated(options.Accelerated, IdlePool, IdlePool));

    private readonly ConcurrentDictionary<IPAddress, string> _holders = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly ConcurrentQueue<PointCase> _unreached = new();
    private readonly ConcurrentDictionary<(CrashSpot Spot, bool LosesPower), bool> _hit = new();
    private readonly long _begin = Stopwatch.GetTimestamp();
    private int _nodes;
    private int _done;
    private int _passed;

    private static string Quick(string eniConf) => eniConf.TrimEnd().TrimEnd('}') + ", \"ip_cooldown\": 1, \"ip_pool_sync_period\": \"1s\" }";

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken ct)
    {
        var folder = options.Folder ?? Directory.CreateTempSubdirectory("terway-points-").FullName;
        var result = await RunAsync(folder, ct);
        Console.Out.WriteLine(JsonSerializer.Serialize(result, PointJson.Default.PointResult));
        if (result.Ok && options.Folder is null) Directory.Delete(folder, recursive: true);
        else if (!result.Ok) progress.WriteLine($"logs of the daemons: {folder}/nodes/*/logs");
        return result.Ok ? 0 : 1;
    }

    /// <summary>The run, with the nodes' files in <paramref name="folder"/>.</summary>
    public async Task<PointResult> RunAsync(string folder, CancellationToken ct)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"pt{Environment.ProcessId}");
        await using var lab = await RunningLab.StartAsync(s_region, id, folder, ct: ct);
        var dist = DistFolder.Find(options.Dist);
        Func<PointScenario, TerwaydOptions> daemon = scenario => dist.Options(scenario.Exclusive ? s_exclusiveConf : scenario.Dual ? PoolConfig.Dual(_eniConf) : _eniConf);

        var recorded = await RecordAsync(lab, daemon, ct);
        var cases = Choose(recorded);
        progress.WriteLine($"{Elapsed:F0} s: {recorded.Count} crashes to try at {recorded.Select(static c => c.Spot.Point).Distinct().Count()} points, {cases.Count} of them chosen");
        if (_failures.IsEmpty) await WorkAsync(lab, daemon, new ConcurrentQueue<PointCase>(cases), TryAsync, ct);
        if (options.Quick) cases = await TryOthersAsync(lab, daemon, recorded, cases, ct);
        else await TryAgainAsync(lab, daemon, ct);

        // A crash that the same point had in another scenario will do; one that no scenario of all could bring about is a hole.
        foreach (var never in options.Only is not null ? [] : cases.Select(static c => c.Kind).Distinct().Where(k => _failures.IsEmpty && !_hit.ContainsKey(k)))
            Fail($"{never.Spot}{(never.LosesPower ? " with the power" : "")}: passed while recording, reached by no crash");
        var drops = lab.Vpc.Drops().Where(static d => d.Value > 0).ToDictionary(static d => d.Key, static d => d.Value);
        if (drops.Count > 0)
            Fail($"the VPC dropped packets: {string.Join(", ", drops.Select(static d => $"{d.Value} {d.Key}"))}; the last: {string.Join("; ", lab.Vpc.LastDrops().Take(5))}");
        return new PointResult
        {
            Points = cases.Count - _unreached.Count,
            Passed = _passed,
            Distinct = cases.Select(static c => c.Spot.Point).Distinct().Count(),
            Seconds = Math.Round(Elapsed, 1),
            Failures = [.. _failures],
            Unreached = [.. _unreached.Select(static c => c.ToString())],
            VpcDrops = drops,
        };
    }

    private double Elapsed => Stopwatch.GetElapsedTime(_begin).TotalSeconds;

    private async Task<IReadOnlyList<PointCase>> RecordAsync(RunningLab lab, Func<PointScenario, TerwaydOptions> daemon, CancellationToken ct)
    {
        // A prefix of scenarios needs only those recorded; one of points may be in any.
        var named = PointScenarios.All.Where(s => options.Only is { } only && s.Name.StartsWith(only, StringComparison.Ordinal)).ToList();
        var scenarios = named.Count > 0 ? named : PointScenarios.All;
        var recorded = new ConcurrentDictionary<PointScenario, IReadOnlyList<CrashSpot>>();
        var known = new ConcurrentDictionary<string, bool>();
        await WorkAsync(
            lab, daemon, new ConcurrentQueue<PointCase>(scenarios.Select(static s => new PointCase(s, default))),
            async (node, one, token) =>
            {
                await one.Scenario.Prepare(node, token);
                node.Arm(one.Scenario.FirstEnd, null);
                await one.Scenario.Act(node, token);
                recorded[one.Scenario] = node.Passed();
                node.Disarm();
                foreach (var point in node.Known()) known[point] = true;
                await node.VerifyAsync(s_patience, token);
                return false;
            },
            ct);
        var cases = scenarios.SelectMany(s => recorded.GetValueOrDefault(s, []).Select(spot => new PointCase(s, spot))).ToList();
        var seen = cases.Select(static c => c.Spot.Point).ToHashSet();
        if (named.Count > 0) return cases;
        foreach (var missing in known.Keys.Where(k => !seen.Contains(k)).Order(StringComparer.Ordinal))
            Fail($"{missing}: no scenario passes this step of the daemon; add one to {nameof(PointScenarios)}");
        return cases;
    }

    private List<PointCase> Choose(IReadOnlyList<PointCase> recorded)
    {
        var cases = recorded.Where(c => options.Only is not { } only
            || c.Spot.Point.StartsWith(only, StringComparison.Ordinal) || c.Scenario.Name.StartsWith(only, StringComparison.Ordinal));
        if (options.Quick) cases = cases.DistinctBy(static c => c.Kind);
        return [.. cases.Where((_, i) => i % options.Every == 0)];
    }

    // A point that timing brought into one scenario while recording has its place in another: in turn, until one brings it about.
    private async Task<List<PointCase>> TryOthersAsync(
        RunningLab lab, Func<PointScenario, TerwaydOptions> daemon, IReadOnlyList<PointCase> recorded, List<PointCase> tried, CancellationToken ct)
    {
        while (_failures.IsEmpty)
        {
            var next = recorded.Where(c => tried.Exists(t => t.Kind == c.Kind) && !_hit.ContainsKey(c.Kind) && !tried.Contains(c))
                .DistinctBy(static c => c.Kind).ToList();
            if (next.Count == 0) break;
            tried = [.. tried, .. next];
            await WorkAsync(lab, daemon, new ConcurrentQueue<PointCase>(next), TryAsync, ct);
        }

        return tried;
    }

    // Whether a step comes about in a scenario can be a matter of time.
    private async Task TryAgainAsync(RunningLab lab, Func<PointScenario, TerwaydOptions> daemon, CancellationToken ct)
    {
        for (var attempt = 0; attempt < Retries && _failures.IsEmpty && !_unreached.IsEmpty; attempt++)
        {
            var again = new ConcurrentQueue<PointCase>(_unreached);
            _unreached.Clear();
            await WorkAsync(lab, daemon, again, TryAsync, ct);
        }
    }

    // False: the point was not reached.
    private async Task<bool> TryAsync(PointNode node, PointCase one, CancellationToken ct)
    {
        await one.Scenario.Prepare(node, ct);
        node.Arm(one.Scenario.FirstEnd, one.Spot.First);
        await one.Scenario.Act(node, ct);
        var fired = node.Fired;
        node.Disarm();
        await node.VerifyAsync(s_patience, ct);
        if (fired) _hit[one.Kind] = true;
        else _unreached.Enqueue(one);
        return fired;
    }

    private async Task WorkAsync(
        RunningLab lab, Func<PointScenario, TerwaydOptions> daemon, ConcurrentQueue<PointCase> queue, Func<PointNode, PointCase, CancellationToken, Task<bool>> tryAsync, CancellationToken ct) =>
        await Task.WhenAll(Enumerable.Range(0, options.Parallel).Select(_ => Task.Run(
            async () =>
            {
                PointNode? node = null;
                try
                {
                    while (_failures.Count < MaxFailures && queue.TryDequeue(out var one))
                    {
                        if (node is not null
                            && ((one.Scenario.Fresh && node.Started) || one.Scenario.LosesPower != node.LosesPower || one.Scenario.Exclusive != node.Exclusive || one.Scenario.Dual != node.Dual))
                        {
                            await node.DisposeAsync();
                            node = null;
                        }

                        node ??= await NewNodeAsync(lab, daemon, one.Scenario, ct);
                        if (await IsolatedAsync(node, one, tryAsync, ct)) Interlocked.Increment(ref _passed);
                        if (Interlocked.Increment(ref _done) % 25 == 0) progress.WriteLine($"{Elapsed:F0} s: {_done} done");
                        if (node.Problems.IsEmpty) continue;
                        // What is wrong with this node must not be blamed on the next crash.
                        await node.DisposeAsync();
                        node = null;
                    }
                }
                finally
                {
                    // Also when the run is cancelled: no daemon outlives it.
                    if (node is not null) await node.DisposeAsync();
                }
            },
            ct)));

    private async Task<bool> IsolatedAsync(PointNode node, PointCase one, Func<PointNode, PointCase, CancellationToken, Task<bool>> tryAsync, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(s_caseLimit);
        var fired = false;
        try
        {
            fired = await tryAsync(node, one, limit.Token);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            node.Problem(e is OperationCanceledException ? $"not at its end after {s_caseLimit.TotalSeconds} s: {node.Unrest}" : e.Message);
        }

        foreach (var problem in node.Problems) Fail($"{(one.Spot == default ? $"{one.Scenario.Name} without a crash" : one.ToString())} ({node.Node.Name}): {problem}");
        return fired && node.Problems.IsEmpty;
    }

    private async Task<PointNode> NewNodeAsync(RunningLab lab, Func<PointScenario, TerwaydOptions> daemon, PointScenario scenario, CancellationToken ct)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"n{Interlocked.Increment(ref _nodes)}");
        var type = scenario.Exclusive ? ExclusiveType : s_node.InstanceType;
        var node = await lab.AddNodeAsync(s_node with { Name = name, InstanceType = type, Ipv6AddressCount = scenario.Dual ? 1 : 0 }, ct);
        var disk = scenario.LosesPower
            ? await PowerDisk.CreateAsync(Path.Combine(node.Paths.Root, "disk"), [node.Paths.State, node.Paths.CniConf], lab.Ledger, ct)
            : null;
        return new PointNode(lab, node, lab.Node(s_node.Name), daemon(scenario), _holders, disk) { Exclusive = scenario.Exclusive, Dual = scenario.Dual };
    }

    private void Fail(string text)
    {
        _failures.Enqueue(text);
        progress.WriteLine($"{Elapsed:F0} s: {text}");
    }
}
