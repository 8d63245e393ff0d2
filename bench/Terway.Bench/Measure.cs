using System.Diagnostics;
using System.Text.Json.Nodes;
using Terway.Linux.Netlink;

namespace Terway.Bench;

/// <summary>The measuring process: every thread of it is in the node's namespace, as a container runtime is.</summary>
internal sealed class Measure(MeasureJob job)
{
    private static readonly TimeSpan s_settleLimit = TimeSpan.FromSeconds(5);

    private readonly RtnlSocket _node = RtnlSocket.Open();
    private int _container;

    public MeasureTimes Run()
    {
        var times = new MeasureTimes([], [], [], [], [], [], []);
        const int warmUp = 5;
        for (var run = -warmUp; run < job.Runs; run++)
        {
            var into = run < 0 ? new MeasureTimes([], [], [], [], [], [], []) : times;
            OnePair(run + warmUp, into);
        }

        for (var burst = 0; burst < job.Bursts; burst++)
        {
            times.BurstOurs.Add(Burst(job.Ours, job.SandboxesOurs, ours: true));
            times.BurstTheirs.Add(Burst(job.Theirs, job.SandboxesTheirs, ours: false));
        }

        return times;
    }

    // Ours and theirs in turn, so that a drift of the machine's speed meets both.
    private void OnePair(int run, MeasureTimes times)
    {
        var (ours, oursLink) = Add(job.Ours, job.SandboxesOurs[run % job.SandboxesOurs.Count], times.AddOurs);
        var (theirs, _) = Add(job.Theirs, job.SandboxesTheirs[run % job.SandboxesTheirs.Count], times.AddTheirs);
        var begin = Stopwatch.GetTimestamp();
        times.DelOurs.Add(Spawn.Run(ours));
        // Our DEL answers before the link is gone. Nothing else is timed until it is: its removal would slow down whoever comes next.
        WaitGone(oursLink);
        times.SettledOurs.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        times.DelTheirs.Add(Spawn.Run(theirs));
    }

    /// <returns>The DEL that belongs to the ADD, and the node's link.</returns>
    private (SpawnRequest Del, string Link) Add(PluginUnderTest plugin, string netNs, List<double> into)
    {
        var (add, id) = Prepare(plugin, netNs);
        into.Add(Spawn.Run(add));
        return Remember(plugin, netNs, id, add.Output);
    }

    private double Burst(PluginUnderTest plugin, IReadOnlyList<string> sandboxes, bool ours)
    {
        var adds = new List<(SpawnRequest Add, string Id, string NetNs)>();
        for (var i = 0; i < job.Burst; i++)
        {
            var (add, id) = Prepare(plugin, sandboxes[i]);
            adds.Add((add, id, sandboxes[i]));
        }

        var took = Spawn.RunTogether([.. adds.Select(static a => a.Add)]);
        var dels = adds.Select(a => Remember(plugin, a.NetNs, a.Id, a.Add.Output)).ToList();
        foreach (var (del, _) in dels) _ = Spawn.Run(del);
        if (ours)
        {
            foreach (var (_, link) in dels) WaitGone(link);
        }

        return took;
    }

    private (SpawnRequest Add, string Id) Prepare(PluginUnderTest plugin, string netNs)
    {
        var id = $"bench{++_container:d6}{Guid.NewGuid():N}";
        var input = Path.Combine(job.Folder, $"{id}.add");
        File.WriteAllText(input, plugin.Config);
        return (SpawnRequest.Cni(plugin, "ADD", id, $"pod-{id}", netNs, input, Path.Combine(job.Folder, $"{id}.out")), id);
    }

    private (SpawnRequest Del, string Link) Remember(PluginUnderTest plugin, string netNs, string id, string output)
    {
        var result = JsonNode.Parse(File.ReadAllText(output))!.AsObject();
        var link = result["interfaces"]!.AsArray().First(static i => i!["sandbox"] is null)!["name"]!.GetValue<string>();
        var config = JsonNode.Parse(plugin.Config)!.AsObject();
        config["prevResult"] = result;
        var input = Path.Combine(job.Folder, $"{id}.del");
        File.WriteAllText(input, config.ToJsonString());
        return (SpawnRequest.Cni(plugin, "DEL", id, $"pod-{id}", netNs, input, Path.Combine(job.Folder, $"{id}.out")), link);
    }

    private void WaitGone(string link)
    {
        for (var begin = Stopwatch.GetTimestamp(); _node.GetLink(link) is not null;)
        {
            if (Stopwatch.GetElapsedTime(begin) > s_settleLimit) throw new InvalidOperationException($"link {link} is still there {s_settleLimit.TotalSeconds} s after its DEL");
            Thread.Sleep(1);
        }
    }
}
