using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Terway.Linux.Namespaces;

namespace Terway.Lab.Probing;

/// <summary>
/// Echo over TCP and UDP in a namespace. Before it echoes it says whom it sees: a TCP connection starts with one line, each UDP answer is
/// preceded by one line, the client's address and port. So a client learns what the network made of its source address.
/// </summary>
public sealed class EchoServer : IAsyncDisposable
{
    private const int BufferSize = 64 * 1024;

    // Seconds of datagrams: what is lost here on a busy machine would be taken for lost by the network.
    private const int ReceiveBuffer = 8 << 20;

    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _tcp;
    private readonly Socket _udp;
    private readonly Task _loops;

    private EchoServer(Socket tcp, Socket udp)
    {
        _tcp = tcp;
        _udp = udp;
        _loops = Task.WhenAll(AcceptAsync(_stop.Token), AnswerDatagramsAsync(_stop.Token));
    }

    /// <summary>Port that the lab's servers use.</summary>
    public const int DefaultPort = 7;

    public static EchoServer Start(NetNsThread thread, NetNs ns, int port = DefaultPort, AddressFamily family = AddressFamily.InterNetwork)
    {
        var any = new IPEndPoint(family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, port);
        var tcp = NetNsSocket.Create(thread, ns, family, SocketType.Stream, ProtocolType.Tcp);
        Socket? udp = null;
        try
        {
            tcp.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            if (family == AddressFamily.InterNetworkV6)
                tcp.DualMode = false;
            tcp.Bind(any);
            tcp.Listen(512);
            udp = NetNsSocket.Create(thread, ns, family, SocketType.Dgram, ProtocolType.Udp);
            if (family == AddressFamily.InterNetworkV6)
                udp.DualMode = false;
            NetNsSocket.ForceReceiveBuffer(udp, ReceiveBuffer);
            udp.Bind(any);
            return new EchoServer(tcp, udp);
        }
        catch
        {
            udp?.Dispose();
            tcp.Dispose();
            throw;
        }
    }

    /// <summary>One for each address family.</summary>
    public static EchoServer[] StartBoth(NetNsThread thread, NetNs ns, int port = DefaultPort)
    {
        var ipv4 = Start(thread, ns, port);
        try
        {
            return [ipv4, Start(thread, ns, port, AddressFamily.InterNetworkV6)];
        }
        catch
        {
            ipv4.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _tcp.Dispose();
        _udp.Dispose();
        await _loops.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AcceptAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                var client = await _tcp.AcceptAsync(ct);
                _ = ServeAsync(client, ct);
            }
            catch (SocketException) when (!ct.IsCancellationRequested)
            {
                // The client gave up before it was accepted.
            }
        }
    }

    private static async Task ServeAsync(Socket client, CancellationToken ct)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            using (client)
            {
                client.NoDelay = true;
                await SendAllAsync(client, Greeting(client.RemoteEndPoint!), ct);
                while (await client.ReceiveAsync(buffer, ct) is > 0 and var read)
                    await SendAllAsync(client, buffer.AsMemory(0, read), ct);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client went away, or the server stops: both end the connection and concern nobody else.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task AnswerDatagramsAsync(CancellationToken ct)
    {
        var buffer = new byte[BufferSize];
        var from = new IPEndPoint(_udp.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (!ct.IsCancellationRequested)
        {
            try
            {
                var received = await _udp.ReceiveFromAsync(buffer, from, ct);
                byte[] answer = [.. Greeting(received.RemoteEndPoint).Span, .. buffer.AsSpan(0, received.ReceivedBytes)];
                await _udp.SendToAsync(answer, received.RemoteEndPoint, ct);
            }
            catch (SocketException) when (!ct.IsCancellationRequested)
            {
                // An ICMP error about an earlier answer; the next datagram is somebody else's.
            }
        }
    }

    private static ReadOnlyMemory<byte> Greeting(EndPoint client) => Encoding.ASCII.GetBytes($"{client}\n");

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> data, CancellationToken ct)
    {
        while (data.Length > 0)
            data = data[await socket.SendAsync(data, ct)..];
    }
}
