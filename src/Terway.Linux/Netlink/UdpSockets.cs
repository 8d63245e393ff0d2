using System.Net;
using System.Runtime.InteropServices;
using Terway.Linux.Namespaces;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

/// <summary>A connected UDP socket of a network namespace.</summary>
/// <param name="Cookie">What the kernel tells sockets apart by; the same that eBPF programs see.</param>
/// <param name="Remote">Whom it is connected to.</param>
public sealed record UdpSocket(ulong Cookie, IPEndPoint Remote)
{
    internal byte Family { get; init; }

    internal inet_diag_sockid Id { get; init; }
}

/// <summary>
/// Connected UDP sockets of one network namespace, through the kernel's socket diagnosis (sock_diag(7)). One thread at a time.
/// </summary>
public sealed unsafe class UdpSockets : IDisposable
{
    private readonly NetlinkSocket _socket;
    private readonly NetlinkWriter _request = new();
    private readonly byte[] _buffer = new byte[64 * 1024];

    private UdpSockets(NetlinkSocket socket) => _socket = socket;

    /// <summary>Of the calling thread's namespace.</summary>
    public static UdpSockets Open() => new(NetlinkSocket.Open(sock_diag.NETLINK_SOCK_DIAG));

    /// <summary>Of <paramref name="ns"/>, by a visit of <paramref name="thread"/>.</summary>
    public static UdpSockets Open(NetNsThread thread, NetNs ns)
    {
        ArgumentNullException.ThrowIfNull(thread);
        ArgumentNullException.ThrowIfNull(ns);
        return new(NetlinkSocket.Open(thread, ns, sock_diag.NETLINK_SOCK_DIAG));
    }

    /// <summary>All that are there now, IPv4 and IPv6.</summary>
    /// <exception cref="LinuxException">ENOENT: the kernel has no diagnosis of UDP sockets (CONFIG_INET_UDP_DIAG).</exception>
    public IReadOnlyList<UdpSocket> FindConnected()
    {
        var found = new List<UdpSocket>();
        foreach (var family in (byte[])[socket.AF_INET, socket.AF_INET6])
        {
            var request = new inet_diag_req_v2 { sdiag_family = family, sdiag_protocol = sock_diag.IPPROTO_UDP, idiag_states = 1u << sock_diag.TCP_ESTABLISHED };
            Send(sock_diag.SOCK_DIAG_BY_FAMILY, netlink.NLM_F_DUMP, in request);
            ReadAll(found);
        }

        return found;
    }

    /// <summary>
    /// Ends the socket's connection: its owner's next call, and one that waits now, fails with ECONNABORTED, as of a peer that is known to be gone.
    /// </summary>
    /// <returns>False when the socket is gone already.</returns>
    /// <exception cref="LinuxException">EOPNOTSUPP: the kernel cannot (CONFIG_INET_DIAG_DESTROY).</exception>
    public bool Abort(UdpSocket udp)
    {
        ArgumentNullException.ThrowIfNull(udp);
        var request = new inet_diag_req_v2 { sdiag_family = udp.Family, sdiag_protocol = sock_diag.IPPROTO_UDP, id = udp.Id };
        Send(sock_diag.SOCK_DESTROY, netlink.NLM_F_ACK, in request);
        var error = ReadAll(null);
        return error switch
        {
            0 => true,
            Errno.ENOENT => false,
            _ => throw new LinuxException(error, $"abort a UDP socket that is connected to {udp.Remote}"),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        _request.Dispose();
    }

    private void Send(ushort type, ushort flags, in inet_diag_req_v2 request)
    {
        _request.Clear();
        _request.Begin(type, flags, in request);
        _request.End();
        _socket.Send(_request.Written);
    }

    // The errno of the answer to a request; what a dump finds goes into the list.
    private int ReadAll(List<UdpSocket>? found)
    {
        while (true)
        {
            var length = _socket.Receive(_buffer, wait: true);
            if (length < 0) throw new LinuxException(-length, "read the kernel's answer about UDP sockets");
            var reader = new NetlinkReader(_buffer.AsSpan(0, length));
            while (reader.TryNext(out var message))
            {
                if (message.Type == netlink.NLMSG_DONE) return 0;
                if (message.Type == netlink.NLMSG_ERROR)
                {
                    var error = message.Payload.Length < sizeof(int) ? Errno.EIO : -MemoryMarshal.Read<int>(message.Payload);
                    return found is null || error == 0 ? error : throw new LinuxException(error, "list UDP sockets");
                }

                if (found is not null && message.Type == sock_diag.SOCK_DIAG_BY_FAMILY && message.Payload.Length >= sizeof(inet_diag_msg))
                    found.Add(Read(MemoryMarshal.Read<inet_diag_msg>(message.Payload)));
            }
        }
    }

    private static UdpSocket Read(inet_diag_msg message)
    {
        var bytes = new ReadOnlySpan<byte>(message.id.idiag_dst, message.idiag_family == socket.AF_INET ? 4 : 16);
        var cookie = ((ulong)message.id.idiag_cookie[1] << 32) | message.id.idiag_cookie[0];
        var port = (ushort)IPAddress.NetworkToHostOrder((short)message.id.idiag_dport);
        return new(cookie, new IPEndPoint(new IPAddress(bytes), port)) { Family = message.idiag_family, Id = message.id };
    }
}
