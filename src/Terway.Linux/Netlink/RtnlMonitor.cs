using System.Threading.Channels;
using Terway.Linux.Namespaces;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

/// <summary>
/// Listens to changes in one namespace, on one thread of its own. Changes made after the start has returned are not missed without a
/// <see cref="RtnlEvent.Resync"/>.
/// </summary>
public sealed class RtnlMonitor : IDisposable
{
    private const int RetryMilliseconds = 50;

    private readonly NetlinkSocket _socket;
    private readonly FdHandle _wake;
    private readonly Thread _thread;
    private readonly Func<RtnlEvent, bool> _deliver;
    private readonly Action<Exception> _onFault;
    private volatile bool _stopping;

    private RtnlMonitor(
        NetlinkSocket socket, RtnlGroups groups, Func<RtnlEvent, bool> deliver, Action<Exception> onFault, bool onlyRemovals = false)
    {
        _socket = socket;
        _deliver = deliver;
        _onFault = onFault;
        try
        {
            if (onlyRemovals)
                socket.OnlyRemovals();
            RtnlEventParser.Join(socket, groups);
            var wake = Libc.eventfd(0, sched.EFD_CLOEXEC | sched.EFD_NONBLOCK);
            _wake = wake >= 0 ? new FdHandle(wake) : throw new LinuxException(Libc.Errno, "eventfd of a netlink monitor");
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        _thread = new Thread(Loop) { IsBackground = true, Name = "rtnl-monitor" };
        _thread.Start();
    }

    /// <summary>Listens in the calling thread's namespace and calls <paramref name="handler"/>, in the kernel's order, on the monitor's thread.</summary>
    /// <param name="groups">what to listen to</param>
    /// <param name="handler">must be quick: the kernel's buffer (2 MiB, some thousand events) fills meanwhile</param>
    /// <param name="onFault">called once if the monitor ends by an error, its socket's or the handler's; no events follow</param>
    public static RtnlMonitor Start(RtnlGroups groups, Action<RtnlEvent> handler, Action<Exception> onFault) =>
        new(NetlinkSocket.Open(netlink.NETLINK_ROUTE), groups, Always(handler), onFault);

    /// <summary>
    /// As <see cref="Start(RtnlGroups, Action{RtnlEvent}, Action{Exception})"/>, but told only of what is gone: what is made or changed does not
    /// even wake the monitor's thread.
    /// </summary>
    /// <param name="groups">what to listen to</param>
    /// <param name="handler">must be quick: the kernel's buffer (2 MiB, some thousand events) fills meanwhile</param>
    /// <param name="onFault">called once if the monitor ends by an error, its socket's or the handler's; no events follow</param>
    public static RtnlMonitor StartForRemovals(RtnlGroups groups, Action<RtnlEvent> handler, Action<Exception> onFault) =>
        new(NetlinkSocket.Open(netlink.NETLINK_ROUTE), groups, Always(handler), onFault, onlyRemovals: true);

    /// <summary>Listens in <paramref name="ns"/> and calls <paramref name="handler"/>, in the kernel's order, on the monitor's thread.</summary>
    /// <param name="thread">opens the socket; the monitor's own thread stays in the caller's namespace</param>
    /// <param name="ns">where to listen</param>
    /// <param name="groups">what to listen to</param>
    /// <param name="handler">must be quick: the kernel's buffer (2 MiB, some thousand events) fills meanwhile</param>
    /// <param name="onFault">called once if the monitor ends by an error, its socket's or the handler's; no events follow</param>
    public static RtnlMonitor Start(NetNsThread thread, NetNs ns, RtnlGroups groups, Action<RtnlEvent> handler, Action<Exception> onFault) =>
        new(Open(thread, ns), groups, Always(handler), onFault);

    /// <summary>
    /// Listens in <paramref name="ns"/> and writes to a channel. When the channel is full events are dropped, and a
    /// <see cref="RtnlEvent.Resync"/> follows as soon as there is room. A fault completes the channel with its exception.
    /// </summary>
    /// <param name="thread">opens the socket; the monitor's own thread stays in the caller's namespace</param>
    /// <param name="ns">where to listen</param>
    /// <param name="groups">what to listen to</param>
    /// <param name="channel">a bounded channel whose full mode is Wait</param>
    public static RtnlMonitor Start(NetNsThread thread, NetNs ns, RtnlGroups groups, ChannelWriter<RtnlEvent> channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        return new(Open(thread, ns), groups, channel.TryWrite, e => channel.TryComplete(e));
    }

    /// <summary>Stops listening; returns when the handler has. Must not be called by the handler.</summary>
    public unsafe void Dispose()
    {
        if (_stopping)
            return;
        if (Thread.CurrentThread == _thread)
            throw new InvalidOperationException("a monitor's handler must not dispose the monitor: it would wait for itself");
        _stopping = true;
        var one = 1UL;
        _ = Libc.write(_wake.Fd, &one, sizeof(ulong));
        _thread.Join();
        _socket.Dispose();
        _wake.Dispose();
    }

    private static NetlinkSocket Open(NetNsThread thread, NetNs ns)
    {
        ArgumentNullException.ThrowIfNull(thread);
        ArgumentNullException.ThrowIfNull(ns);
        return NetlinkSocket.Open(thread, ns, netlink.NETLINK_ROUTE);
    }

    private static Func<RtnlEvent, bool> Always(Action<RtnlEvent> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return e =>
        {
            handler(e);
            return true;
        };
    }

    private void Loop()
    {
        try
        {
            var buffer = GC.AllocateUninitializedArray<byte>(64 * 1024);
            var lost = false;
            while (!_stopping)
            {
                if (lost)
                    lost = !_deliver(new RtnlEvent.Resync());
                Wait(lost ? RetryMilliseconds : -1);
                while (!_stopping && _socket.Receive(buffer, wait: false) is var received && received != -Errno.EAGAIN)
                    lost |= !Deliver(buffer, received, lost);
            }
        }
        catch (Exception e)
        {
            _onFault(e);
        }
    }

    /// <summary>False when something was lost.</summary>
    private bool Deliver(byte[] buffer, int received, bool lost)
    {
        if (received is -Errno.ENOBUFS or -Errno.EMSGSIZE)
            return false; // since then the kernel drops everything until this queue is empty: drain it, then resync
        if (received < 0)
            throw new LinuxException(-received, "receive netlink events");
        if (lost)
            return true; // the coming resync covers it
        var reader = new NetlinkReader(buffer.AsSpan(0, received));
        while (reader.TryNext(out var message))
        {
            if (RtnlEventParser.Parse(message) is { } change && !_deliver(change))
                return false;
        }

        return true;
    }

    private unsafe void Wait(int milliseconds)
    {
        var fds = stackalloc pollfd[2];
        fds[0] = new pollfd { fd = _socket.Fd, events = socket.POLLIN };
        fds[1] = new pollfd { fd = _wake.Fd, events = socket.POLLIN };
        if (Libc.poll(fds, 2, milliseconds) < 0 && Libc.Errno is var errno && errno != Errno.EINTR)
            throw new LinuxException(errno, "wait for netlink events");
    }
}
