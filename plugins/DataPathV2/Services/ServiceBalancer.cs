using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Terway.Linux;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Configuration;
using Terway.Plugins.DataPathV2.Pins;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>
/// Balances Services at the sockets of pods and node: loads the hooks, attaches them, and follows the Services. What is pinned goes on by itself when
/// this ends.
/// </summary>
internal sealed class ServiceBalancer : IAsyncDisposable
{
    private const int SolSocket = 1;
    private const int SoNetNsCookie = 71; // since Linux 5.14

    private static readonly TimeSpan s_firstLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);

    private readonly IPluginHost _host;
    private readonly DatapathSettings _settings;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReadOnlyList<IPAddress> _own = [];
    private readonly Func<IReadOnlyCollection<string>> _podNamespaces;
    private ServiceTable? _table;
    private StaleFlows? _stale;
    private GoneChoices? _choices;
    private PinnedMaps? _maps;
    private Task _loop = Task.CompletedTask;
    private int _disposed;

    /// <param name="host">The host.</param>
    /// <param name="settings">Sizes.</param>
    /// <param name="podNamespaces">Paths of the pods' network namespaces.</param>
    /// <param name="log">The plugin's.</param>
    public ServiceBalancer(IPluginHost host, DatapathSettings settings, Func<IReadOnlyCollection<string>> podNamespaces, ILogger log)
    {
        _podNamespaces = podNamespaces;
        _host = host;
        _settings = settings;
        _log = log;
    }

    /// <summary>What is in the maps; null when Services are not balanced here.</summary>
    public ServiceFigures? Figures
    {
        get
        {
            lock (_lock)
            {
                return _table is null || _maps is null ? null : new ServiceFigures(
                    _table.Services,
                    [
                        (ServicePins.Frontends, _table.Frontends, _maps[ServicePins.Frontends].MaxEntries),
                        (ServicePins.Slots, _table.Slots, _maps[ServicePins.Slots].MaxEntries),
                        (ServicePins.Members, _table.Members, _maps[ServicePins.Members].MaxEntries),
                    ],
                    _maps[ServicePins.Outcomes]);
            }
        }
    }

    /// <summary>Maps that remember whom sockets and clients met; none when Services are not balanced here.</summary>
    public IReadOnlyList<WatchedMap> Memories => _maps is null ? [] :
    [
        new(_maps[ServicePins.Choices], ServicePins.Choices, "max_service_flows", "clients that should stay with their backend may meet another"),
        new(_maps[ServicePins.Peers], ServicePins.Peers, "max_service_flows", "UDP sockets may hear from a backend instead of their Service, and stay with one that is gone"),
    ];

    /// <summary>Returns when what is known of Services is in force. Call from the node's namespace.</summary>
    /// <param name="objects">Folder of the compiled programs.</param>
    /// <param name="tooSmall">Told of a map that cannot be made as small as the settings say.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public async Task StartAsync(string objects, Action<MapShape, uint> tooSmall, CancellationToken cancellationToken)
    {
        _host.Report("services", null);
        if (!_settings.Services || _host.Services is not { } source)
        {
            await RemovePinsAsync(but: null, cancellationToken);
            return;
        }

        if (_host.CgroupRoot is not { } cgroup)
        {
            await RemovePinsAsync(but: null, cancellationToken);
            _host.Report("services", new Finding(FindingSeverity.Warning, "the node has no cgroup2 mounted: Services are left to its own stack", "mount one, or name it with --cgroup-root, and restart the daemon"));
            return;
        }

        await _host.EnsureNodeObjectsAsync(ServicePins.Folder, [new KernelObject.PinFolder(ServicePins.Folder, Tended: true)], cancellationToken);
        var folder = Path.Combine(_host.BpfFolder, ServicePins.Folder);
        _maps = PinnedMaps.Open(folder, MapShape.OfServices(_settings), tooSmall);
        ProgramConstant[] constants = [new("svc_ipv6", WithIpv6 ? 1u : 0u), new("svc_node", NetNsCookie(), IsLong: true)];
        var loaded = await new PinnedPrograms(_host.Store, folder, objects, ServicePins.Programs).UpdateAsync(_maps, constants, cancellationToken);
        if (loaded.Count > 0) Log.Loaded(_log, string.Join(", ", loaded));
        lock (_lock)
        {
            _stale = new StaleFlows(_host, _maps[ServicePins.Peers], _podNamespaces, Serves, _log);
            var pinned = new PinnedServiceMaps(_maps);
            _choices = new GoneChoices(pinned, _host.Time, _log);
            _table = ServiceTable.Open(pinned, View());
        }

        _loop = Task.Run(() => FollowAsync(source), CancellationToken.None);
        try
        {
            await _first.Task.WaitAsync(s_firstLimit, _host.Time, cancellationToken);
        }
        catch (TimeoutException)
        {
            _host.Report("services", new Finding(FindingSeverity.Warning, "the Services are not known yet", "it goes on in the background; see what the host says of their source"));
        }

        SocketHooks.Attach(folder, cgroup);
        // Both may have been attached for a moment: what one has translated is no Service to the other.
        await RemovePinsAsync(ServicePins.Folder, cancellationToken);
    }

    /// <summary>The node's addresses: to be told before the start, and whenever they change.</summary>
    public void Take(IReadOnlyList<IPAddress> own)
    {
        lock (_lock)
        {
            _own = own;
            if (_table is null) return;
            try
            {
                _stale!.Cut(_table.Apply(View()));
                _choices!.Forget(_table.TakeGoneSets());
            }
            catch (LinuxException e)
            {
                // The loop finds out with its next write; nothing else may be between the two.
                Log.ServicesFailed(_log, e.Message);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stopping.CancelAsync();
        await _loop;
        if (_stale is not null) await _stale.DisposeAsync();
        if (_choices is not null) await _choices.DisposeAsync();
        lock (_lock)
        {
            _table = null;
            _maps?.Dispose();
        }

        _stopping.Dispose();
    }

    private bool WithIpv6 => _host.Families.Any(static f => f.Family == AddressFamily.InterNetworkV6);

    private NodeView View() => new(_host.Node.NodeName, _host.Node.ZoneId, WithIpv6, _own);

    private async Task FollowAsync(IServiceSource source)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await foreach (var changes in source.WatchAsync(_stopping.Token))
                {
                    Apply(changes);
                    if (_first.TrySetResult()) Rehearsal.Run();
                }
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                // The plugin stops.
            }
#pragma warning disable CA1031 // whatever it is, Services must not stay as they are for good
            catch (Exception e)
#pragma warning restore CA1031
            {
                // What is in the maps is not known any more: read it again, and hear everything again.
                Log.ServicesFailed(_log, e.Message);
                _host.Report("services", new Finding(FindingSeverity.Warning, $"Services could not be written: {e.Message}", "it is tried again every second"));
                await Task.Delay(s_retry, _host.Time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                Reopen();
            }
        }
    }

    private void Apply(ServiceChanges changes)
    {
        lock (_lock)
        {
            _stale!.Cut(_table!.Apply(changes));
            _choices!.Forget(_table.TakeGoneSets());
            Report(_table);
        }
    }

    // Of every layout, later ones too: the plugin may have been set back.
    private async Task RemovePinsAsync(string? but, CancellationToken cancellationToken)
    {
        foreach (var folder in ServicePins.Folders.Where(f => f != but)) await _host.RemoveNodeObjectsAsync(folder, cancellationToken);
    }

    private bool Serves(SvcAddress asked, SvcAddress backend)
    {
        lock (_lock) return _table?.Serves(asked, backend) ?? true;
    }

    private void Reopen()
    {
        try
        {
            lock (_lock) _table = ServiceTable.Open(new PinnedServiceMaps(_maps!), View(), _table?.LastSet ?? 0);
        }
        catch (LinuxException e)
        {
            Log.ServicesFailed(_log, e.Message);
        }
    }

    private void Report(ServiceTable table)
    {
        var (refused, conflicts) = (table.Refused.FirstOrDefault(), table.Conflicts.FirstOrDefault());
        _host.Report("services", table.Refused.Count == 0 ? null : new Finding(
            FindingSeverity.Warning,
            $"{table.Refused.Count} Services are not balanced here, {refused.Key} among them: {refused.Value.Reason}",
            "raise the setting and restart the daemon; meanwhile the node's own stack has them"));
        _host.Report("services/conflicts", conflicts == default ? null : new Finding(
            FindingSeverity.Warning,
            $"{conflicts.Address} is claimed by {conflicts.Owner} and by {conflicts.Waiting}: it leads to the first of them",
            "give each Service addresses of its own"));
    }

    private static ulong NetNsCookie()
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            Span<byte> cookie = stackalloc byte[sizeof(ulong)];
            socket.GetRawSocketOption(SolSocket, SoNetNsCookie, cookie);
            return BitConverter.ToUInt64(cookie);
        }
        catch (SocketException)
        {
            // Older kernels: their first namespace is taken for the node's.
            return 0;
        }
    }
}
