using System.CommandLine;
using System.Diagnostics;
using Terway.Lab.Control;

namespace Terway.Lab.Commands;

/// <summary><c>exec NAME -- COMMAND...</c> for nodes and pods, on this terminal.</summary>
internal static class ExecCommand
{
    public static Command Build(string description, Func<LabClient, string, CancellationToken, Task<(string Netns, string? Cgroup)?>> find)
    {
        var name = new Argument<string>("name");
        var command = new Argument<string[]>("command") { Description = "program and arguments, after --; without it a shell", Arity = ArgumentArity.ZeroOrMore };
        return LabCommandLine.Talk(
            "exec",
            description,
            async (parsed, client, ct) =>
            {
                var wanted = parsed.GetValue(name)!;
                var (netns, cgroup) = await find(client, wanted, ct) ?? throw new LabRefusedException($"there is no {wanted}");
                var start = new ProcessStartInfo("nsenter") { UseShellExecute = false };
                start.ArgumentList.Add($"--net={netns}");
                start.ArgumentList.Add("--");
                if (cgroup is not null)
                {
                    // Its sockets meet the node's hooks, as those of every process there.
                    foreach (var word in (string[])["sh", "-c", "echo 0 >\"$0/cgroup.procs\" && exec \"$@\"", cgroup])
                        start.ArgumentList.Add(word);
                }

                foreach (var word in parsed.GetValue(command) is { Length: > 0 } words ? words : [Environment.GetEnvironmentVariable("SHELL") ?? "sh"])
                    start.ArgumentList.Add(word);
                using var process = Process.Start(start) ?? throw new InvalidOperationException("nsenter did not start");
                await process.WaitForExitAsync(ct);
                return process.ExitCode;
            },
            name,
            command);
    }
}
