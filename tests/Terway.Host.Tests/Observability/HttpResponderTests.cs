using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Host.Observability;

namespace Terway.Host.Tests.Observability;

/// <summary>The responder against callers that keep to HTTP, and against the others.</summary>
public sealed class HttpResponderTests : IAsyncLifetime
{
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(30);

    private static readonly byte[] s_huge = new byte[32 * 1024 * 1024];

    private readonly HttpLimits _limits = new() { Connections = 4, Head = TimeSpan.FromMilliseconds(300), Connection = TimeSpan.FromSeconds(2) };
    private HttpResponder _responder = null!;
    private IPEndPoint _address = null!;
    private int _asked;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _address = (IPEndPoint)socket.LocalEndPoint!;
        _responder = HttpResponder.Start(socket, AnswerAsync, _limits, NullLogger<HttpResponder>.Instance);
        return default;
    }

    public ValueTask DisposeAsync() => _responder.DisposeAsync();

    [Fact]
    public async Task Clients_of_the_runtime_understand_the_answers()
    {
        using var client = new HttpClient { BaseAddress = new Uri($"http://{_address}") };
        Assert.Equal("page", await client.GetStringAsync("/page?x=1", Token));
        using var missing = await client.GetAsync("/nothing", Token);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        using var head = await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/page"), Token);
        Assert.Equal((HttpStatusCode.OK, 4L, ""), (head.StatusCode, head.Content.Headers.ContentLength, await head.Content.ReadAsStringAsync(Token)));
        using var post = await client.PostAsync("/page", new StringContent("body"), Token);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, post.StatusCode);
        Assert.Equal(["GET", "HEAD"], post.Content.Headers.Allow);
        using var broken = await client.GetAsync("/throws", Token);
        Assert.Equal(HttpStatusCode.InternalServerError, broken.StatusCode);
    }

    [Theory]
    [InlineData("GET /page HTTP/1.1\r\nHost: x\r\n\r\n", 200)]
    [InlineData("GET /page HTTP/1.0\r\n\r\n", 200)]
    [InlineData("GET http://node:9098/page HTTP/1.1\r\nHost: x\r\n\r\n", 200)]
    [InlineData("GET /page HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 200)]
    [InlineData("GET /page HTTP/1.1\r\nHost: x\r\n\r\nGET /page HTTP/1.1\r\nHost: x\r\n\r\n", 200)]
    [InlineData("GET /page HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /page HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400)]
    [InlineData("GET /page HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 400)]
    [InlineData("GET /page HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)]
    [InlineData("GET /page HTTP/1.1\r\nHost : x\r\n\r\n", 400)]
    [InlineData("GET /page HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400)]
    [InlineData("GET /page HTTP/1.1\nHost: x\n\r\n\r\n", 400)]
    [InlineData("GET /page HTTP/1.1\r\nHost: x\rY: z\r\n\r\n", 400)]
    [InlineData("GET /page HTTP/1.1\r\nHost: \0\r\n\r\n", 400)]
    [InlineData("GET  /page HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
    [InlineData("GET /page\r\nHost: x\r\n\r\n", 400)]
    [InlineData("GET page HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
    [InlineData("GET http:///page HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
    [InlineData("\r\n\r\n", 400)]
    [InlineData("G@T /page HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
    [InlineData("get /page HTTP/1.1\r\nHost: x\r\n\r\n", 405)]
    [InlineData("DELETE /page HTTP/1.1\r\nHost: x\r\n\r\n", 405)]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 405)]
    [InlineData("GET /page/ HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
    [InlineData("GET /../page HTTP/1.1\r\nHost: x\r\n\r\n", 404)]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)]
    public async Task Every_request_has_the_answer_that_HTTP_gives_it(string request, int status) =>
        Assert.Equal(status, StatusOf(await ExchangeAsync(Encoding.Latin1.GetBytes(request))));

    [Fact]
    public async Task Requests_may_come_byte_by_byte()
    {
        using var socket = await ConnectAsync();
        foreach (var b in Encoding.ASCII.GetBytes("GET /page HTTP/1.1\r\nHost: x\r\n\r\n")) await socket.SendAsync(new[] { b }, Token);
        Assert.Equal(200, StatusOf(await ReadAsync(socket)));
    }

    [Fact]
    public async Task Heads_are_bounded()
    {
        Assert.Equal(431, StatusOf(await ExchangeAsync(Encoding.ASCII.GetBytes($"GET /{new string('a', 100_000)} HTTP/1.1\r\nHost: x\r\n\r\n"))));
        var many = string.Concat(Enumerable.Range(0, 100).Select(static i => $"H{i}: x\r\n"));
        Assert.Equal(431, StatusOf(await ExchangeAsync(Encoding.ASCII.GetBytes($"GET /page HTTP/1.1\r\nHost: x\r\n{many}\r\n"))));
    }

    [Fact]
    public async Task Connections_that_say_too_little_are_closed_and_others_served_meanwhile_or_after()
    {
        var slow = new List<Socket>();
        for (var i = 0; i < _limits.Connections * 3; i++)
        {
            var socket = await ConnectAsync();
            await socket.SendAsync(Encoding.ASCII.GetBytes("GET /page HT"), Token);
            slow.Add(socket);
        }

        Assert.Equal(200, StatusOf(await ExchangeAsync("GET /page HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray())));
        foreach (var socket in slow)
        {
            // Ends, and says why.
            Assert.Equal(408, StatusOf(await ReadAsync(socket)));
            socket.Dispose();
        }
    }

    [Fact]
    public async Task Not_more_than_the_limit_are_served_at_a_time()
    {
        var running = Enumerable.Range(0, _limits.Connections * 4).Select(_ => ExchangeAsync("GET /count HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray())).ToList();
        var bodies = (await Task.WhenAll(running)).Select(static a => int.Parse(a[(a.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..], null)).ToList();
        Assert.Equal(_limits.Connections, bodies.Max());
    }

    [Fact]
    public async Task Callers_that_read_nothing_are_given_up()
    {
        var sockets = new List<Socket>();
        for (var i = 0; i < _limits.Connections; i++)
        {
            var socket = await ConnectAsync();
            await socket.SendAsync("GET /huge HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Token);
            sockets.Add(socket);
        }

        // They hold every slot, until their time is over.
        Assert.Equal(200, StatusOf(await ExchangeAsync("GET /page HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray())));
        sockets.ForEach(static s => s.Dispose());
    }

    [Fact]
    public async Task Garbage_never_stops_it()
    {
#pragma warning disable CA5394 // a test's numbers, the same every time
        var random = new Random(4711);
        var seeds = (string[])["GET /page HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n\r\n", "HEAD /page?a=b HTTP/1.0\r\n\r\n", "GET http://h/page HTTP/1.1\r\nHost: x\r\n\r\n"];
        for (var i = 0; i < 3000; i++)
        {
            var bytes = Encoding.ASCII.GetBytes(seeds[random.Next(seeds.Length)]).ToList();
            for (var n = random.Next(1, 6); n > 0; n--)
            {
                var at = random.Next(bytes.Count);
                switch (random.Next(4))
                {
                    case 0: bytes[at] = (byte)random.Next(256); break;
                    case 1: bytes.Insert(at, (byte)random.Next(256)); break;
                    case 2: bytes.RemoveAt(at); break;
                    default: bytes.InsertRange(at, Enumerable.Repeat((byte)"\r\n :/"[random.Next(5)], random.Next(1, 20))); break;
                }
            }

            // Ended by the sender, so that one whose head never ends is not waited for; hung up half of the time.
            using var socket = await ConnectAsync();
            await socket.SendAsync(bytes.ToArray(), Token);
            if (random.Next(2) == 0) continue;
            socket.Shutdown(SocketShutdown.Send);
            var answer = await ReadAsync(socket);
            if (answer.Length > 0) Assert.Contains(StatusOf(answer), (int[])[200, 400, 404, 405, 431, 505]);
        }
#pragma warning restore CA5394

        Assert.Equal(200, StatusOf(await ExchangeAsync("GET /page HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray())));
    }

    private async Task<HttpAnswer?> AnswerAsync(string path, CancellationToken cancellationToken)
    {
        switch (path)
        {
            case "/page": return new HttpAnswer(200, "text/plain", "page"u8.ToArray());
            case "/huge": return new HttpAnswer(200, "text/plain", s_huge);
            case "/throws": throw new InvalidOperationException("a defect");
            case "/count":
                var now = Interlocked.Increment(ref _asked);
                await Task.Delay(50, cancellationToken);
                Interlocked.Decrement(ref _asked);
                return new HttpAnswer(200, "text/plain", Encoding.ASCII.GetBytes($"{now}"));
            default: return null;
        }
    }

    private async Task<string> ExchangeAsync(byte[] request)
    {
        using var socket = await ConnectAsync();
        await socket.SendAsync(request, Token);
        return await ReadAsync(socket);
    }

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(_address, Token);
        return socket;
    }

    // Until the other side closes.
    private static async Task<string> ReadAsync(Socket socket)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (await socket.ReceiveAsync(buffer, Token).AsTask().WaitAsync(s_hang, Token) is > 0 and var count) text.Append(Encoding.Latin1.GetString(buffer, 0, count));
        return text.ToString();
    }

    private static int StatusOf(string answer)
    {
        Assert.StartsWith("HTTP/1.1 ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close\r\n", answer, StringComparison.Ordinal);
        return int.Parse(answer.AsSpan(9, 3), null);
    }
}
