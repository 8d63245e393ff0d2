using System.CommandLine;
using Google.Protobuf;
using Terway.Cli.Output;
using Terway.Host.Api.V1;

namespace Terway.Cli.Commands;

/// <summary>terway-cli status: whether this node serves pods, and what keeps it from it.</summary>
internal static class StatusCommand
{
    public static Command Create(Func<ParseResult, CliOutput> output, Func<ParseResult, NodeClient> client)
    {
        var command = new Command("status", "whether this node serves pods, and what keeps it from it. Exit code 1: it takes no new pods; 2: no daemon answers");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var node = client(parsed);
            return Write(await node.Node.GetStatusAsync(new GetStatusRequest(), cancellationToken: cancellationToken).ConfigureAwait(false), output(parsed));
        });
        return command;
    }

    public static int Write(NodeStatus status, CliOutput output)
    {
        if (output.IsJson) output.Line(JsonFormatter.Default.Format(status));
        else WriteText(status, output);
        return status.Ready ? ExitCode.Ok : ExitCode.Wrong;
    }

    private static void WriteText(NodeStatus status, CliOutput output)
    {
        output.Line($"{status.NodeName}  {status.InstanceId}  {status.InstanceType}  terwayd {status.Version}");
        output.Line(status.Ready ? "ready" : $"NOT READY: {status.Reason}");
        output.Line($"pods {status.Attachments}, of which being taken away {status.Detaching}");
        foreach (var pool in status.Pools)
        {
            output.Line(
                $"{pool.Provider}: {pool.InUse} in use, {pool.Idle} idle, {pool.CoolingDown} cooling down, of at most {pool.Total}"
                + (pool.Exhausted.Length > 0 ? $"; EXHAUSTED: {pool.Exhausted}" : ""));
        }

        foreach (var finding in status.Findings) output.Line($"{finding.Severity}: {finding.Path}: {finding.Reason}; {finding.Fix}");
    }
}
