using System.Diagnostics;
using System.Globalization;
using System.Net;
using Terway.Bench.Traffic;
using Terway.Lab;
using Terway.Lab.Nodes;
using Terway.Linux.Bpf;

namespace Terway.Bench.Datapath.Services;

/// <summary>Gives a DataPathV2 node its Services and sees when they are in force. On the measuring thread.</summary>
internal sealed class ServicePrograms(LabNode node, ClusterPod client, CancellationToken ct) : IDisposable
{
    private const string AllFile = "services.json";
    private const string OneFile = "change.json";
    private const int Changes = 200;
    private const string Entries = "svc_frontends";
    private static readonly string[] s_maps = [Entries, "svc_slots", "svc_members", "svc_choices", "svc_peers", "svc_outcomes"];
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    // A look at ten thousand entries takes the core from the daemon: seldom enough not to be what is measured, and still within its last digit.
    private static readonly TimeSpan s_glance = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(1);

    /// <returns>Seconds from the file's rename until every Service is in the kernel's map.</returns>
    public double Load(ServiceSet set)
    {
        var text = ServiceManifests.Write(set);
        var renamed = node.PutManifest(AllFile, text);
        return Until(() => Frontends() == set.Frontends && Answers(set.Target), renamed, $"{set.Count} Services on {node.Name}", s_glance).TotalSeconds;
    }

    /// <summary>Takes a Service's endpoint away and gives it back.</summary>
    /// <returns>Milliseconds from each rename until connections notice.</returns>
    public List<double> EndpointChanges(ServiceSet set)
    {
        const string name = "change";
        var target = new IPEndPoint(set.AddressOf(0xfffe), ServiceSet.Port);
        var times = new List<double>();
        for (var i = -1; i < Changes; i++)
        {
            var there = i % 2 != 0;
            var text = ServiceManifests.Write(name, target.Address, EchoSite.TcpPort, there ? [set.Server] : []);
            var renamed = node.PutManifest(OneFile, text);
            var elapsed = Until(() => Answers(target) == there, renamed, "a change of endpoints", s_tick);
            if (i >= 0) times.Add(elapsed.TotalMilliseconds);
        }

        node.PutManifest(OneFile, null);
        return times;
    }

    /// <summary>What the kernel keeps for the Services' maps, as fdinfo has it ("memlock").</summary>
    public double MapsMib()
    {
        var bytes = 0L;
        foreach (var name in s_maps)
        {
            using var map = BpfMap.OpenPinned(Path.Combine(PinsFolder()!, name))!;
            var line = File.ReadLines($"/proc/self/fdinfo/{map.Fd}").First(static l => l.StartsWith("memlock:", StringComparison.Ordinal));
            bytes += long.Parse(line.AsSpan("memlock:".Length), CultureInfo.InvariantCulture);
        }

        return bytes / (double)(1 << 20);
    }

    public void Dispose()
    {
        node.PutManifest(OneFile, null);
        node.PutManifest(AllFile, null);
    }

    private TimeSpan Until(Func<bool> reached, long since, string what, TimeSpan pause)
    {
        while (!reached())
        {
            ct.ThrowIfCancellationRequested();
            if (Stopwatch.GetElapsedTime(since) > s_limit) throw new InvalidOperationException($"{what}: not in force after {s_limit.TotalSeconds} s, {Frontends()} are");
            // The thread is a real-time one on a core that the daemon wants too.
            Thread.Sleep(pause);
        }

        return Stopwatch.GetElapsedTime(since);
    }

    private bool Answers(IPEndPoint target)
    {
        ThreadCgroup.Enter(node.CgroupPath);
        Posix.Enter(client.Sandbox.NetNs.Fd);
        return Posix.CanConnect(target);
    }

    private string? PinsFolder() => Directory.EnumerateDirectories(node.Paths.Bpf, "services-v*").FirstOrDefault();

    private long Frontends()
    {
        var folder = PinsFolder();
        using var map = folder is null ? null : BpfMap.OpenPinned(Path.Combine(folder, Entries));
        return map?.Walk() ?? 0;
    }
}
