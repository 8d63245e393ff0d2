using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Terway.Bench;

/// <summary>
/// Processes started by posix_spawn, timed from the call to the end of waitpid: System.Diagnostics.Process adds milliseconds of its own, which would
/// blur what is compared.
/// </summary>
internal static unsafe partial class Spawn
{
    private const int OpenReadOnly = 0;
    private const int OpenWriteCreateTruncate = 1 | 0x40 | 0x200;

    // sizeof(posix_spawn_file_actions_t) is 80 in glibc on 64-bit machines.
    private const int FileActionsSize = 128;

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Milliseconds from the call to the reaped exit.</returns>
    /// <exception cref="InvalidOperationException">It did not exit with 0.</exception>
    public static double Run(SpawnRequest request)
    {
        var begin = Stopwatch.GetTimestamp();
        var pid = Start(request);
        var status = Wait(pid);
        var took = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        Check(request, status);
        return took;
    }

    /// <summary>Starts all, then waits for all.</summary>
    /// <returns>Milliseconds from the first start to the last reaped exit.</returns>
    public static double RunTogether(IReadOnlyList<SpawnRequest> requests)
    {
        var pids = new int[requests.Count];
        var begin = Stopwatch.GetTimestamp();
        for (var i = 0; i < pids.Length; i++) pids[i] = Start(requests[i]);
        var statuses = new int[pids.Length];
        for (var i = 0; i < pids.Length; i++) statuses[i] = Wait(pids[i]);
        var took = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        for (var i = 0; i < pids.Length; i++) Check(requests[i], statuses[i]);
        return took;
    }

    private static int Start(SpawnRequest request)
    {
        var actions = stackalloc byte[FileActionsSize];
        ThrowOn(posix_spawn_file_actions_init(actions), "posix_spawn_file_actions_init");
        try
        {
            fixed (byte* path = request.Path, input = request.InputFile, output = request.OutputFile, argument = request.Path)
            fixed (byte* environment = request.Environment)
            {
                ThrowOn(posix_spawn_file_actions_addopen(actions, 0, input, OpenReadOnly, 0), "addopen stdin");
                ThrowOn(posix_spawn_file_actions_addopen(actions, 1, output, OpenWriteCreateTruncate, 0x180), "addopen stdout");
                var argv = stackalloc byte*[2];
                argv[0] = argument;
                argv[1] = null;
                var envp = stackalloc byte*[request.EnvironmentOffsets.Length + 1];
                for (var i = 0; i < request.EnvironmentOffsets.Length; i++) envp[i] = environment + request.EnvironmentOffsets[i];
                envp[request.EnvironmentOffsets.Length] = null;
                int pid;
                ThrowOn(posix_spawn(&pid, path, actions, null, argv, envp), $"posix_spawn {request.Name}");
                return pid;
            }
        }
        finally
        {
            _ = posix_spawn_file_actions_destroy(actions);
        }
    }

    private static int Wait(int pid)
    {
        int status;
        while (waitpid(pid, &status, 0) < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != 4) throw new Win32Exception(errno, "waitpid");
        }

        return status;
    }

    private static void Check(SpawnRequest request, int status)
    {
        if (status == 0) return;
        var output = File.ReadAllText(Encoding.UTF8.GetString(request.OutputFile).TrimEnd('\0'));
        throw new InvalidOperationException($"{request.Name} ended with status {status:x}: {output}");
    }

    private static void ThrowOn(int errno, string what)
    {
        if (errno != 0) throw new Win32Exception(errno, what);
    }

    [LibraryImport("libc")]
    private static partial int posix_spawn(int* pid, byte* path, void* actions, void* attributes, byte** argv, byte** envp);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_addopen(void* actions, int fd, byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitpid(int pid, int* status, int options);
}
