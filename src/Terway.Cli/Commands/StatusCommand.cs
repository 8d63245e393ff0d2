using Google.Protobuf;
using Spectre.Console;
using Terway.Host.Api.V1;

namespace Terway.Cli.Commands;

internal static class StatusCommand
{
    public static async Task<int> RunAsync(NodeClient client, bool json, CancellationToken cancellationToken)
    {
        var status = await client.Node.GetStatusAsync(new GetStatusRequest(), cancellationToken: cancellationToken).ConfigureAwait(false);
        if (json)
        {
            Console.WriteLine(JsonFormatter.Default.Format(status));
            return status.Ready ? 0 : 1;
        }

        AnsiConsole.WriteLine($"{status.NodeName}  {status.InstanceId}  {status.InstanceType}  terwayd {status.Version}");
        AnsiConsole.WriteLine(status.Ready ? "ready" : $"NOT READY: {status.Reason}");
        AnsiConsole.WriteLine($"pods {status.Attachments}, of which being taken away {status.Detaching}");
        foreach (var pool in status.Pools)
        {
            AnsiConsole.WriteLine(
                $"{pool.Provider}: {pool.InUse} in use, {pool.Idle} idle, {pool.CoolingDown} cooling down, of at most {pool.Total}"
                + (pool.Exhausted.Length > 0 ? $"; EXHAUSTED: {pool.Exhausted}" : ""));
        }

        foreach (var finding in status.Findings)
        {
            AnsiConsole.WriteLine($"{finding.Severity}: {finding.Path}: {finding.Reason}; {finding.Fix}");
        }

        return status.Ready ? 0 : 1;
    }
}
