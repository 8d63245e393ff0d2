using System.CommandLine;
using Terway.Lab.Demo;

namespace Terway.Lab.Commands;

/// <summary><c>demo</c>: what <c>./demo.sh</c> runs.</summary>
internal static class DemoCommand
{
    public static Command Build()
    {
        var dist = new Option<string?>("--dist") { Description = "folder that ./build.sh made; found by itself when this program lies in it" };
        var folder = new Option<string?>("--folder") { Description = "keep the nodes' files in this folder instead of a temporary one" };
        var keep = new Option<bool>("--keep") { Description = "leave the region up at the end, and say how to play with it" };
        var json = new Option<bool>("--json") { Description = "print the facts as JSON; progress goes to standard error" };
        var pods = new Option<int>("--pods") { Description = "pods on each node", DefaultValueFactory = static _ => 2 };
        var accelerated = new Option<bool>("--datapath-v2") { Description = "pods of the shared pool carried by eBPF" };
        var command = new Command("demo", "Nodes of three pools, pods, who reaches whom, daemons killed under streams, everything deleted, nothing left.") { dist, folder, keep, json, pods, accelerated };
        command.SetAction((parsed, ct) => LabCommandLine.GuardAsync(() =>
        {
            var options = new DemoOptions(
                parsed.GetValue(dist), parsed.GetValue(folder), parsed.GetValue(keep), parsed.GetValue(json), parsed.GetValue(pods), parsed.GetValue(accelerated));
            return new DemoRun(options, new DemoScreen(options.Json ? Console.Error : Console.Out)).RunAsync(ct);
        }));
        return command;
    }
}
