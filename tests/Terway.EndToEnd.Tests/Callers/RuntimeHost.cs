using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Terway.Lab.Nodes;

namespace Terway.EndToEnd.Tests.Callers;

/// <summary>
/// Where a container runtime lives: the node's network namespace, with mounts and processes of its own. Its init reads from a pipe that
/// this process holds: when the pipe closes, on dispose or because the tests died, init ends, and with it the kernel ends every shim,
/// monitor and container, and drops every mount. Two things are shared with the machine: the folders of network namespaces, as on any node
/// where a daemon has to find the sandboxes, and cgroups, which are below one parent that goes at the end.
/// </summary>
internal sealed class RuntimeHost : IAsyncDisposable
{
    // Arguments: a folder whose mounts are shared with the machine, and folders of the machine that this runtime gets empty ones in place of.
    private const string Init = """
        set -e
        shared=$1
        shift
        while read -r _ _ _ _ target _; do
          case "$target" in
          /run/netns|/run/netns/*|"$shared") ;;
          *)
            # Others' mounts come and go meanwhile, and with them their copies here.
            if ! mount --make-private "$target"; then
              if mountpoint -q "$target"; then exit 1; fi
            fi
            ;;
          esac
        done </proc/self/mountinfo
        for folder; do
          mkdir -p "$folder"
          mount -t tmpfs -o mode=0700 terway-e2e "$folder"
        done
        echo ready
        exec 3<&0
        cat <&3 >/dev/null & wait $!
        """;

    private static readonly TimeSpan s_startLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_stopLimit = TimeSpan.FromSeconds(20);
    private readonly LabNode _node;
    private readonly Process _init;
    private readonly string _sharedFolder;

    private RuntimeHost(LabNode node, Process init, string sharedFolder)
    {
        _node = node;
        _init = init;
        _sharedFolder = sharedFolder;
        CgroupParent = $"/twt-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
    }

    /// <summary>Absolute, in every hierarchy.</summary>
    public string CgroupParent { get; }

    /// <param name="sharedFolder">where mounts of the runtime are seen by the machine too; they go with this host</param>
    public static async Task<RuntimeHost> StartAsync(LabNode node, string sharedFolder, CancellationToken ct)
    {
        Directory.CreateDirectory(sharedFolder);
        await SharedMount.MakeAsync(sharedFolder, ct);
        var start = new ProcessStartInfo("nsenter") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])
        [
            $"--net={node.NetNsPath}", "--",
            "unshare", "--mount", "--propagation", "unchanged", "--pid", "--fork", "--kill-child", "--mount-proc",
            "sh", "-c", Init, "init", sharedFolder, "/var/lib/cni", "/var/lib/containers", "/run/containerd", "/run/runc",
        ])
            start.ArgumentList.Add(argument);
        var init = Process.Start(start) ?? throw new InvalidOperationException("nsenter did not start");
        var host = new RuntimeHost(node, init, sharedFolder);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(s_startLimit);
            var line = await init.StandardOutput.ReadLineAsync(limit.Token);
            if (line != "ready")
                throw new InvalidOperationException($"mount and process namespaces on node {node.Name}: {await init.StandardError.ReadToEndAsync(limit.Token)}");
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a program to its end, inside.</summary>
    public Task<CommandResult> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken ct, IReadOnlyDictionary<string, string>? environment = null) =>
        NamespaceCommand.RunAsync(_node.NetNsPath, "nsenter", [.. Enter(), program, .. arguments], environment, null, ct);

    /// <summary>Starts a program that stays, inside; it ends with this host.</summary>
    public Process Start(string program, IReadOnlyList<string> arguments, string logFile)
    {
        var start = new ProcessStartInfo("nsenter");
        foreach (var argument in (string[])
        [
            $"--net={_node.NetNsPath}", "--", "nsenter", .. Enter(), "sh", "-c", "exec \"$@\" >>\"$0\" 2>&1 </dev/null", logFile, program, .. arguments,
        ])
            start.ArgumentList.Add(argument);
        return Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            _init.StandardInput.Close();
            using var limit = new CancellationTokenSource(s_stopLimit);
            await _init.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // unshare --kill-child: its end is init's.
            _init.Kill();
            await _init.WaitForExitAsync(CancellationToken.None);
        }

        _init.Dispose();
        await SharedMount.RemoveAsync(_sharedFolder);
        await RemoveCgroupsAsync();
    }

    // The process that made the namespaces is in the first and only its children are in the second.
    private string[] Enter()
    {
        var proc = string.Create(CultureInfo.InvariantCulture, $"/proc/{_init.Id}/ns");
        return [$"--mount={proc}/mnt", $"--pid={proc}/pid_for_children", "--"];
    }

    private async Task RemoveCgroupsAsync()
    {
        var mounts = Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup");
        foreach (var cgroup in mounts.Select(mount => mount + CgroupParent).Where(Directory.Exists).ToArray())
        {
            // Its processes are dead; the kernel takes them out of the group a moment later.
            for (var attempt = 0; Directory.Exists(cgroup); attempt++)
            {
                try
                {
                    RemoveTree(cgroup);
                }
                catch (IOException) when (attempt < 100)
                {
                    await Task.Delay(20);
                }
            }
        }
    }

    // Not recursive: the files in a cgroup cannot be removed, they go with their directory.
    private static void RemoveTree(string cgroup)
    {
        foreach (var child in Directory.EnumerateDirectories(cgroup))
            RemoveTree(child);
        Directory.Delete(cgroup);
    }
}
