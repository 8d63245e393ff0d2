using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Terway.AlibabaCloud.Tests.Servers;

/// <summary>An instance's metadata service, with or without session tokens.</summary>
internal sealed class MetadataServer(TimeProvider time) : LoopbackServer
{
    private readonly ConcurrentDictionary<string, DateTimeOffset> _tokens = new();
    private int _tokensGiven;

    /// <summary>Paths below /latest/meta-data/ and their content.</summary>
    public ConcurrentDictionary<string, string> Keys { get; } = new();

    /// <summary>Status for PUT api/token; 200 gives a token.</summary>
    public int TokenStatus { get; set; } = 200;

    /// <summary>Refuse reads without a valid token.</summary>
    public bool Hardened { get; set; }

    /// <summary>Statuses for the next reads, before the normal behaviour returns; 0 breaks the connection.</summary>
    public ConcurrentQueue<int> NextStatuses { get; } = new();

    /// <summary>Paths read with success or 404.</summary>
    public ConcurrentQueue<string> Reads { get; } = new();

    public Func<Task>? BeforeAnswer { get; set; }

    public int TokensGiven => _tokensGiven;

    public int ReadsWithToken { get; private set; }

    public void RevokeTokens() => _tokens.Clear();

    protected override async Task HandleAsync(HttpContext context)
    {
        string path = context.Request.Path.Value!;
        if (path == "/latest/api/token" && context.Request.Method == "PUT")
        {
            await GiveTokenAsync(context);
            return;
        }

        if (BeforeAnswer is { } wait)
            await wait();
        if (NextStatuses.TryDequeue(out int status))
        {
            if (status == 0)
                context.Abort();
            else
                await WriteAsync(context, status, "");
            return;
        }

        string? token = context.Request.Headers["X-aliyun-ecs-metadata-token"];
        bool valid = token is not null && _tokens.TryGetValue(token, out DateTimeOffset end) && time.GetUtcNow() < end;
        if (Hardened && !valid)
        {
            await WriteAsync(context, 401, "");
            return;
        }

        ReadsWithToken += valid ? 1 : 0;
        const string Prefix = "/latest/meta-data/";
        Assert.StartsWith(Prefix, path, StringComparison.Ordinal);
        Reads.Enqueue(path[Prefix.Length..]);
        if (Keys.TryGetValue(path[Prefix.Length..], out string? value))
            await WriteAsync(context, 200, value);
        else
            await WriteAsync(context, 404, "<?xml version=\"1.0\"?><html>Not Found</html>");
    }

    private async Task GiveTokenAsync(HttpContext context)
    {
        if (TokenStatus != 200)
        {
            await WriteAsync(context, TokenStatus, "");
            return;
        }

        string? ttl = context.Request.Headers["X-aliyun-ecs-metadata-token-ttl-seconds"];
        if (!int.TryParse(ttl, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) || seconds is < 1 or > 21600)
        {
            await WriteAsync(context, 400, "");
            return;
        }

        string token = $"token-{Interlocked.Increment(ref _tokensGiven)}";
        _tokens[token] = time.GetUtcNow().AddSeconds(seconds);
        await WriteAsync(context, 200, token);
    }
}
