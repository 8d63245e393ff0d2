using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>
/// Ends connected UDP sockets whose backend is gone: no hook ever sees them again, and they would send to nobody for ever. Only those that a hook sent there,
/// and only when their Service leads there no more. Costs nothing until a backend goes.
/// </summary>
internal sealed class StaleFlows : IAsyncDisposable
{
    private readonly IPluginHost _host;
    private readonly ILogger _log;
    private readonly Func<IReadOnlyCollection<string>> _namespaces;
    private readonly Func<SvcAddress, SvcAddress, bool> _serves;
    private readonly BpfMap _peers;
    private readonly NetNsThread _visitor = NetNsThread.Start();
    private readonly Lock _lock = new();
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private HashSet<SvcAddress> _vanished = [];
    private readonly Task _loop;

    /// <summary>Call from the node's namespace.</summary>
    /// <param name="host">For findings.</param>
    /// <param name="peers">What sockets asked for when they were sent to a backend.</param>
    /// <param name="namespaces">Paths of the pods' network namespaces.</param>
    /// <param name="serves">Whether an address leads to a backend now.</param>
    /// <param name="log">For what was ended.</param>
    public StaleFlows(IPluginHost host, BpfMap peers, Func<IReadOnlyCollection<string>> namespaces, Func<SvcAddress, SvcAddress, bool> serves, ILogger log)
    {
        _host = host;
        _peers = peers;
        _namespaces = namespaces;
        _serves = serves;
        _log = log;
        _loop = Task.Run(FollowAsync);
    }

    /// <summary>Clients may still be bound to these, without a protocol. Returns at once.</summary>
    public void Cut(IReadOnlySet<SvcAddress> vanished)
    {
        if (vanished.Count == 0) return;
        lock (_lock) _vanished.UnionWith(vanished);
        _signal.Writer.TryWrite(true);
    }

    public async ValueTask DisposeAsync()
    {
        _signal.Writer.TryComplete();
        await _loop;
        _visitor.Dispose();
    }

    private async Task FollowAsync()
    {
        while (await _signal.Reader.WaitToReadAsync())
        {
            _signal.Reader.TryRead(out _);
            HashSet<SvcAddress> vanished;
            lock (_lock) (vanished, _vanished) = (_vanished, []);
            var ended = 0;
            string? failure = null;
            foreach (var path in _namespaces().Append(null))
            {
                try
                {
                    ended += CutIn(path, vanished);
                }
                catch (LinuxException e) when (e.Errno == Errno.ENOENT && path is not null && !File.Exists(path))
                {
                    // The pod went meanwhile.
                }
                catch (LinuxException e)
                {
                    failure = e.Message;
                }
            }

            if (ended > 0) Log.FlowsEnded(_log, ended);
            _host.Report("services/udp", failure is null ? null : new Finding(
                FindingSeverity.Warning, $"UDP sockets whose backend is gone cannot be ended: {failure}", "the kernel needs CONFIG_INET_UDP_DIAG and CONFIG_INET_DIAG_DESTROY; until then such clients have to connect anew by themselves"));
        }
    }

    // Null: the node's own namespace.
    private int CutIn(string? path, HashSet<SvcAddress> vanished)
    {
        using var ns = path is null ? null : NetNs.Open(path);
        using var sockets = UdpSockets.Open(_visitor, ns ?? _visitor.Home);
        var ended = 0;
        foreach (var socket in sockets.FindConnected())
        {
            var backend = SvcAddress.Of(socket.Remote.Address, (ushort)socket.Remote.Port);
            if (!vanished.Contains(backend)) continue;
            var peer = new SvcPeer { Cookie = socket.Cookie, Addr = backend.Addr, Port = backend.Port };
            if (!_peers.TryLookup(in peer, out SvcAddress asked) || _serves(asked, backend)) continue;
            if (sockets.Abort(socket)) ended++;
        }

        return ended;
    }
}
