using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Terway.Lab.Control;

namespace Terway.Lab.Commands;

internal static class NodeCommands
{
    public static Command Build()
    {
        var name = new Argument<string>("name") { Description = "name of the node" };
        var type = new Option<string>("--type") { Description = "instance type", DefaultValueFactory = static _ => "ecs.g7.4xlarge" };
        var vswitch = new Option<string>("--vswitch") { Description = "vSwitch of the primary ENI", DefaultValueFactory = static _ => "vsw-lab-nodes" };
        var groups = new Option<string[]>("--security-group") { Description = "security groups; without it the region's first" };
        var action = new Argument<string>("action") { Description = "start, stop (SIGTERM) or kill (SIGKILL)" };
        action.AcceptOnlyFromAmong("start", "stop", "kill");

        var node = new Command("node", "Nodes: ECS instances, each a network namespace.");
        node.Subcommands.Add(LabCommandLine.Talk("ls", "Lists nodes.", static async (_, client, ct) =>
        {
            var table = new Table().AddColumns("node", "instance", "type", "address", "terwayd", "pods").Border(TableBorder.Simple);
            foreach (var n in await client.GetAsync("lab/nodes", ControlJson.Default.NodeViewArray, ct))
            {
                table.AddRow(
                    n.Name, n.InstanceId, n.InstanceType, n.PrimaryIp ?? "", n.Daemon?.ToString(CultureInfo.InvariantCulture) ?? "not running",
                    Markup.Escape(string.Join(' ', n.Pods)));
            }

            AnsiConsole.Write(table);
            return 0;
        }));
        node.Subcommands.Add(LabCommandLine.Talk(
            "add",
            "Starts an instance and boots it; terwayd is started by `node daemon NAME start`.",
            async (parsed, client, ct) =>
            {
                var made = await client.PostAsync(
                    "lab/nodes",
                    new NewNode(parsed.GetValue(name)!, parsed.GetValue(type)!, parsed.GetValue(vswitch)!, parsed.GetValue(groups) is { Length: > 0 } g ? g : null),
                    ControlJson.Default.NewNode,
                    ControlJson.Default.NodeView,
                    ct);
                Console.WriteLine($"{made.Name} {made.InstanceId} {made.PrimaryIp}");
                return 0;
            },
            name,
            type,
            vswitch,
            groups));
        node.Subcommands.Add(LabCommandLine.Talk(
            "daemon",
            "Starts, stops or kills a node's terwayd.",
            async (parsed, client, ct) =>
            {
                var view = await client.PostAsync(
                    $"lab/nodes/{Uri.EscapeDataString(parsed.GetValue(name)!)}/daemon",
                    new DaemonRequest(parsed.GetValue(action)!),
                    ControlJson.Default.DaemonRequest,
                    ControlJson.Default.DaemonView,
                    ct);
                Console.WriteLine(view.Pid is { } pid
                    ? string.Create(CultureInfo.InvariantCulture, $"running, pid {pid}, ready after {view.ReadyMs:F0} ms")
                    : "not running");
                return 0;
            },
            name,
            action));
        node.Subcommands.Add(ExecCommand.Build("Runs a command in a node's network namespace.", async (client, wanted, ct) =>
            (await client.GetAsync("lab/nodes", ControlJson.Default.NodeViewArray, ct)).FirstOrDefault(n => n.Name == wanted) is { } found ? (found.Netns, found.Cgroup) : null));
        return node;
    }
}
