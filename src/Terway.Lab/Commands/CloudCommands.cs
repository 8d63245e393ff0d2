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
}
