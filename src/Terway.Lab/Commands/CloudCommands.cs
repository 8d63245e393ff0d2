using System.CommandLine;
using System.Globalization;
using Terway.Lab.Control;

namespace Terway.Lab.Commands;

/// <summary>The cloud's side; answers are shown as the JSON that the control socket gives.</summary>
internal static class CloudCommands
{
    public static Command BuildCalls()
    {
        var last = new Option<int>("--last") { Description = "how many of the last calls", DefaultValueFactory = static _ => 20 };
        var reset = new Option<bool>("--reset") { Description = "start counting anew" };
        return LabCommandLine.Talk(
            "calls",
            "Cloud API calls, counted by action, and the last ones.",
            async (parsed, client, ct) =>
            {
                var text = parsed.GetValue(reset)
                    ? await client.SendTextAsync(HttpMethod.Delete, "lab/calls", null, ct)
                    : await client.SendTextAsync(
                        HttpMethod.Get, string.Create(CultureInfo.InvariantCulture, $"lab/calls?last={parsed.GetValue(last)}"), null, ct);
                Console.WriteLine(text);
                return 0;
            },
            last,
            reset);
    }

    public static Command BuildRegion() => LabCommandLine.Talk("region", "Everything the region knows, as JSON.", static async (_, client, ct) =>
    {
        Console.WriteLine(await client.SendTextAsync(HttpMethod.Get, "lab/region", null, ct));
        return 0;
    });

    public static Command BuildFaults()
    {
        var rule = new Argument<string>("json") { Description = "the fault, e.g. {\"kind\":\"latency\",\"api\":\"AttachNetworkInterface\",\"latencyMs\":2000}; - reads it from standard input" };
        var id = new Argument<string?>("id") { Description = "which; without it all", Arity = ArgumentArity.ZeroOrOne };
        var faults = new Command("faults", "Faults that the cloud injects.");
        faults.Subcommands.Add(LabCommandLine.Talk("ls", "Lists faults and how often each struck.", static async (_, client, ct) =>
        {
            Console.WriteLine(await client.SendTextAsync(HttpMethod.Get, "lab/faults", null, ct));
            return 0;
        }));
        faults.Subcommands.Add(LabCommandLine.Talk(
            "add",
            "Adds a fault.",
            async (parsed, client, ct) =>
            {
                var json = parsed.GetValue(rule)!;
                Console.WriteLine(await client.SendTextAsync(HttpMethod.Post, "lab/faults", json == "-" ? await Console.In.ReadToEndAsync(ct) : json, ct));
                return 0;
            },
            rule));
        faults.Subcommands.Add(LabCommandLine.Talk(
            "rm",
            "Removes one fault, or all.",
            async (parsed, client, ct) =>
            {
                var path = parsed.GetValue(id) is { } one ? $"lab/faults/{Uri.EscapeDataString(one)}" : "lab/faults";
                await client.SendTextAsync(HttpMethod.Delete, path, null, ct);
                return 0;
            },
            id));
        return faults;
    }
}
