using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Runtime;

namespace Terway.Lab.Chaos;

/// <summary>
/// Pods come and go on some nodes while their daemons are killed and the cloud misbehaves at random moments. Afterwards nothing may be left, no address may ever have had two
/// pods, and every failed call must have said why.
/// </summary>
internal sealed partial class ChaosRun(ChaosOptions options, TextWriter progress)
{
    private const int TryAgainLater = 11;
    private const int MaxFindings = 20;
    private const int Attempts = 100;

    private static readonly TimeSpan s_probe = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private static readonly LabConfig s_region = LabConfig.Default with
    {
        Delays = DelayConfig.None with
        {
            Attach = TimeSpan.FromMilliseconds(200),
            Detach = TimeSpan.FromMilliseconds(100),
            Delete = TimeSpan.FromMilliseconds(50),
            Call = TimeSpan.FromMilliseconds(5),
        },
    };

    private readonly ConcurrentDictionary<IPAddress, string> _holders = new();
    private readonly ConcurrentDictionary<CniAttachment, LabNode> _attachments = new();

    // By node. Each worker has two calls under way at most: an ADD, and the DEL that overtakes it.
    private readonly ConcurrentDictionary<string, CallTurns> _turns = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _refusals = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _findings = new();
    private readonly long _begin = Stopwatch.GetTimestamp();
    private readonly PodClock _clock = new();
    private int _done;
    private int _kills;
    private int _duplicates;
    private int _unexplained;
    private int _faults;

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken ct)
    {
        var folder = options.Folder ?? Directory.CreateTempSubdirectory("terway-chaos-").FullName;
        var result = await RunAsync(folder, ct);
        Console.Out.WriteLine(JsonSerializer.Serialize(result, ChaosJson.Default.ChaosResult));
        // The daemons' logs say why: they stay when something is wrong.
        if (result.Ok && options.Folder is null) Directory.Delete(folder, recursive: true);
        else if (!result.Ok) progress.WriteLine($"logs of the daemons: {folder}/nodes/*/logs");
        return result.Ok ? 0 : 1;
    }

    private async Task<ChaosResult> RunAsync(string folder, CancellationToken ct)
    {
        // Workers block while the kernel makes a namespace; the cloud and the probes have to go on meanwhile.
        ThreadPool.SetMinThreads(options.Workers * 2, options.Workers * 2);
        var region = s_region with { Nodes = [.. Enumerable.Range(1, options.Nodes).Select(static n => LabConfig.Default.Nodes[0] with { Name = $"node{n}" })] };
        await using var lab = await RunningLab.StartAsync(region, $"chaos{Environment.ProcessId}", folder, ct: ct);
        // Watermarks so low that the pool grows and shrinks all the time, and a cool-down so short that addresses come round.
        var eniConf = PoolConfig.SharedOrAccelerated(options.Accelerated, minPool: 2, maxPool: 8).TrimEnd().TrimEnd('}') + ", \"ip_cooldown\": 1, \"ip_pool_sync_period\": \"2s\" }";
        await using var cluster = new LabCluster(lab, DistFolder.Find(options.Dist).Options(eniConf));
        await Task.WhenAll(lab.Nodes.Select(node => cluster.StartDaemonAsync(node, ct)));

        var killing = Task.WhenAll(Kills(lab.Nodes.Count).GroupBy(static k => k.Node).Select(kills => KillAsync(cluster, lab.Nodes[kills.Key], [.. kills], ct)));
        var faulting = FaultAsync(lab, ct);
        var workers = Enumerable.Range(0, options.Workers).Select(w => WorkAsync(lab, cluster, w, ct)).ToList();
        await Task.WhenAll(workers);
        await killing;
        await faulting;
        lab.Cloud.Faults.Clear();
        foreach (var turns in _turns.Values) turns.Dispose();

        progress.WriteLine($"{Elapsed:F0} s: looking for what is left");
        var leaks = await LeakAudit.FindAsync(lab, s_patience, ct);
        foreach (var leak in leaks.All) Find(leak);
        return new ChaosResult
        {
            Ops = _done,
            Kills = _kills,
            Faults = _faults,
            Seed = options.Seed,
            Leaks = leaks.All.Count(),
            Duplicates = _duplicates,
            Unexplained = _unexplained,
            AddsRefused = _refusals.Values.Sum(),
            Refusals = _refusals.OrderByDescending(static r => r.Value).Take(MaxFindings).ToDictionary(static r => r.Key, static r => r.Value),
            VpcDrops = lab.Vpc.Drops().Where(static d => d.Value > 0).ToDictionary(static d => d.Key, static d => d.Value),
            LastDrops = [.. lab.Vpc.LastDrops().Take(MaxFindings).Select(static d => d.ToString())],
            Seconds = Math.Round(Elapsed, 1),
            What = [.. _findings.Take(MaxFindings)],
        };
    }

    private double Elapsed => Stopwatch.GetElapsedTime(_begin).TotalSeconds;

    private async Task WorkAsync(RunningLab lab, LabCluster cluster, int worker, CancellationToken ct)
    {
        var random = new Random(HashCode.Combine(options.Seed, worker));
        while (_clock.Begin() is var op && op <= options.Ops)
        {
            // At home most of the time: a node whose daemon is away must not draw all workers to it, one by one, and leave the others without work.
            var node = lab.Nodes[random.Next(8) == 0 ? random.Next(lab.Nodes.Count) : worker % lab.Nodes.Count];
            // Some pods have the name of one before, as those of a StatefulSet.
            var name = random.Next(4) == 0 ? $"same-{worker}" : $"pod-{op}";
            await LiveAsync(lab, cluster, node, name, random, ct);
            if (random.Next(50) == 0) await CollectGarbageAsync(cluster, lab.Nodes[random.Next(lab.Nodes.Count)], ct);
            if (Interlocked.Increment(ref _done) is var done && done % 250 == 0) progress.WriteLine($"{Elapsed:F0} s: {done} pods, {_kills} kills, {_faults} faults");
        }
    }

    private async Task LiveAsync(RunningLab lab, LabCluster cluster, LabNode node, string name, Random random, CancellationToken ct)
    {
        // Drawn at once, whatever comes of them: the same seed makes the same choices.
        var life = TimeSpan.FromMilliseconds(random.Next(50));
        var (probe, check, early, vanish, twice) =
            (random.Next(4) == 0, random.Next(20) == 0, random.Next(20) == 0, random.Next(20) == 0, random.Next(10) == 0);
        if (early)
        {
            await OvertakeAsync(lab, cluster, node, name, life / 10, ct);
            return;
        }

        if (await AddAsync(lab, cluster, node, name, ct) is not { } pod) return;
        if (!_holders.TryAdd(pod.Address, name))
        {
            Interlocked.Increment(ref _duplicates);
            Find($"{name} got {pod.Address}, which {_holders.GetValueOrDefault(pod.Address)} still has");
        }

        if (probe) await ProbeAsync(lab, node, pod, ct);
        if (check)
        {
            await RepeatAsync(
                "CHECK", name, () => cluster.Daemon(node).Runtime.CheckAsync(pod.Network, pod.Attachment, ct), static e => e.Code == TryAgainLater, ct);
        }

        await Task.Delay(life, ct);
        // From here on the address may be given again: DEL has begun.
        _holders.TryRemove(new KeyValuePair<IPAddress, string>(pod.Address, name));
        if (vanish) await lab.RemoveSandboxAsync(pod.Sandbox);
        for (var i = twice ? 2 : 1; i > 0; i--) await DeleteAsync(cluster, node, pod.Attachment, ct);
        if (!vanish) await lab.RemoveSandboxAsync(pod.Sandbox);
    }

    private async Task ProbeAsync(RunningLab lab, LabNode node, ClusterPod pod, CancellationToken ct)
    {
        var other = lab.Nodes.First(n => n != node);
        var to = await Probe.TcpAsync(lab.Namespaces.Thread, other.NetNs, new IPEndPoint(pod.Address, EchoServer.DefaultPort), s_probe, ct: ct);
        if (!to.Ok) Unexplained($"{other.Name} cannot reach {pod.Name} at {pod.Address}: {to.Error}");
        var from = await Probe.TcpAsync(lab.Namespaces.Thread, pod.Sandbox.NetNs, new IPEndPoint(node.PrimaryIp!, EchoServer.DefaultPort), s_probe, ct: ct);
        if (!from.Ok) Unexplained($"{pod.Name} at {pod.Address} cannot reach its node: {from.Error}");
    }

    // The runtime gave up on an ADD and deletes the sandbox while it is still under way: whichever comes first, the DEL wins.
    private async Task OvertakeAsync(RunningLab lab, LabCluster cluster, LabNode node, string name, TimeSpan after, CancellationToken ct)
    {
        var daemon = cluster.Daemon(node);
        var sandbox = lab.AddSandbox(node, name);
        var attachment = new CniAttachment(sandbox.Identity, sandbox.NetNsPath);
        _attachments[attachment] = node;
        var adding = TurnsOf(node).BesideAsync(() => daemon.Runtime.AddAsync(daemon.Network, attachment, ct), ct);
        await Task.Delay(after, ct);
        await DeleteAsync(cluster, node, attachment, ct);
        try
        {
            await adding;
        }
        catch (CniCallException e)
        {
            if (e.Code == 0) Unexplained($"ADD of {name}, overtaken by its DEL, failed without a code: {e.Message}");
        }

        // An ADD that was not begun when the DEL came may have been: a runtime deletes what it gave up on once more.
        await DeleteAsync(cluster, node, attachment, ct);
        await lab.RemoveSandboxAsync(sandbox);
    }

    // A runtime tries again, with a new sandbox each time; a kubelet does so for minutes.
    private async Task<ClusterPod?> AddAsync(RunningLab lab, LabCluster cluster, LabNode node, string name, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            var daemon = cluster.Daemon(node);
            var network = daemon.Network;
            var sandbox = lab.AddSandbox(node, name);
            var attachment = new CniAttachment(sandbox.Identity, sandbox.NetNsPath);
            _attachments[attachment] = node;
            try
            {
                ClusterPod? pod = null;
                await TurnsOf(node).BesideAsync(
                    async () => pod = new ClusterPod(sandbox, node, network, attachment, await daemon.Runtime.AddAsync(network, attachment, ct)), ct);
                lab.Serve(sandbox);
                return pod;
            }
            catch (CniCallException e)
            {
                await DeleteAsync(cluster, node, attachment, ct);
                await lab.RemoveSandboxAsync(sandbox);
                if (e.Code != TryAgainLater || attempt == Attempts || Reason(e) is not { } reason)
                {
                    Unexplained($"ADD of {name} failed: {e.Message}");
                    return null;
                }

                _refusals.AddOrUpdate(reason, 1, static (_, n) => n + 1);
                await Task.Delay(s_pause, ct);
            }
        }
    }

    private async Task DeleteAsync(LabCluster cluster, LabNode node, CniAttachment attachment, CancellationToken ct)
    {
        var daemon = cluster.Daemon(node);
        await RepeatAsync(
            "DEL", attachment.Pod.Name, () => TurnsOf(node).BesideAsync(() => daemon.Runtime.DeleteAsync(daemon.Network, attachment, ct), ct), static _ => false, ct);
        _attachments.TryRemove(attachment, out _);
    }

    private Task CollectGarbageAsync(LabCluster cluster, LabNode node, CancellationToken ct)
    {
        var daemon = cluster.Daemon(node);
        return RepeatAsync(
            "GC", node.Name,
            () => TurnsOf(node).AloneAsync(
                () => daemon.Runtime.CollectGarbageAsync(daemon.Network, [.. _attachments.Where(a => a.Value == node).Select(static a => a.Key)], ct), ct),
            static e => e.Code == TryAgainLater, ct);
    }

    private CallTurns TurnsOf(LabNode node) => _turns.GetOrAdd(node.Name, _ => new CallTurns(options.Workers * 2));

    private async Task RepeatAsync(string what, string whose, Func<Task> call, Func<CniCallException, bool> excused, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await call();
                return;
            }
            catch (CniCallException e)
            {
                if (!excused(e)) Unexplained($"{what} of {whose} failed: {e.Message}");
                if (attempt == Attempts) return;
                await Task.Delay(s_pause, ct);
            }
        }
    }

    // What was said, without what differs from pod to pod; null when nothing was.
    private static string? Reason(CniCallException e)
    {
        var said = e.Message[(e.Message.IndexOf(": code ", StringComparison.Ordinal) + ": code 11: ".Length)..];
        return said.Trim().Length == 0 ? null : Particulars().Replace(said, "#");
    }

    [GeneratedRegex(@"\b(eni|i|vsw)-\w+|[0-9a-fA-F-]*[0-9][0-9a-fA-F.:/-]*")]
    private static partial Regex Particulars();

    private List<Kill> Kills(int nodes)
    {
        var random = new Random(options.Seed);
        // Anywhere in the calls under way; sometimes the daemon is away for a while.
        return [.. Moments(random, options.Kills).Select(moment => new Kill(
            moment, random.Next(nodes), TimeSpan.FromMicroseconds(random.Next(20_000)), TimeSpan.FromMilliseconds(random.Next(5) == 0 ? random.Next(500) : 0)))];
    }

    // Each node by itself: one that takes its time to start does not put off the end of another.
    private async Task KillAsync(LabCluster cluster, LabNode node, IReadOnlyList<Kill> kills, CancellationToken ct)
    {
        foreach (var kill in kills)
        {
            await _clock.ReachAsync(kill.Moment, ct);
            await Task.Delay(kill.Delay, ct);
            await cluster.Daemon(node).KillAsync(ct);
            await Task.Delay(kill.Away, ct);
            await StartAsync(cluster, node, ct);
            Interlocked.Increment(ref _kills);
        }
    }

    // A daemon may find no metadata service at its start; it ends, and the kubelet starts it again.
    private static async Task StartAsync(LabCluster cluster, LabNode node, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await cluster.StartDaemonAsync(node, ct);
                return;
            }
            catch (InvalidOperationException) when (attempt < 10 && !cluster.Daemon(node).IsRunning)
            {
                await Task.Delay(s_pause, ct);
            }
        }
    }

    private async Task FaultAsync(RunningLab lab, CancellationToken ct)
    {
        var random = new Random(~options.Seed);
        foreach (var moment in Moments(random, options.Faults))
        {
            var (rule, length) = ChaosFaults.Next(random);
            await _clock.ReachAsync(moment, ct);
            var made = lab.Cloud.Faults.Add(rule);
            await Task.Delay(length, ct);
            lab.Cloud.Faults.Remove(made.Id);
            _faults++;
        }
    }

    // By pods begun, so that they do not depend on the machine's speed.
    private List<int> Moments(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => random.Next(1, Math.Max(2, options.Ops * 9 / 10))).Order()];

    private void Unexplained(string text)
    {
        Interlocked.Increment(ref _unexplained);
        Find(text);
    }

    private void Find(string text)
    {
        _findings.Enqueue(text);
        progress.WriteLine($"{Elapsed:F0} s: {text}");
    }

    /// <summary>An end of one node's daemon.</summary>
    private readonly record struct Kill(int Moment, int Node, TimeSpan Delay, TimeSpan Away);
}
