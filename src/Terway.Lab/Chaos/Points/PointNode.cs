using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Terway.Lab.Cluster;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Runtime;

namespace Terway.Lab.Chaos.Points;

/// <summary>
/// One node whose daemon ends at given points. What ends is started again at once, as a kubelet does; calls go on as a container runtime repeats
/// them. Everything that is not as it should be ends up in <see cref="Problems"/>.
/// </summary>
internal sealed partial class PointNode : IAsyncDisposable
{
    private const int TryAgainLater = 11;
    private const int Attempts = 60;

    private static readonly TimeSpan s_probe = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(5);

    private readonly RunningLab _lab;
    private readonly LabNode _peer;
    private readonly ConcurrentDictionary<IPAddress, string> _holders;
    private readonly TerwaydProcess _daemon;
    private readonly string _armFile;
    private readonly string _logFile;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, PointPod> _pods = new(StringComparer.Ordinal);

    // What the runtime knows, from before an ADD until after its DEL.
    private readonly ConcurrentDictionary<CniAttachment, bool> _attachments = new();
    private readonly NodePower _power = new();
    private readonly PowerDisk? _disk;
    private readonly Task _supervision;
    private Task _afterBoot = Task.CompletedTask;
    private bool _wanted;
    private bool _started;
    private string? _armed;
    private string? _next;
    private string? _last;
    private long _mark;

    /// <param name="lab">The region.</param>
    /// <param name="node">The node, booted, without a daemon.</param>
    /// <param name="peer">Another node, which tries to reach pods.</param>
    /// <param name="options">How the daemon is run.</param>
    /// <param name="holders">Who has which address, of all nodes.</param>
    /// <param name="disk">What the node keeps its files on, when it loses power with its daemon; the node's from now on.</param>
    public PointNode(
        RunningLab lab, LabNode node, LabNode peer, TerwaydOptions options, ConcurrentDictionary<IPAddress, string> holders, PowerDisk? disk = null)
    {
        _disk = disk;
        _lab = lab;
        _peer = peer;
        _holders = holders;
        Node = node;
        _armFile = Path.Combine(node.Paths.Etc, "crash-at");
        _logFile = Path.Combine(node.Paths.Logs, "points");
        _daemon = new TerwaydProcess(
            node,
            options with
            {
                Environment = new Dictionary<string, string>(options.Environment) { ["TERWAY_CRASH_AT"] = "@" + _armFile, ["TERWAY_CRASH_LOG"] = _logFile },
            },
            lab.Ledger);
        _supervision = Task.Run(SuperviseAsync);
    }

    public LabNode Node { get; }

    /// <summary>Its pods have an ENI each.</summary>
    public bool Exclusive { get; init; }

    /// <summary>Its pods have an IPv6 address too.</summary>
    public bool Dual { get; init; }

    public ConcurrentQueue<string> Problems { get; } = new();

    /// <summary>The last point that was armed was reached.</summary>
    public bool Fired { get; private set; }

    public bool Started => _started;

    /// <summary>Where the daemon ends, the node loses power.</summary>
    public bool LosesPower => _disk is not null;

    /// <summary>Somebody took away what pods need, and no daemon may have had the time to put it back: they are not expected to be reachable.</summary>
    public bool Harmed { get; set; }

    public IReadOnlyList<PointPod> Pods => [.. _pods.Values.OrderBy(static p => p.Name, StringComparer.Ordinal)];

    public CniRuntime Runtime => _daemon.Runtime;

    public CniConfigList Network => _daemon.Network;

    /// <summary>Ends the daemon at a point from now on; null only records what is passed.</summary>
    /// <param name="first">Where it ends before that; what counts begins after this first end.</param>
    /// <param name="spot">As the daemon wants it told.</param>
    public void Arm(string? first, string? spot)
    {
        Fired = false;
        _mark = LogLength();
        (_armed, _next) = first is null ? (spot, null) : (first, spot ?? "");
        WriteArmed();
    }

    public void Disarm()
    {
        (_armed, _next) = (null, null);
        WriteArmed();
    }

    /// <summary>What the daemon passed since <see cref="Arm"/>, each once.</summary>
    public IReadOnlyList<CrashSpot> Passed() => [.. Lines(_mark).Select(CrashSpot.Parse).OfType<CrashSpot>().Distinct()];

    /// <summary>Points that the daemon knows by its types.</summary>
    public IReadOnlyList<string> Known() =>
        [.. Lines(0).Where(static l => l.StartsWith("known ", StringComparison.Ordinal)).Select(static l => l["known ".Length..]).Distinct()];

    public async Task StartDaemonAsync(CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            if (!_daemon.IsRunning) _daemon.Start();
            (_wanted, _started) = (true, true);
        }
        finally
        {
            _turn.Release();
        }
    }

    public async Task KillDaemonAsync(CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            _wanted = false;
            await _daemon.KillAsync(ct);
        }
        finally
        {
            _turn.Release();
        }
    }

    public async Task WaitReadyAsync(CancellationToken ct)
    {
        while (true)
        {
            try
            {
                if (await _power.RunAsync(IsReadyAsync, ct)) return;
            }
            catch (CniCallException)
            {
                // Not yet.
            }

            await Task.Delay(s_pause, ct);
        }
    }

    private async Task<bool> IsReadyAsync(CancellationToken ct)
    {
        if (!_daemon.IsListening || CniConfigList.LoadFirst(Node.Paths.CniConf) is not { } network) return false;
        await Runtime.StatusAsync(network, ct);
        return true;
    }

    /// <summary>Starts a pod: as often as it takes, a new sandbox each time.</summary>
    public async Task<PointPod> AddAsync(string name, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            CniAttachment? attachment = null;
            LabPod? sandbox = null;
            try
            {
                return await _power.RunAsync(
                    async token =>
                    {
                        sandbox = _lab.AddSandbox(Node, name);
                        attachment = new CniAttachment(sandbox.Identity, sandbox.NetNsPath);
                        _attachments[attachment] = true;
                        var result = await Runtime.AddAsync(Network, attachment, token);
                        var pod = new PointPod(name, sandbox, attachment, CniRuntime.AddressesOf(result));
                        if (pod.Addresses.Count != (Dual ? 2 : 1)) Problem($"{name} got {string.Join(" and ", pod.Addresses)}");
                        foreach (var address in pod.Addresses)
                        {
                            if (!_holders.TryAdd(address, name)) Problem($"{name} got {address}, which {_holders.GetValueOrDefault(address)} still has");
                        }

                        _lab.Serve(sandbox);
                        _pods[name] = pod;
                        return pod;
                    },
                    ct);
            }
            catch (CniCallException e)
            {
                if (e.Code != TryAgainLater) Problem($"ADD of {name} was refused for good: {e.Message}");
                await DeleteAsync(attachment!, ct);
                await _lab.RemoveSandboxAsync(sandbox!);
                if (attempt == Attempts) throw;
                await Task.Delay(s_pause, ct);
            }
        }
    }

    /// <summary>Ends a pod: DEL as often as it takes, then the sandbox.</summary>
    public async Task DeleteAsync(string name, CancellationToken ct)
    {
        var pod = Forget(name);
        await DeleteAsync(pod.Attachment, ct);
        await _lab.RemoveSandboxAsync(pod.Sandbox);
    }

    public async Task DeleteAsync(CniAttachment attachment, CancellationToken ct)
    {
        await RepeatAsync(token => Runtime.DeleteAsync(Network, attachment, token), ct);
        _attachments.TryRemove(attachment, out _);
    }

    /// <summary>Waits until CHECK is content with every pod.</summary>
    public async Task CheckAsync(CancellationToken ct)
    {
        foreach (var pod in Pods) await RepeatAsync(token => Runtime.CheckAsync(Network, pod.Attachment, token), ct);
    }

    /// <summary>Somebody takes a pod's NIC out of it, onto the node.</summary>
    public async Task TakeNicAsync(string name, CancellationToken ct)
    {
        string[] command = ["link", "set", "dev", "eth0", "netns", Node.NetNsPath, "name", "taken"];
        var result = await NamespaceCommand.RunAsync(_pods[name].Sandbox.NetNsPath, "ip", command, null, null, ct);
        if (result.ExitCode != 0) throw new InvalidOperationException($"ip {string.Join(' ', command)}: {result.Error.Trim()}");
    }

    /// <summary>The sandbox dies, and nobody calls DEL.</summary>
    public async Task LoseSandboxAsync(string name)
    {
        var pod = Forget(name);
        _attachments.TryRemove(pod.Attachment, out _);
        await _lab.RemoveSandboxAsync(pod.Sandbox);
    }

    /// <summary>A sandbox without a network, for calls of its own.</summary>
    public LabPod AddSandbox(string name) => _lab.AddSandbox(Node, name);

    public Task RemoveSandboxAsync(LabPod sandbox) => _lab.RemoveSandboxAsync(sandbox);

    /// <summary>GC with the pods that there are.</summary>
    public Task CollectGarbageAsync(CancellationToken ct) =>
        RepeatAsync(token => Runtime.CollectGarbageAsync(Network, _attachments.Keys, token), ct);

    /// <summary>A command in the node's namespace.</summary>
    public async Task ExecAsync(CancellationToken ct, params string[] command)
    {
        var result = await NamespaceCommand.RunAsync(Node.NetNsPath, command[0], command[1..], null, null, ct);
        if (result.ExitCode != 0) throw new InvalidOperationException($"{string.Join(' ', command)}: {result.Error.Trim()}");
    }

    /// <summary>Every pod reaches its node, and another node reaches it.</summary>
    public async Task CheckPodsAsync(string when, CancellationToken ct) => await Task.WhenAll(_pods.Values.SelectMany(p => p.Addresses.Select(a => (Pod: p, Address: a))).Select(async pair =>
    {
        var (pod, address) = pair;
        var to = await Probe.TcpAsync(_lab.Namespaces.Thread, _peer.NetNs, new IPEndPoint(address, EchoServer.DefaultPort), s_probe, ct: ct);
        if (!to.Ok && _pods.ContainsKey(pod.Name)) Problem($"{when}: {_peer.Name} cannot reach {pod.Name} at {address}: {to.Error}");
        var own = Node.Addresses.First(a => a.AddressFamily == address.AddressFamily);
        var from = await Probe.TcpAsync(_lab.Namespaces.Thread, pod.Sandbox.NetNs, new IPEndPoint(own, EchoServer.DefaultPort), s_probe, ct: ct);
        if (!from.Ok && _pods.ContainsKey(pod.Name)) Problem($"{when}: {pod.Name} at {address} cannot reach its node: {from.Error}");
    }));

    /// <summary>The pods work, they go, and nothing is left.</summary>
    public async Task VerifyAsync(TimeSpan patience, CancellationToken ct)
    {
        await WaitReadyAsync(ct);
        await (await AfterBootAsync(ct)).WaitAsync(ct);
        await CheckPodsAsync("at the end", ct);
        await Task.WhenAll(Pods.Select(p => DeleteAsync(p.Name, ct)));
        foreach (var leak in (await LeakAudit.FindAsync(_lab, Node, patience, ct)).All) Problem($"left: {leak}");
    }

    public void Problem(string text) => Problems.Enqueue(text);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _supervision;
        try
        {
            await _afterBoot;
        }
        catch (Exception e) when (e is OperationCanceledException or CniCallException or InvalidOperationException)
        {
            // Waited for, and told, where the node was looked at; here only its end counts.
        }

        await _daemon.DisposeAsync();
        foreach (var pod in _lab.PodsOf(Node)) await _lab.RemoveSandboxAsync(pod);
        foreach (var pod in Pods) Forget(pod.Name);
        if (_disk is not null) await _disk.DisposeAsync();
        _power.Dispose();
        _turn.Dispose();
        _stop.Dispose();
    }

    private async Task RepeatAsync(Func<CancellationToken, Task> call, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await _power.RunAsync(call, ct);
                return;
            }
            catch (CniCallException) when (attempt < Attempts)
            {
                await Task.Delay(s_pause, ct);
            }
        }
    }

    private PointPod Forget(string name)
    {
        _pods.TryRemove(name, out var pod);
        // From here on the address may be given again.
        foreach (var address in pod!.Addresses) _holders.TryRemove(new KeyValuePair<IPAddress, string>(address, name));
        return pod;
    }

    private async Task SuperviseAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(s_tick, _stop.Token);
                if (!_wanted || _daemon.IsRunning) continue;
                await _turn.WaitAsync(_stop.Token);
                try
                {
                    if (_wanted && !_daemon.IsRunning) await ReviveAsync(_stop.Token);
                }
                finally
                {
                    _turn.Release();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The node is no longer wanted.
        }
    }

    private async Task ReviveAsync(CancellationToken ct)
    {
        var spot = _armed;
        if (spot is null && !EndedLate()) Problem($"the daemon ended by itself, see {_daemon.LogFile}");
        if (_next is { } next)
        {
            (_armed, _next) = (next.Length > 0 ? next : null, null);
            _mark = LogLength();
        }
        else
        {
            Fired = _armed is not null;
            _armed = null;
        }

        WriteArmed();
        if (_disk is not null && spot is not null)
        {
            await LosePowerAsync(_disk, spot, ct);
            return;
        }

        if (!Harmed) await CheckPodsAsync("while no daemon runs", ct);
        _daemon.Start();
    }

    private async Task LosePowerAsync(PowerDisk disk, string spot, CancellationToken ct)
    {
        await _power.LoseAsync();
        PointPod[] dead = [.. Pods];
        await _lab.LosePowerAsync(Node);
        await disk.LosePowerAsync(ct);
        // A commit that was about to be written may have got as far as its middle.
        if (spot.EndsWith(":before", StringComparison.Ordinal)) PowerDisk.Tear(Path.Combine(Node.Paths.State, "state.db-wal"));
        // A tmpfs on a real node.
        foreach (var file in Directory.EnumerateFiles(Node.Paths.Run)) File.Delete(file);
        foreach (var pod in dead) Forget(pod.Name);
        _attachments.Clear();
        _power.Restore();
        _daemon.Start();
        _afterBoot = BringBackAsync(dead, _stop.Token);
    }

    // A kubelet after a boot: sandboxes that are dead are deleted, and their pods begun anew. Of every other one the runtime's memory is lost as well,
    // so that only GC tells of it.
    private async Task BringBackAsync(PointPod[] dead, CancellationToken ct)
    {
        await WaitReadyAsync(ct);
        await Task.WhenAll(dead.Where(static (_, i) => i % 2 == 0).Select(p => DeleteAsync(p.Attachment, ct)));
        await CollectGarbageAsync(ct);
        foreach (var pod in dead) await AddAsync(pod.Name, ct);
    }

    // Under the supervisor's turn: an end that it has not noticed yet is not overlooked.
    private async Task<Task> AfterBootAsync(CancellationToken ct)
    {
        while (_disk is not null && _wanted && !_daemon.IsRunning) await Task.Delay(s_tick, ct);
        await _turn.WaitAsync(ct);
        try
        {
            return _afterBoot;
        }
        finally
        {
            _turn.Release();
        }
    }

    // It passed the point just as it was disarmed.
    private bool EndedLate() => _last is { } last && Lines(_mark).LastOrDefault() == last.Replace("#1", "", StringComparison.Ordinal);

    private void WriteArmed()
    {
        if (_armed is not null) _last = _armed;
        File.WriteAllText(_armFile + ".next", _armed ?? "");
        File.Move(_armFile + ".next", _armFile, overwrite: true);
    }

    private long LogLength() => File.Exists(_logFile) ? new FileInfo(_logFile).Length : 0;

    private List<string> Lines(long from)
    {
        if (!File.Exists(_logFile)) return [];
        using var stream = new FileStream(_logFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        stream.Position = from;
        using var reader = new StreamReader(stream);
        var lines = new List<string>();
        while (reader.ReadLine() is { } line) lines.Add(line);
        return lines;
    }
}

/// <summary>A running pod.</summary>
/// <param name="Addresses">IPv4 first.</param>
internal sealed record PointPod(string Name, LabPod Sandbox, CniAttachment Attachment, IReadOnlyList<IPAddress> Addresses)
{
    public IPAddress Address => Addresses[0];
}
