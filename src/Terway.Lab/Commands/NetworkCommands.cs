using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Terway.Lab.Control;

namespace Terway.Lab.Commands;

internal static class NetworkCommands
{
    public static Command BuildDrops()
    {
        var reset = new Option<bool>("--reset") { Description = "start counting anew" };
        return LabCommandLine.Talk(
            "drops",
            "What the VPC dropped, by reason, and the last packets.",
            async (parsed, client, ct) =>
            {
                if (parsed.GetValue(reset))
                {
                    await client.SendTextAsync(HttpMethod.Delete, "lab/drops", null, ct);
                    return 0;
                }

                var view = await client.GetAsync("lab/drops", ControlJson.Default.DropsView, ct);
                var table = new Table().AddColumns("reason", "packets").Border(TableBorder.Simple);
                foreach (var (reason, count) in view.Drops)
                    table.AddRow(count == 0 ? $"[grey]{reason}[/]" : $"[red]{reason}[/]", count.ToString(CultureInfo.InvariantCulture));
                foreach (var (counter, count) in view.Counters)
                    table.AddRow($"[grey]({counter})[/]", count.ToString(CultureInfo.InvariantCulture));
                AnsiConsole.Write(table);
                foreach (var drop in view.Last.Take(20))
                    Console.WriteLine(drop);
                return 0;
            },
            reset);
    }

    public static Command BuildMatrix() => LabCommandLine.Talk(
        "matrix",
        "Connects every pod and node to every other and to the outside; exit code 1 when a cell fails.",
        static async (_, client, ct) =>
        {
            var cells = System.Text.Json.JsonSerializer.Deserialize(
                await client.SendTextAsync(HttpMethod.Post, "lab/matrix", null, ct), ControlJson.Default.ConnectivityCellArray) ?? [];
            var to = cells.Select(static c => c.To).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
            var table = new Table().AddColumns([new TableColumn("from \\ to"), .. to.Select(static t => new TableColumn(Markup.Escape(t)))]).Border(TableBorder.Simple);
            foreach (var row in cells.GroupBy(static c => c.From).OrderBy(static r => r.Key, StringComparer.Ordinal))
            {
                table.AddRow([Markup.Escape(row.Key), .. to.Select(t => row.FirstOrDefault(c => c.To == t) switch
                {
                    null => "[grey].[/]",
                    { Ok: true } => "[green]ok[/]",
                    _ => "[red]FAIL[/]",
                })]);
            }

            AnsiConsole.Write(table);
            foreach (var cell in cells.Where(static c => !c.Ok))
                Console.WriteLine($"{cell.From} -> {cell.To}: {cell.Error}");
            return cells.All(static c => c.Ok) ? 0 : 1;
        });

    public static Command BuildLeaks() => LabCommandLine.Talk(
        "leaks",
        "Kernel objects on each node beyond those of a fresh one and of its attached ENIs; those of running pods count. Exit code 1 when there are any.",
        static async (_, client, ct) =>
        {
            var nodes = await client.GetAsync("lab/leaks", ControlJson.Default.LeaksViewArray, ct);
            foreach (var node in nodes)
            {
                Console.WriteLine($"{node.Node}: {node.Objects.Length}");
                foreach (var o in node.Objects)
                    Console.WriteLine($"  {o}");
            }

            return nodes.All(static n => n.Objects.Length == 0) ? 0 : 1;
        });
}
