using System.Diagnostics;
using System.Text;

namespace Terway.Lab.Nodes;

/// <summary>Runs a program inside a network namespace, to its end.</summary>
public static class NamespaceCommand
{
    /// <param name="netnsPath">entered by nsenter, which, unlike <c>ip netns exec</c>, leaves mounts alone</param>
    /// <param name="cgroup">folder of a cgroup that the program joins; null leaves it in this process's</param>
    /// <param name="environment">added to this process's</param>
    /// <param name="stdin">null: /dev/null-like, closed at once</param>
    /// <exception cref="OperationCanceledException">The program was ended, and everything it started.</exception>
    public static async Task<CommandResult> RunAsync(
        string netnsPath,
        string program,
        IReadOnlyList<string> arguments,
        IReadOnlyDictionary<string, string>? environment,
        string? stdin,
        CancellationToken ct,
        string? cgroup = null)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var start = new ProcessStartInfo("nsenter")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        };
        start.ArgumentList.Add($"--net={netnsPath}");
        start.ArgumentList.Add("--");
        if (cgroup is not null)
        {
            foreach (var word in (string[])["sh", "-c", "echo 0 >\"$0/cgroup.procs\" && exec \"$@\"", cgroup])
                start.ArgumentList.Add(word);
        }

        start.ArgumentList.Add(program);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;

        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(ct);
            var error = process.StandardError.ReadToEndAsync(ct);
            await FeedAsync(process, stdin, ct);
            await process.WaitForExitAsync(ct);
            return new CommandResult(program, process.ExitCode, await output, await error, clock.Elapsed);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }
    }

    private static async Task FeedAsync(Process process, string? stdin, CancellationToken ct)
    {
        try
        {
            if (stdin is not null)
                await process.StandardInput.WriteAsync(stdin.AsMemory(), ct);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading its input; its exit code tells more than a broken pipe.
        }
    }
}
