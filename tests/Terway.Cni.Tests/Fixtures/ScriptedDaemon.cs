using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json;
using Terway.Cni.Wire;

namespace Terway.Cni.Tests.Fixtures;

/// <summary>
/// The daemon's side of the socket. Each connection is served by the next step of the script, the last one again and again. Strict: what is
/// no frame, no request of the schema, or has bytes after the request, fails the test at disposal.
/// </summary>
internal sealed class ScriptedDaemon : IAsyncDisposable
{
    internal delegate Task Step(Connection connection);

    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Exception> _violations = [];
    private readonly ConcurrentQueue<CniRequest> _requests = [];
    private readonly Step[] _script;
    private readonly Task _serving;
    private int _connections;

    public ScriptedDaemon(string path, params Step[] script)
    {
        _script = script;
        File.Delete(path);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen(64);
        _serving = Serve();
    }

    public IReadOnlyList<CniRequest> Requests => [.. _requests];

    public int Connections => Volatile.Read(ref _connections);

    public static Step Answers(CniResponse response) => async connection =>
    {
        await connection.ReadRequest();
        await FrameStream.WriteAsync(connection.Stream, response, WireJson.Default.CniResponse, connection.Stop);
    };

    public static Step AnswersBytes(params byte[] bytes) => async connection =>
    {
        await connection.ReadRequest();
        await connection.Stream.WriteAsync(bytes, connection.Stop);
    };

    /// <summary>The daemon is killed while it works on the call.</summary>
    public static Step Dies => connection => connection.ReadRequest();

    public static Step Hangs => async connection =>
    {
        await connection.ReadRequest();
        await Task.Delay(Timeout.Infinite, connection.Stop);
    };

    public static byte[] Frame(string json) => FrameStream.Encode(System.Text.Encoding.UTF8.GetBytes(json));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _serving;
        _stop.Dispose();
        Assert.Empty(_violations);
    }

    private async Task Serve()
    {
        var running = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync(_stop.Token);
                var index = Interlocked.Increment(ref _connections) - 1;
                running.Add(Converse(socket, _script[Math.Min(index, _script.Length - 1)]));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }

        await Task.WhenAll(running);
    }

    private async Task Converse(Socket socket, Step step)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            await step(new Connection(stream, _requests, _stop.Token));
        }
        catch (OperationCanceledException)
        {
        }
        catch (IOException e) when (e is not FrameException)
        {
            // The entrypoint went first; the test sees what it made of it.
        }
        catch (Exception e)
        {
            _violations.Enqueue(e);
        }
    }

    internal sealed record Connection(NetworkStream Stream, ConcurrentQueue<CniRequest> Requests, CancellationToken Stop)
    {
        public async Task ReadRequest()
        {
            var request = await FrameStream.ReadAsync(Stream, WireJson.Default.CniRequest, Stop)
                ?? throw new FrameException("the entrypoint connected and sent nothing");
            Assert.False(Stream.DataAvailable, "bytes after the request");
            Assert.Equal(CniRequest.CurrentProtocol, request.Protocol);
            Assert.Equal(JsonValueKind.Object, request.Config.ValueKind);
            Requests.Enqueue(request);
        }
    }
}
