using System.CommandLine;
using Grpc.Core;
using Terway.Cli;
using Terway.Cli.Commands;

var socket = new Option<string>("--socket")
{
    Description = "the daemon's gRPC socket",
    DefaultValueFactory = _ => "/var/run/eni/eni.socket",
    Recursive = true,
};
var json = new Option<bool>("--json") { Description = "print JSON", Recursive = true };
var root = new RootCommand("terway-cli: what Terway does on this node") { socket, json };
Add("status", "whether this node serves pods, and what keeps it from it; exit code 1 when it does not", StatusCommand.RunAsync);
Add("plugins", "plugins, their versions and states", PluginsCommand.RunAsync);
Add("mapping", "which pod has which ENI and address", MappingCommand.RunAsync);
return await root.Parse(args).InvokeAsync().ConfigureAwait(false);

void Add(string name, string description, Func<NodeClient, bool, CancellationToken, Task<int>> run)
{
    var command = new Command(name, description);
    command.SetAction(async (parsed, cancellationToken) =>
    {
        var path = parsed.GetRequiredValue(socket);
        using var client = new NodeClient(path);
        try
        {
            return await run(client, parsed.GetValue(json), cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
        {
            await Console.Error.WriteLineAsync(
                $"no daemon answers on {path}: {e.Status.DebugException?.Message ?? e.Status.Detail}; is terwayd running on this node, and are you root?").ConfigureAwait(false);
            return 2;
        }
    });
    root.Add(command);
}
