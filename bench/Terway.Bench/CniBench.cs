using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Terway.Lab;
using Terway.Lab.Cloud;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Linux.Namespaces;

namespace Terway.Bench;

/// <summary>ADD and DEL as whole processes, ours against ptp + host-local of the reference plugins, on the same node in the same run.</summary>
internal sealed class CniBench(string dist, int runs, int burst)
{
    private const string ReferencePlugins = "/usr/lib/cni";
    private const int Rotation = 20;
    private const int Bursts = 5;
    private const int Restarts = 7;

    private static readonly LabConfig s_region = LabConfig.Default with
    {
        Nodes = [LabConfig.Default.Nodes[0]],
        Delays = DelayConfig.None with { Attach = TimeSpan.FromMilliseconds(200), Detach = TimeSpan.FromMilliseconds(100) },
    };

    public async Task RunAsync(CancellationToken ct)
    {
        var folder = Directory.CreateTempSubdirectory("terway-bench-").FullName;
        try
        {
            await using var lab = await RunningLab.StartAsync(s_region, $"bench{Environment.ProcessId}", folder, ct: ct);
            // Warm: as many idle addresses as two bursts take, since those of the first are cooling down when the second comes.
            var conf = Quick(PoolConfig.SharedWith(2 * burst, 2 * burst + 10), 2);
            await using var cluster = new LabCluster(lab, DistFolder.Find(dist).Options(conf));
            var node = lab.Nodes[0];
            await cluster.StartDaemonAsync(node, ct);
            await WaitWarmAsync(node, 2 * burst, ct);
            Print(CallsPerAddress(lab, node));

            var times = await MeasureAsync(lab, cluster, node, folder, Theirs(folder, "10.99.0.0/16"), burst, Bursts, ct);
            Print(Figure.Ratio("cni_add_p50_ratio", times.AddOurs, times.AddTheirs));
            Print(Figure.Ratio("cni_del_p50_ratio", times.DelOurs, times.DelTheirs));
            Print(Figure.Ratio("cni_del_settled_p50_ratio", times.SettledOurs, times.DelTheirs));
            Print(Figure.Ratio("cni_burst100_total_ratio", times.BurstOurs, times.BurstTheirs));

            // The same daemon after all these calls, its API in use; and one that was just started and has 100 pods.
            Print(await ResidentAsync("terwayd_rss_worked_mib", cluster, node, ct));
            await cluster.Daemon(node).KillAsync(ct);
            await cluster.StartDaemonAsync(node, ct);
            Print(await ResidentAsync("terwayd_rss_mib", cluster, node, ct));
            Print(await ReadyAsync(cluster, node, ct));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        // As many idle addresses as pods come and go while they cool down; ENIs as many as the type carries.
        Print(await OtherPoolAsync(
            "cni_add_p50_ratio_dual", LabConfig.DualStack.Nodes[0], Quick(PoolConfig.DualWith(4 * Rotation, 5 * Rotation), 1), 4 * Rotation,
            ["10.99.0.0/16", "fd99::/64"], ct));
        Print(await OtherPoolAsync(
            "cni_add_p50_ratio_exclusive", LabConfig.Default.Nodes[0], Quick(PoolConfig.ExclusiveWith(7, 7), 0), 7, ["10.99.0.0/16"], ct));
    }

    /// <summary>ADD on a node of another kind of pool, everything at hand ahead of need.</summary>
    private async Task<Figure> OtherPoolAsync(string figure, NodeConfig config, string conf, int idle, string[] theirs, CancellationToken ct)
    {
        var folder = Directory.CreateTempSubdirectory("terway-bench-").FullName;
        try
        {
            var region = LabConfig.DualStack with { Nodes = [config], Delays = s_region.Delays };
            await using var lab = await RunningLab.StartAsync(region, $"bench{Environment.ProcessId}", folder, ct: ct);
            await using var cluster = new LabCluster(lab, DistFolder.Find(dist).Options(conf));
            var node = lab.Nodes[0];
            await cluster.StartDaemonAsync(node, ct);
            await WaitWarmAsync(node, idle, ct);
            var times = await MeasureAsync(lab, cluster, node, folder, Theirs(folder, theirs), burst: 0, bursts: 0, ct);
            return Figure.Ratio(figure, times.AddOurs, times.AddTheirs);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // This node starts more pods in a minute than others in a day.
    private static string Quick(string conf, int cooldown) => conf.TrimEnd().TrimEnd('}') + $", \"ip_cooldown\": {cooldown} }}";

    private static JsonObject Theirs(string folder, params string[] subnets) => new()
    {
        ["cniVersion"] = "1.0.0",
        ["name"] = "reference",
        ["type"] = "ptp",
        ["mtu"] = 1500,
        ["ipam"] = new JsonObject
        {
            ["type"] = "host-local",
            ["ranges"] = new JsonArray([.. subnets.Select(static s => new JsonArray(new JsonObject { ["subnet"] = s }))]),
            ["dataDir"] = Path.Combine(folder, "host-local"),
            ["routes"] = new JsonArray([.. subnets.Select(static s => new JsonObject { ["dst"] = s.Contains(':', StringComparison.Ordinal) ? "::/0" : "0.0.0.0/0" })]),
        },
    };

    private static async Task WaitWarmAsync(LabNode node, int idle, CancellationToken ct)
    {
        for (var begin = Stopwatch.GetTimestamp(); ;)
        {
            var status = await NodeAgent.StatusAsync(node.Paths.Run, ct);
            if (status.Pools.Sum(static p => p.Idle) >= idle) return;
            if (Stopwatch.GetElapsedTime(begin) > TimeSpan.FromSeconds(60)) throw new InvalidOperationException($"the pool did not warm up: {status}");
            await Task.Delay(50, ct);
        }
    }

    private static Figure CallsPerAddress(RunningLab lab, LabNode node)
    {
        var counts = lab.Cloud.Calls.Counts;
        var calls = counts.Values.Sum();
        Console.Error.WriteLine($"cloud calls until the pool is warm: {string.Join(", ", counts.Select(static c => $"{c.Key} {c.Value}"))}");
        var addresses = lab.Cloud.Region.FindInstance(node.InstanceId)!.Enis.Where(static e => e.Type != EniType.Primary).Sum(static e => e.PrivateIps.Length);
        return new Figure("cloud_calls_per_address", Math.Round((double)calls / addresses, 3), calls, null, "calls", Samples: addresses);
    }

    private async Task<MeasureTimes> MeasureAsync(
        RunningLab lab, LabCluster cluster, LabNode node, string folder, JsonObject theirs, int burst, int bursts, CancellationToken ct)
    {
        var network = cluster.Daemon(node).Network;
        var ours = network.Plugins[0].DeepClone().AsObject();
        ours["name"] = network.Name;
        ours["cniVersion"] = "1.0.0";
        var input = Directory.CreateDirectory(Path.Combine(folder, "calls")).FullName;
        var sandboxes = new List<LabPod>();
        try
        {
            for (var i = 0; i < 2 * Math.Max(burst, Rotation); i++) sandboxes.Add(lab.AddSandbox(node, $"bench-{i}"));
            var paths = sandboxes.Select(static s => s.NetNsPath).ToList();
            var job = new MeasureJob(
                new PluginUnderTest(Path.Combine(cluster.Daemon(node).Runtime.BinaryFolders[0], "terway"), cluster.Daemon(node).Runtime.BinaryFolders[0], ours.ToJsonString()),
                new PluginUnderTest(Path.Combine(ReferencePlugins, "ptp"), ReferencePlugins, theirs.ToJsonString()),
                runs, burst, bursts, [.. paths.Take(paths.Count / 2)], [.. paths.Skip(paths.Count / 2)], input);
            return await MeasureInNodeAsync(node, job, ct);
        }
        finally
        {
            foreach (var sandbox in sandboxes) await lab.RemoveSandboxAsync(sandbox);
        }
    }

    private static async Task<MeasureTimes> MeasureInNodeAsync(LabNode node, MeasureJob job, CancellationToken ct)
    {
        var start = new ProcessStartInfo("nsenter") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])[$"--net={node.NetNsPath}", "--", Environment.ProcessPath!]) start.ArgumentList.Add(argument);
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(CniBench).Assembly.Location);
        start.ArgumentList.Add("measure");
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(JsonSerializer.Serialize(job, BenchJson.Default.MeasureJob).AsMemory(), ct);
        process.StandardInput.Close();
        var output = await process.StandardOutput.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize(output, BenchJson.Default.MeasureTimes)!
            : throw new InvalidOperationException($"the measuring process ended with {process.ExitCode}");
    }

    private static async Task<Figure> ResidentAsync(string figure, LabCluster cluster, LabNode node, CancellationToken ct)
    {
        const int pods = 100;
        for (var i = 0; i < pods; i++) await cluster.AddPodAsync(node, $"resident-{i}", ct);
        var mib = Math.Round(ProcessMemory.ResidentMib(cluster.Daemon(node).Pid!.Value), 1);
        for (var i = 0; i < pods; i++) await cluster.RemovePodAsync($"resident-{i}", ct);
        return new Figure(figure, mib, mib, null, "MiB", Samples: pods);
    }

    private static async Task<Figure> ReadyAsync(LabCluster cluster, LabNode node, CancellationToken ct)
    {
        var times = new List<double>();
        for (var i = 0; i < Restarts; i++)
        {
            var daemon = cluster.Daemon(node);
            await daemon.KillAsync(ct);
            times.Add(await ReadyProbe.MeasureAsync(daemon, Path.Combine(node.Paths.Run, "cni.socket"), ct));
        }

        var median = Math.Round(Statistics.Percentile(times, 50), 1);
        return new Figure("terwayd_ready_ms", median, median, null, "ms", Math.Round(times.Max(), 1), Samples: Restarts);
    }

    private static void Print(Figure figure) => Console.WriteLine(JsonSerializer.Serialize(figure, BenchJson.Default.Figure));
}
