using System.CommandLine;
using System.Text.Json;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Config;
using Terway.Lab.Control;

namespace Terway.Lab.Commands;

/// <summary>What goes wrong in the running lab's cloud.</summary>
internal static class FaultCommands
{
    public static Command Build()
    {
        var faults = new Command("faults", "Faults that the cloud injects.");
        faults.Subcommands.Add(LabCommandLine.Talk("ls", "Lists faults and how often each struck.", static async (_, client, ct) =>
        {
            Console.WriteLine(await client.SendTextAsync(HttpMethod.Get, "lab/faults", null, ct));
            return 0;
        }));
        faults.Subcommands.Add(BuildAdd());
        faults.Subcommands.Add(BuildRemove());
        faults.Subcommands.Add(BuildPlay());
        faults.Subcommands.Add(BuildKinds());
        return faults;
    }

    private static Command BuildAdd()
    {
        var rule = new Argument<string>("json") { Description = "the fault, e.g. {\"kind\":\"latency\",\"api\":\"AttachNetworkInterface\",\"latencyMs\":2000}; - reads it from standard input" };
        return LabCommandLine.Talk(
            "add",
            "Adds a fault.",
            async (parsed, client, ct) =>
            {
                var json = parsed.GetValue(rule)!;
                Console.WriteLine(await client.SendTextAsync(HttpMethod.Post, "lab/faults", json == "-" ? await Console.In.ReadToEndAsync(ct) : json, ct));
                return 0;
            },
            rule);
    }

    private static Command BuildRemove()
    {
        var id = new Argument<string?>("id") { Description = "which; without it all", Arity = ArgumentArity.ZeroOrOne };
        return LabCommandLine.Talk(
            "rm",
            "Removes one fault, or all.",
            async (parsed, client, ct) =>
            {
                var path = parsed.GetValue(id) is { } one ? PathOf(one) : "lab/faults";
                await client.SendTextAsync(HttpMethod.Delete, path, null, ct);
                return 0;
            },
            id);
    }

    private static Command BuildPlay()
    {
        var file = new Argument<string>("file") { Description = "YAML or JSON with 'steps', each with 'at', 'add' and 'clear'" };
        var check = new Option<bool>("--check") { Description = "only look whether the file is right" };
        return LabCommandLine.Talk(
            "play",
            "Plays a scenario of faults that come and go by the clock; its faults go when it ends, also by Ctrl-C.",
            async (parsed, client, ct) =>
            {
                FaultScenario scenario;
                try
                {
                    scenario = FaultScenarioReader.ReadFile(parsed.GetValue(file)!);
                }
                catch (Exception e) when (e is LabConfigException or UnauthorizedAccessException)
                {
                    await Console.Error.WriteLineAsync($"terway-lab: {e.Message}");
                    return 2;
                }

                if (parsed.GetValue(check))
                {
                    Console.WriteLine($"{scenario.Source}: {scenario.Steps.Length} steps, {scenario.Length.TotalSeconds:0.###} s");
                    return 0;
                }

                try
                {
                    await new FaultScenarioPlayer(new LabFaults(client), TimeProvider.System, Console.Out).PlayAsync(scenario, ct);
                    return 0;
                }
                catch (FaultException e)
                {
                    await Console.Error.WriteLineAsync($"terway-lab: {e.Message}");
                    return 1;
                }
                catch (OperationCanceledException) when (ct.IsCancellationRequested)
                {
                    return 130;
                }
            },
            file,
            check);
    }

    private static Command BuildKinds()
    {
        var kinds = new Command("kinds", "Lists the kinds of faults with their fields and the APIs they can hit.");
        kinds.SetAction(static _ =>
        {
            foreach (var traits in FaultTraits.All)
            {
                Console.WriteLine(traits.Name);
                Console.WriteLine($"  fields: {string.Join(", ", traits.AllFields)}");
                if (traits.Apis.Count > 0)
                    Console.WriteLine($"  api:    {string.Join(", ", traits.Apis)}");
            }
        });
        return kinds;
    }

    private static string PathOf(string id) => $"lab/faults/{Uri.EscapeDataString(id)}";

    private sealed class LabFaults(LabClient client) : IFaultTarget
    {
        public async Task<string> AddAsync(FaultRule rule, CancellationToken ct)
        {
            try
            {
                using var answer = JsonDocument.Parse(await client.SendTextAsync(HttpMethod.Post, "lab/faults", FaultJson.Format(rule), ct));
                return answer.RootElement.GetProperty("id").GetString()!;
            }
            catch (LabRefusedException e)
            {
                throw new ArgumentException(e.Message, e);
            }
        }

        public async Task RemoveAsync(string id, CancellationToken ct)
        {
            try
            {
                await client.SendTextAsync(HttpMethod.Delete, PathOf(id), null, ct);
            }
            catch (LabRefusedException)
            {
                // Somebody else removed it.
            }
        }
    }
}
