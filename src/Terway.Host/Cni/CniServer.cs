using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Terway.Cni.Wire;
using Terway.Host.Observability;
using Terway.Linux;

namespace Terway.Host.Cni;

/// <summary>
/// Serves the entrypoint on a unix socket: one framed request and one framed answer per connection. A caller that hangs up ends its ADD.
/// </summary>
internal sealed partial class CniServer : IAsyncDisposable
{
    private const int Backlog = 512;

    /// <summary>Calls served at the same time; a kubelet starts far fewer. Others wait in the backlog.</summary>
    private const int MaxConcurrent = 256;

    private static readonly TimeSpan s_readTimeout = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_undoReserve = TimeSpan.FromSeconds(6);

    private const long LongestCallMs = 3_600_000;

    private readonly Socket _listener;
    private readonly ICniCalls _handler;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _slots = new(MaxConcurrent, MaxConcurrent);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    private CniServer(Socket listener, ICniCalls handler, ILogger log)
    {
        _listener = listener;
        _handler = handler;
        _log = log;
        _loop = Task.Run(AcceptAsync);
    }

    /// <summary>Listens on <paramref name="path"/>, mode 0600. The caller holds the daemon's lock, so a socket file there is a left-over.</summary>
    public static CniServer Start(string path, ICniCalls handler, ILogger<CniServer> log)
    {
        File.Delete(path);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        listener.Listen(Backlog);
        return new CniServer(listener, handler, log);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _loop.ConfigureAwait(false);
        // Calls under way end with their own tokens; each holds a slot.
        for (var i = 0; i < MaxConcurrent; i++) await _slots.WaitAsync().ConfigureAwait(false);
        _slots.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _slots.WaitAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            Socket connection;
            try
            {
                connection = await _listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                _slots.Release();
                return;
            }
            catch (SocketException e)
            {
                _slots.Release();
                LogAcceptFailed(_log, e);
                await Task.Delay(100, CancellationToken.None).ConfigureAwait(false);
                continue;
            }

            _ = ServeAsync(connection);
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        try
        {
            using (connection)
            {
                var uid = PeerCredentials.Of(connection).UserId;
                if (uid != 0)
                {
                    LogRefused(_log, uid);
                    return;
                }

                await using var stream = new NetworkStream(connection, ownsSocket: false);
                CniRequest request;
                using (var reading = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
                {
                    reading.CancelAfter(s_readTimeout);
                    request = await FrameStream.ReadAsync(stream, WireJson.Default.CniRequest, reading.Token).ConfigureAwait(false)
                        ?? throw new FrameException("the caller sent nothing");
                }

                using var call = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                if (request.DeadlineMs > 0) call.CancelAfter(TimeFor(request.DeadlineMs));
                var hangUp = WatchHangUpAsync(connection, call);
                var begin = CniMetrics.Begin();
                CniResponse? response = null;
                try
                {
                    response = await _handler.HandleAsync(request, call.Token).ConfigureAwait(false);
                }
                finally
                {
                    CniMetrics.End(request.Verb, begin, response);
                }

                await FrameStream.WriteAsync(stream, response, WireJson.Default.CniResponse, _stop.Token).ConfigureAwait(false);
                connection.Shutdown(SocketShutdown.Both);
                await hangUp.ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or JsonException)
        {
            // The caller is gone or sent no request: whatever the call did is in the journal, and the runtime's DEL follows.
            LogConnectionLost(_log, e.Message);
        }
        catch (Exception e)
        {
            LogServeFailed(_log, e);
        }
        finally
        {
            _slots.Release();
        }
    }

    // The caller hears why, instead of giving up itself, and meets no half-done work when it comes again: some of its time is kept for undoing.
    private static TimeSpan TimeFor(long deadlineMs)
    {
        var given = TimeSpan.FromMilliseconds(Math.Min(deadlineMs, LongestCallMs));
        var reserve = given / 4 < s_undoReserve ? given / 4 : s_undoReserve;
        return given - reserve;
    }

    // The entrypoint sends nothing after its request: anything received, an end above all, means that nobody waits for the answer.
    private static async Task WatchHangUpAsync(Socket connection, CancellationTokenSource call)
    {
        try
        {
            await connection.ReceiveAsync(new byte[1], SocketFlags.None, CancellationToken.None).ConfigureAwait(false);
            await call.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            try
            {
                await call.CancelAsync().ConfigureAwait(false);
            }
            catch (ObjectDisposedException)
            {
                // The call ended first.
            }
        }
    }

    [LoggerMessage(EventId = 4001, Level = LogLevel.Error, Message = "Accepting a CNI call failed")]
    private static partial void LogAcceptFailed(ILogger log, Exception e);

    [LoggerMessage(EventId = 4002, Level = LogLevel.Warning, Message = "A process of uid {Uid} tried to make a CNI call and was refused")]
    private static partial void LogRefused(ILogger log, uint uid);

    [LoggerMessage(EventId = 4003, Level = LogLevel.Information, Message = "CNI connection lost: {Reason}")]
    private static partial void LogConnectionLost(ILogger log, string reason);

    [LoggerMessage(EventId = 4004, Level = LogLevel.Error, Message = "A CNI call failed unexpectedly")]
    private static partial void LogServeFailed(ILogger log, Exception e);
}
