using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Terway.Host.Observability;

/// <summary>Bounds of a <see cref="HttpResponder"/>.</summary>
internal sealed record HttpLimits
{
    /// <summary>Connections served at a time; others wait in the kernel until one ends, which <see cref="Connection"/> bounds.</summary>
    public int Connections { get; init; } = 8;

    /// <summary>For the request to come in whole.</summary>
    public TimeSpan Head { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>For everything.</summary>
    public TimeSpan Connection { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// Answers GET and HEAD on a listening socket: one request a connection, which is then closed. No web server: a daemon that is asked for three pages
/// every few seconds by one scraper should not keep 10 MiB for it.
/// </summary>
internal sealed partial class HttpResponder : IAsyncDisposable
{
    private const int Backlog = 64;

    private readonly Socket _listener;
    private readonly Func<string, CancellationToken, Task<HttpAnswer?>> _answer;
    private readonly HttpLimits _limits;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _slots;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    private HttpResponder(Socket listener, Func<string, CancellationToken, Task<HttpAnswer?>> answer, HttpLimits limits, ILogger log)
    {
        _listener = listener;
        _answer = answer;
        _limits = limits;
        _log = log;
        _slots = new SemaphoreSlim(limits.Connections, limits.Connections);
        _loop = Task.Run(AcceptAsync);
    }

    /// <summary>Listens on a bound socket, which it owns from now on.</summary>
    /// <param name="bound">The socket.</param>
    /// <param name="answer">From the path to the answer; null when there is no such page.</param>
    /// <param name="limits">Null for the usual.</param>
    /// <param name="log">Defects of <paramref name="answer"/> go there.</param>
    /// <exception cref="SocketException">The address is taken.</exception>
    public static HttpResponder Start(Socket bound, Func<string, CancellationToken, Task<HttpAnswer?>> answer, HttpLimits? limits, ILogger<HttpResponder> log)
    {
        bound.Listen(Backlog);
        return new HttpResponder(bound, answer, limits ?? new HttpLimits(), log);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _loop.ConfigureAwait(false);
        for (var i = 0; i < _limits.Connections; i++) await _slots.WaitAsync().ConfigureAwait(false);
        _slots.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                await _slots.WaitAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            try
            {
                var connection = await _listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                _ = ServeAsync(connection);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                _slots.Release();
                return;
            }
            catch (SocketException)
            {
                // Out of descriptors, or the caller was gone again: not at full speed.
                _slots.Release();
                await Task.Delay(100, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        try
        {
            using (connection)
            using (var whole = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
            {
                whole.CancelAfter(_limits.Connection);
                var (head, answer) = await ReadAsync(connection, whole.Token).ConfigureAwait(false);
                if (head is null && answer is null) return;
                answer ??= await AnswerAsync(head!, whole.Token).ConfigureAwait(false);
                await SendAsync(connection, answer, body: head?.Method != "HEAD", whole.Token).ConfigureAwait(false);
                await CloseAsync(connection, whole.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The caller is gone, or too slow.
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task<(HttpRequestHead? Head, HttpAnswer? Refusal)> ReadAsync(Socket connection, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(HttpRequestHead.MaxBytes);
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        reading.CancelAfter(_limits.Head);
        try
        {
            var received = 0;
            while (true)
            {
                var count = await connection.ReceiveAsync(buffer.AsMemory(received, HttpRequestHead.MaxBytes - received), reading.Token).ConfigureAwait(false);
                // Hung up before a whole request: nobody is there to answer.
                if (count == 0) return (null, null);
                received += count;
                var length = HttpRequestHead.LengthOf(buffer.AsSpan(0, received));
                if (length >= 0) return HttpRequestHead.Parse(buffer.AsSpan(0, length));
                if (received == HttpRequestHead.MaxBytes) return (null, HttpAnswer.Text(431, $"a request head has at most {HttpRequestHead.MaxBytes} bytes here"));
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, HttpAnswer.Text(408, "the request did not come in time"));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<HttpAnswer> AnswerAsync(HttpRequestHead head, CancellationToken cancellationToken)
    {
        try
        {
            return await _answer(head.Path, cancellationToken).ConfigureAwait(false) ?? HttpAnswer.Text(404, "there are /metrics, /healthz and /readyz");
        }
#pragma warning disable CA1031 // said, and this caller alone has no answer
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            LogFailed(_log, e, head.Path);
            return HttpAnswer.Text(500, "see the daemon's log");
        }
    }

    private static async Task SendAsync(Socket connection, HttpAnswer answer, bool body, CancellationToken cancellationToken)
    {
        var allow = answer.Status == 405 ? "Allow: GET, HEAD\r\n" : "";
        var head = Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {answer.Status} {Reason(answer.Status)}\r\nContent-Type: {answer.ContentType}\r\nContent-Length: {answer.Body.Length}\r\n{allow}Connection: close\r\n\r\n"));
        await SendAllAsync(connection, head, cancellationToken).ConfigureAwait(false);
        if (body) await SendAllAsync(connection, answer.Body, cancellationToken).ConfigureAwait(false);
    }

    private static async Task SendAllAsync(Socket connection, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0) bytes = bytes[await connection.SendAsync(bytes, cancellationToken).ConfigureAwait(false)..];
    }

    // A socket closed with unread bytes resets the connection, and the caller may lose the answer: what it still sends is read, up to a bound.
    private async Task CloseAsync(Socket connection, CancellationToken cancellationToken)
    {
        connection.Shutdown(SocketShutdown.Send);
        using var rest = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        rest.CancelAfter(_limits.Head);
        var buffer = ArrayPool<byte>.Shared.Rent(HttpRequestHead.MaxBytes);
        try
        {
            for (var left = 64 * 1024; left > 0;)
            {
                var count = await connection.ReceiveAsync(buffer, rest.Token).ConfigureAwait(false);
                if (count == 0) return;
                left -= count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static string Reason(int status) => status switch
    {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    };

    [LoggerMessage(EventId = 8001, Level = LogLevel.Error, Message = "{Path} could not be answered")]
    private static partial void LogFailed(ILogger log, Exception e, string path);
}
