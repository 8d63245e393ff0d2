using System.CommandLine;
using System.CommandLine.Parsing;
using Terway.Lab.Control;

namespace Terway.Lab.Commands;

/// <summary>The commands of terway-lab and what they share.</summary>
internal static class LabCommandLine
{
    public static Option<string> Dir { get; } = new("--dir", "-d")
    {
        Description = "folder of the lab: node folders, logs, control socket",
        DefaultValueFactory = static _ => Environment.GetEnvironmentVariable("TERWAY_LAB_DIR") is { Length: > 0 } dir ? dir : "/var/tmp/terway-lab",
        Recursive = true,
    };

    public static RootCommand Build()
    {
        var root = new RootCommand("An Alibaba Cloud region on this machine: cloud API, metadata, a strict VPC, nodes and pods in namespaces.");
        root.Options.Add(Dir);
        root.Subcommands.Add(UpCommand.Build());
        root.Subcommands.Add(UpCommand.BuildDown());
        root.Subcommands.Add(NodeCommands.Build());
        root.Subcommands.Add(PodCommands.Build());
        root.Subcommands.Add(NetworkCommands.BuildDrops());
        root.Subcommands.Add(NetworkCommands.BuildMatrix());
        root.Subcommands.Add(NetworkCommands.BuildLeaks());
        root.Subcommands.Add(CloudCommands.BuildCalls());
        root.Subcommands.Add(FaultCommands.Build());
        root.Subcommands.Add(CloudCommands.BuildRegion());
        root.Subcommands.Add(DemoCommand.Build());
        root.Subcommands.Add(ChaosCommand.Build());
        return root;
    }

    /// <summary>A command that talks to the running lab; what the lab refuses becomes one line and exit code 1.</summary>
    public static Command Talk(string name, string description, Func<ParseResult, LabClient, CancellationToken, Task<int>> action, params ReadOnlySpan<Symbol> symbols)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            switch (symbol)
            {
                case Option option:
                    command.Options.Add(option);
                    break;
                case Argument argument:
                    command.Arguments.Add(argument);
                    break;
            }
        }

        command.SetAction((parsed, ct) => GuardAsync(async () =>
        {
            using var client = new LabClient(Path.GetFullPath(parsed.GetValue(Dir)!));
            return await action(parsed, client, ct);
        }));
        return command;
    }

    public static async Task<int> GuardAsync(Func<Task<int>> action)
    {
        try
        {
            return await action();
        }
        catch (Exception e) when (e is LabUnreachableException or LabRefusedException or IOException or InvalidOperationException or FormatException)
        {
            await Console.Error.WriteLineAsync($"terway-lab: {e.Message}");
            return 1;
        }
    }
}
