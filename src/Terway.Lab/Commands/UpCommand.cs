using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Spectre.Console;
using Terway.Lab.Cloud;
using Terway.Lab.Cluster;
using Terway.Lab.Config;
using Terway.Lab.Control;
using Terway.Lab.Nodes;
using Terway.Linux;

namespace Terway.Lab.Commands;

/// <summary><c>up</c> is the lab; <c>down</c> ends it, or cleans up after one that was killed.</summary>
internal static class UpCommand
{
    public static Command Build()
    {
        var config = new Option<string?>("--config", "-c") { Description = "region as YAML; without it two ecs.g7.4xlarge nodes in one zone" };
        var dist = new Option<string?>("--dist") { Description = "folder that ./build.sh made; found by itself when this program lies in it" };
        var eniConf = new Option<string?>("--eni-conf") { Description = "eni_conf of the nodes' pool, a JSON file; without it SharedEni on sg-lab-cluster and vsw-lab-pods" };
        var noDaemons = new Option<bool>("--no-daemons") { Description = "leave terwayd to `node daemon NAME start`" };
        var command = new Command("up", "Starts a lab and runs it until Ctrl-C, SIGTERM or `down`.") { config, dist, eniConf, noDaemons };
        command.SetAction((parsed, ct) => LabCommandLine.GuardAsync(() => RunAsync(
            Path.GetFullPath(parsed.GetValue(LabCommandLine.Dir)!),
            parsed.GetValue(config),
            parsed.GetValue(dist),
            parsed.GetValue(eniConf),
            !parsed.GetValue(noDaemons),
            ct)));
        return command;
    }

    public static Command BuildDown()
    {
        var command = new Command("down", "Ends the lab that runs on the folder; removes what a killed one left.");
        command.SetAction((parsed, ct) => LabCommandLine.GuardAsync(async () =>
        {
            var folder = Path.GetFullPath(parsed.GetValue(LabCommandLine.Dir)!);
            if (!Directory.Exists(folder))
            {
                Console.WriteLine($"there is no lab in {folder}");
                return 0;
            }

            try
            {
                using var client = new LabClient(folder);
                await client.SendTextAsync(HttpMethod.Post, "lab/down", null, ct);
            }
            catch (LabUnreachableException)
            {
                // Nobody listens: what is left is in the ledger.
            }

            using var held = await AcquireAsync(folder, TimeSpan.FromSeconds(30), ct);
            foreach (var line in new LabLedger(folder).Clean())
                Console.WriteLine($"removed {line}");
            Console.WriteLine($"the lab in {folder} is down");
            return 0;
        }));
        return command;
    }

    private static async Task<int> RunAsync(string folder, string? configFile, string? distFolder, string? eniConfFile, bool daemons, CancellationToken ct)
    {
        var config = configFile is null ? LabConfig.Default : LabConfigReader.ReadFile(configFile);
        var dist = daemons || distFolder is not null ? DistFolder.Find(distFolder) : new DistFolder(AppContext.BaseDirectory);
        var options = dist.Options(eniConfFile is null ? PoolConfig.Shared : await File.ReadAllTextAsync(eniConfFile, ct));
        Directory.CreateDirectory(folder);
        using var held = await AcquireAsync(folder, TimeSpan.Zero, ct);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });

        Console.WriteLine($"region {config.RegionId}, VPC {config.Vpc.Cidr}, {config.Nodes.Length} nodes, in {folder}");
        await using var lab = await RunningLab.StartAsync(config, IdOf(folder), folder, ct: stop.Token);
        await using var cluster = new LabCluster(lab, options);
        var control = new LabControlServer(lab, cluster, stop.Cancel);
        await using var server = await LabHttpServer.StartAsync([LabListener.OnUnixSocket(LabClient.SocketOf(folder))], control.HandleAsync, stop.Token);
        try
        {
            if (daemons)
            {
                foreach (var node in lab.Nodes)
                {
                    var ready = await cluster.StartDaemonAsync(node, stop.Token);
                    Console.WriteLine(string.Create(
                        CultureInfo.InvariantCulture, $"{node.Name} ready in {ready.TotalMilliseconds:F0} ms, {node.PrimaryIp}, log {cluster.Daemon(node).LogFile}"));
                }
            }

            Console.WriteLine("up; Ctrl-C ends it. In another shell: terway-lab pod add node1 web, terway-lab matrix, terway-lab drops");
            await Task.Delay(Timeout.Infinite, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            AnsiConsole.MarkupLine("[grey]going down[/]");
        }

        return 0;
    }

    /// <summary>One lab for each folder. The kernel frees the lock with the process.</summary>
    private static async Task<FileLock> AcquireAsync(string folder, TimeSpan patience, CancellationToken ct)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            if (FileLock.TryAcquire(Path.Combine(folder, "lock")) is { } held)
                return held;
            if (clock.Elapsed >= patience)
                throw new InvalidOperationException($"a lab runs on {folder} already; end it with `terway-lab down`, or give another --dir");
            await Task.Delay(50, ct);
        }
    }

    /// <summary>The same folder has the same id, so that two labs on a machine cannot meet.</summary>
    private static string IdOf(string folder) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(folder)).AsSpan(0, 3));
}
