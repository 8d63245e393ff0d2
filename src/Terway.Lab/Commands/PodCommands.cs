using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Terway.Lab.Control;

namespace Terway.Lab.Commands;

internal static class PodCommands
{
    public static Command Build()
    {
        var name = new Argument<string>("name") { Description = "name of the pod" };
        var node = new Argument<string>("node") { Description = "where it runs" };
        var to = new Argument<string>("to") { Description = "an address, a pod, a node, or: outside" };
        var port = new Option<int>("--port") { Description = "port; 0 is the lab's echo server" };
        var udp = new Option<bool>("--udp") { Description = "UDP instead of TCP" };
        var timeout = new Option<double>("--timeout") { Description = "seconds", DefaultValueFactory = static _ => 3 };

        var pod = new Command("pod", "Pods: sandboxes that get their network by CNI calls, as from a container runtime.");
        pod.Subcommands.Add(LabCommandLine.Talk("ls", "Lists pods.", static async (_, client, ct) =>
        {
            var table = new Table().AddColumns("pod", "node", "address", "container").Border(TableBorder.Simple);
            foreach (var p in await client.GetAsync("lab/pods", ControlJson.Default.PodViewArray, ct))
                table.AddRow(Markup.Escape(p.Name), p.Node, p.Address, p.ContainerId[..12]);
            AnsiConsole.Write(table);
            return 0;
        }));
        pod.Subcommands.Add(LabCommandLine.Talk(
            "add",
            "Makes a sandbox on a node and calls CNI ADD.",
            async (parsed, client, ct) =>
            {
                var made = await client.PostAsync(
                    "lab/pods", new NewPod(parsed.GetValue(node)!, parsed.GetValue(name)!), ControlJson.Default.NewPod, ControlJson.Default.PodView, ct);
                Console.WriteLine($"{made.Name} {made.Address} on {made.Node}, {made.Netns}");
                return 0;
            },
            node,
            name));
        pod.Subcommands.Add(LabCommandLine.Talk(
            "del",
            "Calls CNI DEL and removes the sandbox.",
            async (parsed, client, ct) =>
            {
                await client.SendTextAsync(HttpMethod.Delete, $"lab/pods/{Uri.EscapeDataString(parsed.GetValue(name)!)}", null, ct);
                return 0;
            },
            name));
        pod.Subcommands.Add(LabCommandLine.Talk(
            "ping",
            "Connects from a pod to an echo server; exit code 1 when it does not answer.",
            async (parsed, client, ct) =>
            {
                var result = await client.PostAsync(
                    $"lab/pods/{Uri.EscapeDataString(parsed.GetValue(name)!)}/ping",
                    new PingRequest(parsed.GetValue(to)!, parsed.GetValue(port), parsed.GetValue(udp), parsed.GetValue(timeout)),
                    ControlJson.Default.PingRequest,
                    ControlJson.Default.PingView,
                    ct);
                Console.WriteLine(result.Ok
                    ? string.Create(CultureInfo.InvariantCulture, $"ok in {result.Ms:F2} ms, seen as {result.SeenAs}")
                    : $"failed: {result.Error}");
                return result.Ok ? 0 : 1;
            },
            name,
            to,
            port,
            udp,
            timeout));
        pod.Subcommands.Add(ExecCommand.Build("Runs a command in a pod's network namespace.", async (client, wanted, ct) =>
            (await client.GetAsync("lab/pods", ControlJson.Default.PodViewArray, ct)).FirstOrDefault(p => p.Name == wanted) is { } found ? (found.Netns, found.Cgroup) : null));
        return pod;
    }
}
