using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Terway.Linux;
using Terway.Linux.Netlink;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Configuration;

namespace Terway.Plugins.DataPathV2.Datapath;

/// <summary>
/// Keeps the map of networks that are the node's own business: its addresses as they come and go, link-local ones, and what the settings name.
/// </summary>
internal sealed class StackNetworks(IPluginHost host, DatapathSettings settings, ILogger log) : IAsyncDisposable
{
    private const string Key = "stack";

    private static readonly IPNetwork s_linkLocal = IPNetwork.Parse("169.254.0.0/16");

    // Who brings a link up adds several addresses.
    private static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(50);

    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stopping = new();
    private KernelObject[] _written = [];
    private RtnlMonitor? _monitor;
    private int _disposed;
    private IPAddress[] _own = [];
    private Task _loop = Task.CompletedTask;

    /// <summary>Told of the node's own addresses when it starts and whenever they change.</summary>
    public Action<IReadOnlyList<IPAddress>>? OwnChanged { get; init; }

    /// <summary>Call from the node's namespace. The networks are in force when it returns.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // The monitor first: what changes during the dump is told afterwards.
        _monitor = RtnlMonitor.Start(RtnlGroups.Addresses, _ => _changed.Writer.TryWrite(true), e => Log.AddressesNotWatched(log, e));
        await UpdateAsync(cancellationToken);
        _loop = Task.Run(FollowAsync, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _monitor?.Dispose();
        await _stopping.CancelAsync();
        await _loop;
        _stopping.Dispose();
    }

    private async Task FollowAsync()
    {
        try
        {
            while (await _changed.Reader.WaitToReadAsync(_stopping.Token))
            {
                await Task.Delay(s_gather, host.Time, _stopping.Token);
                while (_changed.Reader.TryRead(out _))
                {
                }

                try
                {
                    await UpdateAsync(_stopping.Token);
                }
                catch (Exception e) when (e is PodNetworkException or LinuxException)
                {
                    Log.NetworksFailed(log, e.Message);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The plugin stops.
        }
    }

    private async Task UpdateAsync(CancellationToken cancellationToken)
    {
        var families = host.Families.Select(static f => f.Family).ToHashSet();
        using var socket = RtnlSocket.Open();
        // Link-local IPv6 addresses are known by their prefix.
        IPAddress[] own = [.. socket.DumpAddresses().Select(static a => a.Address.Address).Concat(host.Node.Addresses)
            .Where(a => families.Contains(a.AddressFamily) && !a.IsIPv6LinkLocal && !IPAddress.IsLoopback(a))
            .Distinct().OrderBy(static a => a.ToString(), StringComparer.Ordinal)];
        if (!own.SequenceEqual(_own))
        {
            _own = own;
            OwnChanged?.Invoke(own);
        }

        KernelObject[] entries = [.. settings.HostStackNetworks.Where(n => families.Contains(n.BaseAddress.AddressFamily)).Append(s_linkLocal)
            .Concat(own.Select(static a => new IPNetwork(a, a.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)))
            .Distinct().OrderBy(static n => n.ToString(), StringComparer.Ordinal).Select(static n => Entries.Of(n))];
        // Every pod's link has an address of its own family's making, which is none of these.
        if (entries.SequenceEqual(_written)) return;
        await host.EnsureNodeObjectsAsync(Key, entries, cancellationToken);
        _written = entries;
    }
}
