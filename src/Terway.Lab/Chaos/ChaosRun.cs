using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Runtime;

namespace Terway.Lab.Chaos;

/// <summary>
/// Pods come and go on two nodes while their daemons are killed at random moments. Afterwards nothing may be left, no address may ever have had two
/// pods, and every failed call must have said why.
/// </summary>
internal sealed class ChaosRun(ChaosOptions options, TextWriter progress)
{
    private const int TryAgainLater = 11;
    private const int MaxFindings = 20;

    private static readonly TimeSpan s_probe = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

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
    private readonly ConcurrentQueue<string> _findings = new();
    private readonly long _begin = Stopwatch.GetTimestamp();
    private int _next;
    private int _done;
    private int _kills;
    private int _duplicates;
    private int _unexplained;
    private int _refused;

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
        await using var lab = await RunningLab.StartAsync(s_region, $"chaos{Environment.ProcessId}", folder, ct: ct);
        // Watermarks so low that the pool grows and shrinks all the time, and a cool-down so short that addresses come round.
        var eniConf = PoolConfig.SharedWith(minPool: 2, maxPool: 8).TrimEnd().TrimEnd('}') + ", \"ip_cooldown\": 1, \"ip_pool_sync_period\": \"2s\" }";
        await using var cluster = new LabCluster(lab, DistFolder.Find(options.Dist).Options(eniConf));
        foreach (var node in lab.Nodes) await cluster.StartDaemonAsync(node, ct);

        var killing = KillAsync(lab, cluster, ct);
        var workers = Enumerable.Range(0, options.Workers).Select(w => WorkAsync(lab, cluster, w, ct)).ToList();
        await Task.WhenAll(workers);
        await killing;

        progress.WriteLine($"{Elapsed:F0} s: looking for what is left");
        var leaks = await LeakAudit.FindAsync(lab, s_patience, ct);
        foreach (var leak in leaks.All) Find(leak);
        return new ChaosResult
        {
            Ops = _done,
            Kills = _kills,
            Seed = options.Seed,
            Leaks = leaks.All.Count(),
            Duplicates = _duplicates,
            Unexplained = _unexplained,
            AddsRefused = _refused,
            VpcDrops = lab.Vpc.Drops().Where(static d => d.Value > 0).ToDictionary(static d => d.Key, static d => d.Value),
            Seconds = Math.Round(Elapsed, 1),
            What = [.. _findings.Take(MaxFindings)],
        };
    }

    private double Elapsed => Stopwatch.GetElapsedTime(_begin).TotalSeconds;

    private async Task WorkAsync(RunningLab lab, LabCluster cluster, int worker, CancellationToken ct)
    {
        var random = new Random(HashCode.Combine(options.Seed, worker));
        while (Interlocked.Increment(ref _next) is var op && op <= options.Ops)
        {
            var node = lab.Nodes[random.Next(lab.Nodes.Count)];
            // Some pods have the name of one before, as those of a StatefulSet.
            var name = random.Next(4) == 0 ? $"same-{worker}" : $"pod-{op}";
            var life = TimeSpan.FromMilliseconds(random.Next(200));
            await LiveAsync(lab, cluster, node, name, life, probe: random.Next(2) == 0, ct);
            if (Interlocked.Increment(ref _done) is var done && done % 50 == 0) progress.WriteLine($"{Elapsed:F0} s: {done} pods, {_kills} kills");
        }
    }

    private async Task LiveAsync(RunningLab lab, LabCluster cluster, LabNode node, string name, TimeSpan life, bool probe, CancellationToken ct)
    {
        if (await AddAsync(cluster, node, name, ct) is not { } pod) return;
        if (!_holders.TryAdd(pod.Address, name))
        {
            Interlocked.Increment(ref _duplicates);
            Find($"{name} got {pod.Address}, which {_holders.GetValueOrDefault(pod.Address)} still has");
        }

        if (probe)
        {
            var other = lab.Nodes.First(n => n != node);
            var to = await Probe.TcpAsync(lab.Namespaces.Thread, other.NetNs, new IPEndPoint(pod.Address, EchoServer.DefaultPort), s_probe, ct: ct);
            if (!to.Ok) Unexplained($"{other.Name} cannot reach {name} at {pod.Address}: {to.Error}");
            var from = await Probe.TcpAsync(lab.Namespaces.Thread, pod.Sandbox.NetNs, new IPEndPoint(node.PrimaryIp!, EchoServer.DefaultPort), s_probe, ct: ct);
            if (!from.Ok) Unexplained($"{name} at {pod.Address} cannot reach its node: {from.Error}");
        }

        await Task.Delay(life, ct);
        // From here on the address may be given again: DEL has begun.
        _holders.TryRemove(new KeyValuePair<IPAddress, string>(pod.Address, name));
        try
        {
            await cluster.RemovePodAsync(name, ct);
        }
        catch (CniCallException e)
        {
            Unexplained($"DEL of {name} failed: {e.Message}");
        }
    }

    // A runtime tries again, with a new sandbox each time; a kubelet does so for minutes.
    private async Task<ClusterPod?> AddAsync(LabCluster cluster, LabNode node, string name, CancellationToken ct)
    {
        const int attempts = 30;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await cluster.AddPodAsync(node, name, ct);
            }
            catch (CniCallException e) when (e.Code == TryAgainLater && e.Message.Length > 0 && attempt < attempts)
            {
                Interlocked.Increment(ref _refused);
                await Task.Delay(100, ct);
            }
            catch (CniCallException e)
            {
                Unexplained($"ADD of {name} failed: {e.Message}");
                return null;
            }
        }
    }

    private async Task KillAsync(RunningLab lab, LabCluster cluster, CancellationToken ct)
    {
        var random = new Random(options.Seed);
        var moments = Enumerable.Range(0, options.Kills).Select(_ => random.Next(1, Math.Max(2, options.Ops * 9 / 10))).Order().ToList();
        foreach (var moment in moments)
        {
            while (Volatile.Read(ref _next) < moment) await Task.Delay(1, ct);
            var node = lab.Nodes[random.Next(lab.Nodes.Count)];
            // Anywhere in the calls under way.
            await Task.Delay(TimeSpan.FromMicroseconds(random.Next(20_000)), ct);
            await cluster.Daemon(node).KillAsync(ct);
            // Sometimes the daemon is away for a while.
            if (random.Next(5) == 0) await Task.Delay(random.Next(500), ct);
            await cluster.StartDaemonAsync(node, ct);
            _kills++;
        }
    }

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
}
