using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Terway.Linux.Namespaces;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

/// <summary>A netlink socket: it belongs to the namespace it was opened in, whichever thread uses it. Not thread safe.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    private const int BufferBytes = 2 * 1024 * 1024;
    private const int AnswerSeconds = 30;

    private readonly FdHandle _handle;

    private NetlinkSocket(FdHandle handle, int receiveBuffer)
    {
        _handle = handle;
        try
        {
            Configure(receiveBuffer);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    public int Fd => _handle.Fd;

    public static NetlinkSocket Open(int protocol, int receiveBuffer = BufferBytes)
    {
        var fd = Libc.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol);
        return fd >= 0
            ? new(new FdHandle(fd), receiveBuffer)
            : throw new LinuxException(Libc.Errno, $"open netlink socket (protocol {protocol})");
    }

    public static NetlinkSocket Open(NetNsThread thread, NetNs ns, int protocol, int receiveBuffer = BufferBytes) =>
        new(thread.OpenSocket(ns, socket.AF_NETLINK, socket.SOCK_RAW, protocol), receiveBuffer);

    public void Join(int group) => SetOption(socket.SOL_NETLINK, netlink.NETLINK_ADD_MEMBERSHIP, group, $"join netlink group {group}");

    /// <summary>
    /// From now on the kernel keeps back whatever announces something new or changed, and hands over only what is gone: a listener for removals
    /// is not woken by every pod that starts. By classic BPF on the message type, whose last two bits are 1 for RTM_DEL* (rtnetlink.h).
    /// </summary>
    public void OnlyRemovals()
    {
        // Byte 4 is the type's lower one where numbers begin with their lower byte, as on every processor .NET and these nodes have.
        var program = stackalloc sock_filter[]
        {
            new() { code = filter.BPF_LD | filter.BPF_B | filter.BPF_ABS, k = 4 },
            new() { code = filter.BPF_ALU | filter.BPF_AND | filter.BPF_K, k = 3 },
            new() { code = filter.BPF_JMP | filter.BPF_JEQ | filter.BPF_K, k = 1, jf = 1 },
            new() { code = filter.BPF_RET | filter.BPF_K, k = uint.MaxValue },
            new() { code = filter.BPF_RET | filter.BPF_K, k = 0 },
        };
        var whole = new sock_fprog { len = 5, filter = program };
        if (Libc.setsockopt(Fd, socket.SOL_SOCKET, socket.SO_ATTACH_FILTER, &whole, (uint)sizeof(sock_fprog)) != 0)
            throw new LinuxException(Libc.Errno, "attach a filter to a netlink socket");
    }

    public void Send(ReadOnlySpan<byte> messages)
    {
        var kernel = new sockaddr_nl { nl_family = socket.AF_NETLINK };
        fixed (byte* p = messages)
        {
            while (true)
            {
                if (Libc.sendto(Fd, p, (nuint)messages.Length, 0, &kernel, (uint)sizeof(sockaddr_nl)) >= 0)
                    return;
                var errno = Libc.Errno;
                if (errno != Errno.EINTR)
                    throw new LinuxException(errno, $"send {messages.Length} bytes of netlink messages");
            }
        }
    }

    /// <summary>One datagram from the kernel into <paramref name="buffer"/>; a negative errno when there is none (ENOBUFS: some were lost).</summary>
    public int Receive(Span<byte> buffer, bool wait)
    {
        fixed (byte* p = buffer)
        {
            while (true)
            {
                sockaddr_nl sender;
                var length = (uint)sizeof(sockaddr_nl);
                var flags = socket.MSG_TRUNC | (wait ? 0 : socket.MSG_DONTWAIT);
                var received = Libc.recvfrom(Fd, p, (nuint)buffer.Length, flags, &sender, &length);
                if (received < 0)
                {
                    var errno = Libc.Errno;
                    if (errno == Errno.EINTR)
                        continue;
                    return -errno;
                }

                if (sender.nl_pid != 0)
                    continue; // only the kernel is listened to
                return received > buffer.Length ? -Errno.EMSGSIZE : (int)received;
            }
        }
    }

    public void Dispose() => _handle.Dispose();

    private void Configure(int receiveBuffer)
    {
        SetOption(socket.SOL_SOCKET, socket.SO_RCVBUFFORCE, receiveBuffer, "enlarge netlink receive buffer");
        SetOption(socket.SOL_SOCKET, socket.SO_SNDBUFFORCE, BufferBytes, "enlarge netlink send buffer");
        SetOption(socket.SOL_NETLINK, netlink.NETLINK_EXT_ACK, 1, "ask for extended acks");
        SetOption(socket.SOL_NETLINK, netlink.NETLINK_CAP_ACK, 1, "ask for short acks");
        // Since 4.20; without it dumps are complete and filtered here.
        var one = 1;
        _ = Libc.setsockopt(Fd, socket.SOL_NETLINK, netlink.NETLINK_GET_STRICT_CHK, &one, sizeof(int));
        // The kernel answers before send returns; a wait that long means a lost answer, and must not become a hang.
        var timeout = new timeval { tv_sec = AnswerSeconds };
        if (Libc.setsockopt(Fd, socket.SOL_SOCKET, socket.SO_RCVTIMEO, &timeout, (uint)sizeof(timeval)) != 0)
            throw new LinuxException(Libc.Errno, "set netlink receive timeout");
        var any = new sockaddr_nl { nl_family = socket.AF_NETLINK };
        if (Libc.bind(Fd, &any, (uint)sizeof(sockaddr_nl)) != 0)
            throw new LinuxException(Libc.Errno, "bind netlink socket");
    }

    private void SetOption(int level, int option, int value, string what)
    {
        if (Libc.setsockopt(Fd, level, option, &value, sizeof(int)) != 0)
            throw new LinuxException(Libc.Errno, what);
    }
}
