using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Terway.Lab.Runtime;

namespace Terway.Lab.Nodes;

/// <summary>
/// terwayd on one node: started in the node's namespace with the node's folders, stopped as systemd or a kubelet would, or killed. Its
/// output is appended to <c>logs/terwayd.log</c>. One caller at a time.
/// </summary>
public sealed partial class TerwaydProcess : IAsyncDisposable
{
    private const int SigTerm = 15;
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(10);
    private readonly LabNode _node;
    private readonly TerwaydOptions _options;
    private readonly LabLedger? _ledger;
    private readonly string _socket;
    private Process? _process;

    public TerwaydProcess(LabNode node, TerwaydOptions options, LabLedger? ledger = null)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(options);
        _node = node;
        _options = options;
        _ledger = ledger;
        EniConf = options.EniConf;
        Arguments = options.Arguments;
        _socket = " " + Path.Combine(node.Paths.Run, "cni.socket");
        Runtime = new CniRuntime(node.NetNsPath, options.CniBinDirs, node.Paths.CniCache);
    }

    /// <summary>The pool's configuration; a change counts from the next <see cref="Start"/> on.</summary>
    public string EniConf { get; set; }

    /// <summary>Beside those that every node's daemon has; of the next start.</summary>
    public IReadOnlyList<string> Arguments { get; set; }

    /// <summary>Calls the node's CNI plugins as its container runtime would.</summary>
    public CniRuntime Runtime { get; }

    public string LogFile => Path.Combine(_node.Paths.Logs, "terwayd.log");

    public int? Pid => IsRunning ? _process!.Id : null;

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>
    /// Whether the daemon listens for CNI calls, as the kernel has it. To be looked at before a plugin is executed to find out: while a daemon starts
    /// that would take the processor away from it.
    /// </summary>
    public bool IsListening
    {
        get
        {
            if (Pid is not { } pid)
                return false;
            try
            {
                return File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/net/unix"))
                    .Any(line => line.EndsWith(_socket, StringComparison.Ordinal) && line.Contains(" 00010000 ", StringComparison.Ordinal));
            }
            catch (IOException)
            {
                // It ended just now.
                return false;
            }
        }
    }

    /// <summary>What the daemon wrote as the node's network configuration.</summary>
    /// <exception cref="InvalidOperationException">There is none: the daemon was never ready.</exception>
    public CniConfigList Network => CniConfigList.LoadFirst(_node.Paths.CniConf)
        ?? throw new InvalidOperationException($"node {_node.Name} has no CNI configuration in {_node.Paths.CniConf}: terwayd was not ready yet, see {LogFile}");

    /// <summary>Writes the configuration and executes the daemon; returns at once, see <see cref="WaitReadyAsync"/>.</summary>
    public void Start()
    {
        if (IsRunning)
            throw new InvalidOperationException($"terwayd runs on node {_node.Name} already, pid {Pid}");
        var config = Path.Combine(_node.Paths.Etc, "eni_conf");
        File.WriteAllText(config, EniConf);

        var start = new ProcessStartInfo("nsenter") { UseShellExecute = false };
        // Each step replaces the one before, so that the process id is the daemon's.
        const string Script = "[ -z \"$1\" ] || echo 0 >\"$1/cgroup.procs\"; shift; exec \"$@\" >>\"$0\" 2>&1 </dev/null";
        foreach (var argument in (string[])[$"--net={_node.NetNsPath}", "--", "sh", "-c", Script, LogFile, _node.CgroupPath ?? ""])
            start.ArgumentList.Add(argument);
        if (_options.Program.EndsWith(".dll", StringComparison.Ordinal))
            start.ArgumentList.Add("dotnet");
        start.ArgumentList.Add(_options.Program);
        foreach (var argument in CommandLine(config))
            start.ArgumentList.Add(argument);
        start.Environment["NODE_NAME"] = _node.Name;
        start.Environment["ECS_ENDPOINT"] = _options.OpenApiEndpoint.ToString();
        start.Environment["VPC_ENDPOINT"] = _options.OpenApiEndpoint.ToString();
        foreach (var (name, value) in _options.Environment)
            start.Environment[name] = value;

        // Those who look meanwhile see the old process, which has ended, or the new one.
        using var old = _process;
        _process = Process.Start(start) ?? throw new InvalidOperationException("nsenter did not start");
        _ledger?.RecordProcess(_process.Id);
    }

    /// <summary>Ready: the configuration file is there and STATUS succeeds.</summary>
    /// <exception cref="InvalidOperationException">The daemon ended, or was not ready in time; the message has the end of its log.</exception>
    public async Task<TimeSpan> WaitReadyAsync(TimeSpan timeout, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        var why = "it wrote no CNI configuration";
        while (clock.Elapsed < timeout)
        {
            if (!IsRunning)
                throw new InvalidOperationException($"terwayd on node {_node.Name} ended with {_process?.ExitCode}; {LogTail()}");
            try
            {
                if (IsListening && CniConfigList.LoadFirst(_node.Paths.CniConf) is { } network)
                {
                    await Runtime.StatusAsync(network, ct);
                    return clock.Elapsed;
                }
            }
            catch (CniCallException e)
            {
                why = e.Message;
            }

            await Task.Delay(s_poll, ct);
        }

        throw new InvalidOperationException($"terwayd on node {_node.Name} was not ready within {timeout.TotalSeconds} s: {why}; {LogTail()}");
    }

    /// <summary>SIGTERM, and SIGKILL when it has not ended 10 seconds later.</summary>
    /// <returns>False when it had to be killed.</returns>
    public async Task<bool> StopAsync(CancellationToken ct)
    {
        if (_process is not { HasExited: false } process)
            return true;
        if (Signal(process.Id, SigTerm) != 0 && !process.HasExited)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(s_grace);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            _ledger?.ForgetProcess(process.Id);
            return true;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            await KillAsync(ct);
            return false;
        }
    }

    /// <summary>SIGKILL: what a power loss or the out-of-memory killer does.</summary>
    public async Task KillAsync(CancellationToken ct)
    {
        if (_process is not { HasExited: false } process)
            return;
        process.Kill();
        await process.WaitForExitAsync(ct);
        _ledger?.ForgetProcess(process.Id);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync(CancellationToken.None);
        _process?.Dispose();
    }

    private IEnumerable<string> CommandLine(string config) =>
    [
        "--config", config,
        "--run-dir", _node.Paths.Run,
        "--state-dir", _node.Paths.State,
        "--plugin-dir", _options.PluginDir,
        "--cni-conf-dir", _node.Paths.CniConf,
        "--bpf-dir", _node.Paths.Bpf,
        "--metadata-endpoint", _options.MetadataEndpoint.ToString(),
        "--manifests", _node.Paths.Manifests,
        .. _node.CgroupPath is { } cgroup ? (string[])["--cgroup-root", cgroup] : [],
        .. Arguments,
    ];

    private string LogTail()
    {
        if (!File.Exists(LogFile))
            return "it logged nothing";
        var lines = File.ReadLines(LogFile).TakeLast(20);
        return string.Create(CultureInfo.InvariantCulture, $"the end of {LogFile}:\n{string.Join('\n', lines)}");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Signal(int pid, int signal);
}
