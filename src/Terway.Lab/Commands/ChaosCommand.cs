using System.CommandLine;
using Terway.Lab.Chaos;
using Terway.Lab.Chaos.Points;

namespace Terway.Lab.Commands;

/// <summary><c>chaos</c>: what <c>./test.sh chaos</c> runs.</summary>
internal static class ChaosCommand
{
    public static Command Build()
    {
        var dist = new Option<string?>("--dist") { Description = "folder that ./build.sh made; found by itself when this program lies in it" };
        var folder = new Option<string?>("--folder") { Description = "keep the nodes' files in this folder instead of a temporary one" };
        var ops = new Option<int>("--ops") { Description = "pods started and stopped", DefaultValueFactory = static _ => 500 };
        var kills = new Option<int>("--kills") { Description = "daemons killed", DefaultValueFactory = static _ => 50 };
        var faults = new Option<int?>("--faults") { Description = "moments in which the cloud misbehaves; one for every 50 pods when not given" };
        var seed = new Option<int>("--seed") { Description = "same seed, same choices; without it a fresh one", DefaultValueFactory = static _ => Random.Shared.Next() };
        var workers = new Option<int>("--workers") { Description = "pods at the same time, over all nodes", DefaultValueFactory = static _ => 18 };
        var nodes = new Option<int>("--nodes") { Description = "nodes, two at least", DefaultValueFactory = static _ => 3 };
        var points = new Option<bool>("--points") { Description = "instead: a daemon that kills itself at each of its steps, one after the other" };
        var only = new Option<string?>("--only") { Description = "of the points and scenarios those whose name begins so" };
        var parallel = new Option<int>("--parallel") { Description = "nodes at the same time, with --points", DefaultValueFactory = static _ => 4 };
        var quick = new Option<bool>("--quick") { Description = "each point in one scenario instead of in all that pass it" };
        var accelerated = new Option<bool>("--datapath-v2") { Description = "pods carried by eBPF" };
        var command = new Command("chaos", "Pods come and go while daemons are killed; ends with one JSON line.")
        {
            dist, folder, ops, kills, faults, seed, workers, nodes, points, only, parallel, quick, accelerated,
        };
        command.SetAction((parsed, ct) => LabCommandLine.GuardAsync(() => parsed.GetValue(points) ? new PointRun(
            new PointOptions(
                parsed.GetValue(dist), parsed.GetValue(folder), parsed.GetValue(only), Math.Max(1, parsed.GetValue(parallel)), parsed.GetValue(quick),
                parsed.GetValue(accelerated)),
            Console.Error).RunAsync(ct) : new ChaosRun(
            new ChaosOptions(
                parsed.GetValue(dist), parsed.GetValue(folder), parsed.GetValue(ops), parsed.GetValue(kills), parsed.GetValue(seed),
                parsed.GetValue(faults) ?? parsed.GetValue(ops) / 50, Math.Max(1, parsed.GetValue(workers)), Math.Max(2, parsed.GetValue(nodes)),
                parsed.GetValue(accelerated)),
            Console.Error).RunAsync(ct)));
        return command;
    }
}
