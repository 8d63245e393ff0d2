using System.CommandLine;
using Grpc.Core;
using Terway.Cli.Commands;
using Terway.Cli.Output;
using Terway.Linux;

namespace Terway.Cli;

/// <summary>terway-cli: parses the command line, runs a command, and turns what goes wrong into a message and an exit code.</summary>
internal static class CommandLineProgram
{
    /// <summary>Runs a command line. Returns one of <see cref="ExitCode"/>.</summary>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error, bool terminal = false, CancellationToken cancellationToken = default)
    {
        var socket = new Option<string>("--socket")
        {
            Description = "the daemon's gRPC socket",
            DefaultValueFactory = static _ => new NodePaths().ApiSocket,
            Recursive = true,
        };
        var json = new Option<bool>("--json") { Description = "print JSON", Recursive = true };
        CliOutput Output(ParseResult parsed) => new(output, parsed.GetValue(json), terminal);
        NodeClient Client(ParseResult parsed) => new(parsed.GetRequiredValue(socket));
        var root = new RootCommand($"terway-cli: what Terway does on this node, and what a configuration would do. {ExitCode.Text}")
        {
            socket,
            json,
            StatusCommand.Create(Output, Client),
            PluginsCommand.Create(Output, Client),
            MappingCommand.Create(Output, Client),
            DoctorCommand.Create(Output, socket),
            BundleCommand.Create(output, socket),
            CapacityCommand.Create(Output),
            ValidateCommand.Create(Output),
        };
        var parsed = root.Parse(args);
        try
        {
            var code = await parsed.InvokeAsync(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false }, cancellationToken).ConfigureAwait(false);
            return parsed.Errors.Count > 0 ? ExitCode.CannotTell : code;
        }
        catch (CannotTellException e)
        {
            await error.WriteLineAsync(e.Message).ConfigureAwait(false);
        }
        catch (RpcException e) when (!cancellationToken.IsCancellationRequested)
        {
            var path = parsed.GetRequiredValue(socket);
            var reason = File.Exists(path) ? NodeClient.Explain(e) : "there is no such socket";
            await error.WriteLineAsync(
                $"no daemon answers on {path}: {reason}; is terwayd running on this node, and are you root? terway-cli doctor tells more").ConfigureAwait(false);
        }
        catch (Exception e) when (e is LinuxException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync(e.Message).ConfigureAwait(false);
        }

        return ExitCode.CannotTell;
    }
}
