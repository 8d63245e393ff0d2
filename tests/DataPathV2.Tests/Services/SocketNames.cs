using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Terway.Plugins.DataPathV2.Tests.Services;

/// <summary>getpeername(2) itself: .NET remembers whom a socket was connected to and does not ask.</summary>
internal static partial class SocketNames
{
    public static unsafe IPEndPoint Peer(Socket socket)
    {
        var raw = stackalloc byte[28];
        var length = 28u;
        Assert.Equal(0, getpeername((int)socket.Handle, raw, &length));
        var bytes = new ReadOnlySpan<byte>(raw, (int)length);
        var port = (bytes[2] << 8) | bytes[3];
        return new IPEndPoint(new IPAddress(length == 16 ? bytes.Slice(4, 4) : bytes.Slice(8, 16)), port);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int getpeername(int socket, byte* address, uint* length);
}
