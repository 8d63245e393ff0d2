using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Terway.Linux.Namespaces;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>Sends frames as they are, however short, by a packet socket (packet(7)).</summary>
internal sealed class FrameSender(NetNsThread thread, NetNs ns, int link) : IDisposable
{
    private readonly Socket _socket = thread.Run(ns, static () => new Socket(AddressFamily.Packet, SocketType.Raw, ProtocolType.Unspecified));
    private readonly LinkEndPoint _to = new(link);

    public void Send(byte[] frame) => Assert.Equal(frame.Length, _socket.SendTo(frame, _to));

    public void Dispose() => _socket.Dispose();

    /// <summary>struct sockaddr_ll with nothing but a link.</summary>
    private sealed class LinkEndPoint(int link) : EndPoint
    {
        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily.Packet, 20);
            MemoryMarshal.Write(address.Buffer.Span[4..], link);
            return address;
        }
    }
}
