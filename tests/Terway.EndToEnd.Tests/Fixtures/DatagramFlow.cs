using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Terway.Linux.Namespaces;

namespace Terway.EndToEnd.Tests.Fixtures;

/// <summary>Sends numbered datagrams to an echo server, one each millisecond as far as the machine keeps up, and counts which come back.</summary>
internal sealed class DatagramFlow : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(1);

    // Longer than any scheduling delay of a loaded machine: who is not back by then is lost.
    private static readonly TimeSpan s_late = TimeSpan.FromSeconds(5);

    // As the server's: seconds of datagrams.
    private const int ReceiveBuffer = 8 << 20;

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _end = new();
    private readonly Socket _socket;
    private readonly HashSet<long> _missing = [];
    private readonly Task _sending;
    private readonly Task _receiving;
    private long _sent;
    private TaskCompletionSource _none = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private DatagramFlow(Socket socket)
    {
        _socket = socket;
        _receiving = ReceiveAsync();
        _sending = SendAsync();
    }

    /// <summary>How many were sent so far.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    public static async Task<DatagramFlow> StartAsync(NetNsThread thread, NetNs from, IPEndPoint to, CancellationToken ct)
    {
        var socket = NetNsSocket.Create(thread, from, to.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        NetNsSocket.ForceReceiveBuffer(socket, ReceiveBuffer);
        await socket.ConnectAsync(to, ct);
        return new DatagramFlow(socket);
    }

    /// <summary>Ends the sending.</summary>
    /// <returns>The numbers of those that never came back.</returns>
    public async Task<IReadOnlyCollection<long>> StopAsync()
    {
        await _stop.CancelAsync();
        await _sending;
        Task none;
        lock (_missing)
        {
            if (_missing.Count == 0)
                return [];
            _none = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            none = _none.Task;
        }

        await Task.WhenAny(none, Task.Delay(s_late));
        lock (_missing)
            return [.. _missing];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _end.CancelAsync();
        await _sending;
        await _receiving;
        _socket.Dispose();
        _stop.Dispose();
        _end.Dispose();
    }

    private async Task SendAsync()
    {
        var payload = new byte[sizeof(long)];
        using var timer = new PeriodicTimer(s_interval);
        try
        {
            for (var number = 1L; await timer.WaitForNextTickAsync(_stop.Token); number++)
            {
                lock (_missing)
                    _missing.Add(number);
                BinaryPrimitives.WriteInt64BigEndian(payload, number);
                await _socket.SendAsync(payload, CancellationToken.None);
                Interlocked.Increment(ref _sent);
            }
        }
        catch (OperationCanceledException)
        {
            // Told to stop.
        }
    }

    private async Task ReceiveAsync()
    {
        var buffer = new byte[256];
        try
        {
            while (true)
            {
                // The server puts the sender's address in front.
                var length = await _socket.ReceiveAsync(buffer, _end.Token);
                lock (_missing)
                {
                    _missing.Remove(BinaryPrimitives.ReadInt64BigEndian(buffer.AsSpan(length - sizeof(long))));
                    if (_missing.Count == 0)
                        _none.TrySetResult();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }
}
