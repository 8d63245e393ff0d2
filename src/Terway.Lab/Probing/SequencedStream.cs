using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Terway.Linux.Namespaces;

namespace Terway.Lab.Probing;

/// <summary>
/// A long-lived TCP connection to an <see cref="EchoServer"/> that sends numbered messages and checks that each comes back, in order:
/// what a pod's established connections notice of a daemon that restarts.
/// </summary>
public sealed class SequencedStream : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _socket;
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly Task _loop;
    private long _messages;
    private long _longestTicks;
    private volatile string? _failure;

    private SequencedStream(Socket socket, TimeSpan interval, TimeProvider time)
    {
        _socket = socket;
        _interval = interval;
        _time = time;
        _loop = RunAsync(_stop.Token);
    }

    /// <summary>Messages that came back.</summary>
    public long Messages => Interlocked.Read(ref _messages);

    /// <summary>The longest that a message took to come back.</summary>
    public TimeSpan LongestRoundTrip => TimeSpan.FromTicks(Interlocked.Read(ref _longestTicks));

    /// <summary>Why the stream broke, null while it has not.</summary>
    public string? Failure => _failure;

    /// <summary>True when the connection broke, or a message was lost or changed.</summary>
    public bool Interrupted => _failure is not null;

    /// <param name="interval">between messages</param>
    public static async Task<SequencedStream> OpenAsync(
        NetNsThread thread, NetNs from, IPEndPoint to, TimeSpan interval, TimeProvider time, CancellationToken ct)
    {
        var socket = await Probe.ConnectAsync(thread, from, to, null, ct);
        try
        {
            using var stream = new NetworkStream(socket, ownsSocket: false);
            await Probe.ReadGreetingAsync(stream, ct);
            return new SequencedStream(socket, interval, time);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Ends the stream; <see cref="Interrupted"/> stays as it was.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken ct)
    {
        try
        {
            using var stream = new NetworkStream(_socket, ownsSocket: false);
            var sent = new byte[sizeof(long)];
            var received = new byte[sizeof(long)];
            for (var number = 1L; ; number++)
            {
                var start = _time.GetTimestamp();
                BinaryPrimitives.WriteInt64BigEndian(sent, number);
                await stream.WriteAsync(sent, ct);
                await stream.ReadExactlyAsync(received, ct);
                if (BinaryPrimitives.ReadInt64BigEndian(received) is var echoed && echoed != number)
                {
                    _failure = $"message {number} came back as {echoed}";
                    return;
                }

                Interlocked.Exchange(ref _longestTicks, Math.Max(LongestRoundTrip.Ticks, _time.GetElapsedTime(start).Ticks));
                Interlocked.Increment(ref _messages);
                await Task.Delay(_interval, _time, ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Stopped on purpose.
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            _failure = $"after {Messages} messages: {e.Message}";
        }
    }
}
