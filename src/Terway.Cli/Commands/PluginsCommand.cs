using System.CommandLine;
using Google.Protobuf;
using Terway.Cli.Output;
using Terway.Host.Api.V1;

namespace Terway.Cli.Commands;

/// <summary>terway-cli plugins: the daemon's plugins with their states.</summary>
internal static class PluginsCommand
{
    private static readonly string[] s_bad = ["Rejected", "Faulted", "Degraded"];

    public static Command Create(Func<ParseResult, CliOutput> output, Func<ParseResult, NodeClient> client)
    {
        var command = new Command("plugins", "plugins, their versions and states. Exit code 1: a required plugin is rejected, faulted or degraded; 2: no daemon answers")
        {
            ExplainCommand.Create(output),
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var node = client(parsed);
            var status = await node.Node.GetStatusAsync(new GetStatusRequest(), cancellationToken: cancellationToken).ConfigureAwait(false);
            return Write([.. status.Plugins], output(parsed));
        });
        return command;
    }

    public static int Write(IReadOnlyList<PluginStatus> plugins, CliOutput output)
    {
        if (output.IsJson)
        {
            output.Line($"[{string.Join(',', plugins.Select(static p => JsonFormatter.Default.Format(p)))}]");
        }
        else
        {
            output.Table(
                ["plugin", "version", "state", "required", "roles", "why this version", "reason"],
                [.. plugins.Select(static p => new[] { p.Name, p.Version, p.State, p.Required ? "yes" : "no", string.Join(", ", p.Roles), p.Why, p.Reason })]);
        }

        return plugins.Any(static p => p.Required && s_bad.Contains(p.State)) ? ExitCode.Wrong : ExitCode.Ok;
    }
}
