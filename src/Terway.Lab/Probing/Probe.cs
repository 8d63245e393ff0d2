using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Terway.Linux.Namespaces;

namespace Terway.Lab.Probing;

/// <summary>Talks to an <see cref="EchoServer"/> from inside a namespace, as a process there would.</summary>
public static class Probe
{
    private const int PayloadSize = 64;
    private static readonly TimeSpan s_udpRetry = TimeSpan.FromMilliseconds(300);

    /// <summary>Connects, checks that an echo comes back whole, closes.</summary>
    /// <param name="source">to bind to; null lets the kernel choose</param>
    public static Task<ProbeResult> TcpAsync(
        NetNsThread thread, NetNs from, IPEndPoint to, TimeSpan timeout, IPAddress? source = null, int payload = PayloadSize, CancellationToken ct = default) =>
        RunAsync(timeout, async token =>
        {
            using var socket = await ConnectAsync(thread, from, to, source, token);
            using var stream = new NetworkStream(socket, ownsSocket: false);
            var seenAs = await ReadGreetingAsync(stream, token);
            var sent = RandomNumberGenerator.GetBytes(payload);
            // Sending and receiving at once: a large payload fills both directions' buffers.
            var sending = stream.WriteAsync(sent, token).AsTask();
            var received = new byte[payload];
            await stream.ReadExactlyAsync(received, token);
            await sending;
            if (!sent.AsSpan().SequenceEqual(received))
                throw new InvalidDataException("the echo differs from what was sent");
            // Both ends closed before this returns: no late FIN meets a network that changed meanwhile.
            socket.Shutdown(SocketShutdown.Send);
            if (await stream.ReadAsync(received.AsMemory(0, 1), token) != 0)
                throw new InvalidDataException("more came back than was sent");
            return seenAs;
        }, ct);

    /// <summary>Sends datagrams until one comes back, or the time is up.</summary>
    public static Task<ProbeResult> UdpAsync(
        NetNsThread thread, NetNs from, IPEndPoint to, TimeSpan timeout, IPAddress? source = null, int payload = PayloadSize, CancellationToken ct = default) =>
        RunAsync(timeout, async token =>
        {
            using var socket = NetNsSocket.Create(thread, from, to.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            if (source is not null)
                socket.Bind(new IPEndPoint(source, 0));
            await socket.ConnectAsync(to, token);
            var sent = RandomNumberGenerator.GetBytes(payload);
            var buffer = new byte[65536];
            while (true)
            {
                await socket.SendAsync(sent, token);
                using var round = CancellationTokenSource.CreateLinkedTokenSource(token);
                round.CancelAfter(s_udpRetry);
                try
                {
                    var length = await socket.ReceiveAsync(buffer, round.Token);
                    var newline = Array.IndexOf(buffer, (byte)'\n', 0, length);
                    if (newline >= 0 && buffer.AsSpan(newline + 1, length - newline - 1).SequenceEqual(sent))
                        return IPEndPoint.Parse(Encoding.ASCII.GetString(buffer, 0, newline));
                }
                catch (OperationCanceledException) when (!token.IsCancellationRequested)
                {
                    // Lost: once more.
                }
            }
        }, ct);

    /// <summary>A connected TCP socket that belongs to <paramref name="from"/>.</summary>
    public static async Task<Socket> ConnectAsync(NetNsThread thread, NetNs from, IPEndPoint to, IPAddress? source, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(to);
        var socket = NetNsSocket.Create(thread, from, to.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.NoDelay = true;
            if (source is not null)
                socket.Bind(new IPEndPoint(source, 0));
            await socket.ConnectAsync(to, ct);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    internal static async Task<IPEndPoint> ReadGreetingAsync(NetworkStream stream, CancellationToken ct)
    {
        var line = new byte[64];
        var length = 0;
        while (length < line.Length)
        {
            await stream.ReadExactlyAsync(line.AsMemory(length, 1), ct);
            if (line[length++] == (byte)'\n')
                return IPEndPoint.Parse(Encoding.ASCII.GetString(line, 0, length - 1));
        }

        throw new InvalidDataException("the other side is no echo server");
    }

    private static async Task<ProbeResult> RunAsync(TimeSpan timeout, Func<CancellationToken, Task<IPEndPoint>> attempt, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(timeout);
        try
        {
            var seenAs = await attempt(limit.Token);
            return new(true, clock.Elapsed, seenAs, null);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new(false, clock.Elapsed, null, $"no answer within {timeout.TotalSeconds:0.##} s");
        }
        catch (Exception e) when (e is SocketException or IOException or InvalidDataException)
        {
            return new(false, clock.Elapsed, null, e.Message);
        }
    }
}
