using System.Net.Sockets;
using Terway.Linux.Native;

namespace Terway.Linux.Namespaces;

/// <summary>Ordinary .NET sockets that belong to another network namespace.</summary>
public static class NetNsSocket
{
    /// <summary>
    /// A socket opened inside <paramref name="ns"/>. Bind, connect, send and receive go through that namespace, whichever thread
    /// calls, synchronous or asynchronous. Accepted sockets belong to it too.
    /// </summary>
    /// <exception cref="ArgumentException">The family is neither IPv4 nor IPv6.</exception>
    public static Socket Create(NetNsThread thread, NetNs ns, AddressFamily family, SocketType type, ProtocolType protocol)
    {
        ArgumentNullException.ThrowIfNull(thread);
        ArgumentNullException.ThrowIfNull(ns);
        var nativeFamily = family switch
        {
            AddressFamily.InterNetwork => socket.AF_INET,
            AddressFamily.InterNetworkV6 => socket.AF_INET6,
            _ => throw new ArgumentException($"address family {family} is not supported here: use IPv4 or IPv6", nameof(family)),
        };
        var nativeType = type switch
        {
            SocketType.Stream => socket.SOCK_STREAM,
            SocketType.Dgram => socket.SOCK_DGRAM,
            SocketType.Raw => socket.SOCK_RAW,
            _ => throw new ArgumentException($"socket type {type} is not supported here: use Stream, Dgram or Raw", nameof(type)),
        };
        var nativeProtocol = protocol switch
        {
            ProtocolType.Unspecified => 0,
            ProtocolType.IcmpV6 => 58,
            _ => (int)protocol,
        };
        using var handle = thread.OpenSocket(ns, nativeFamily, nativeType, nativeProtocol);
        var owned = new SafeSocketHandle(handle.Fd, ownsHandle: true);
        handle.SetHandleAsInvalid();
        return new Socket(owned);
    }

    /// <summary>Enlarges what the kernel keeps of what was received and not read yet, beyond the node's limit (net.core.rmem_max).</summary>
    /// <param name="receiver">Any socket.</param>
    /// <param name="bytes">Of packets with what the kernel adds to each: a small datagram counts as about 768.</param>
    /// <exception cref="SocketException">CAP_NET_ADMIN is missing.</exception>
    public static void ForceReceiveBuffer(Socket receiver, int bytes)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        receiver.SetRawSocketOption(socket.SOL_SOCKET, socket.SO_RCVBUFFORCE, BitConverter.GetBytes(bytes));
    }
}
