using System.Net;
using System.Net.Sockets;
using System.Text;
using Terway.Linux.Namespaces;

namespace Terway.Plugins.DataPathV2.Tests.Services;

/// <summary>Answers whatever it is asked, by TCP and UDP, with its own address.</summary>
internal sealed class BackendServer : IDisposable
{
    private readonly Socket _tcp;
    private readonly Socket _udp;
    private readonly byte[] _name;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loops;

    public BackendServer(NetNsThread thread, NetNs ns, IPAddress address, ushort port)
    {
        _name = Encoding.ASCII.GetBytes(address.ToString());
        _tcp = NetNsSocket.Create(thread, ns, address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _tcp.Bind(new IPEndPoint(address, port));
        _tcp.Listen(128);
        _udp = NetNsSocket.Create(thread, ns, address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        _udp.Bind(new IPEndPoint(address, port));
        _loops = Task.WhenAll(AcceptAsync(), AnswerAsync());
    }

    public void Dispose()
    {
        _stop.Cancel();
        _loops.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
        _tcp.Dispose();
        _udp.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true) _ = ServeAsync(await _tcp.AcceptAsync(_stop.Token));
    }

    private async Task ServeAsync(Socket client)
    {
        using var own = client;
        var buffer = new byte[16];
        try
        {
            while (await own.ReceiveAsync(buffer, _stop.Token) > 0) await own.SendAsync(_name, _stop.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // The client, or the test, has ended.
        }
    }

    private async Task AnswerAsync()
    {
        var buffer = new byte[16];
        var any = new IPEndPoint(_udp.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (true)
        {
            var received = await _udp.ReceiveFromAsync(buffer, any, _stop.Token);
            await _udp.SendToAsync(_name, received.RemoteEndPoint, _stop.Token);
        }
    }
}
