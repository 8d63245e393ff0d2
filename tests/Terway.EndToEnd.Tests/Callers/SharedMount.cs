using System.Diagnostics;

namespace Terway.EndToEnd.Tests.Callers;

/// <summary>A folder that is a mount of its own, shared: what is mounted below it in one mount namespace is so in all that have it.</summary>
internal static class SharedMount
{
    public static async Task MakeAsync(string folder, CancellationToken ct)
    {
        await RunAsync("mount", ["--bind", folder, folder], ct);
        await RunAsync("mount", ["--make-shared", folder], ct);
    }

    /// <summary>Unmounts everything below the folder, whoever mounted it, and the folder.</summary>
    public static async Task RemoveAsync(string folder)
    {
        // In the order they were mounted; field 5 is where (proc_pid_mountinfo(5)).
        var mounts = File.ReadLines("/proc/self/mountinfo")
            .Select(static line => line.Split(' ')[4])
            .Where(target => target == folder || target.StartsWith(folder + "/", StringComparison.Ordinal));
        foreach (var target in mounts.Reverse().ToArray())
            await RunAsync("umount", ["--lazy", target], CancellationToken.None);
    }

    private static async Task RunAsync(string program, IEnumerable<string> arguments, CancellationToken ct)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })
            ?? throw new InvalidOperationException($"{program} did not start");
        var error = await process.StandardError.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {error.Trim()}");
    }
}
