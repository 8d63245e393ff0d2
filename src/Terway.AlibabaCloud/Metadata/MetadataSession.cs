using System.Globalization;
using System.Net;

namespace Terway.AlibabaCloud.Metadata;

/// <summary>Single requests to the metadata service, with the session token when there is one.</summary>
internal sealed class MetadataSession(InstanceMetadataOptions options, TimeProvider time) : IDisposable
{
    private const string TtlHeader = "X-aliyun-ecs-metadata-token-ttl-seconds";
    private const string TokenHeader = "X-aliyun-ecs-metadata-token";
    private const int MaxBytes = 1024 * 1024;

    // A service that knows no tokens may learn them by a switch to hardened mode: ask again now and then.
    private static readonly TimeSpan s_withoutTokenFor = TimeSpan.FromMinutes(5);

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(15),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        MaxResponseContentBufferSize = MaxBytes,
    };

    private readonly SemaphoreSlim _tokenGate = new(1, 1);
    private volatile Token? _token;

    /// <summary>One GET, with one token renewal on 401. Transport failures come out as they are.</summary>
    public async Task<(HttpStatusCode Status, string Body)> GetAsync(string path, CancellationToken ct)
    {
        Token? used = await CurrentTokenAsync(ct);
        (HttpStatusCode status, string body) = await SendAsync(HttpMethod.Get, path, TokenHeader, used?.Value, ct);
        if (status is not HttpStatusCode.Unauthorized || options.TokenMode is MetadataTokenMode.Disabled)
            return (status, body);

        Interlocked.CompareExchange(ref _token, null, used);
        Token? renewed = await CurrentTokenAsync(ct);
        return await SendAsync(HttpMethod.Get, path, TokenHeader, renewed?.Value, ct);
    }

    public void Dispose()
    {
        _http.Dispose();
        _tokenGate.Dispose();
    }

    private async Task<Token?> CurrentTokenAsync(CancellationToken ct)
    {
        if (options.TokenMode is MetadataTokenMode.Disabled)
            return null;
        if (_token is { } token && time.GetElapsedTime(token.FetchedAt) < token.UseFor)
            return token;

        await _tokenGate.WaitAsync(ct);
        try
        {
            if (_token is { } other && time.GetElapsedTime(other.FetchedAt) < other.UseFor)
                return other;
            return _token = await FetchTokenAsync(ct);
        }
        finally
        {
            _tokenGate.Release();
        }
    }

    private async Task<Token> FetchTokenAsync(CancellationToken ct)
    {
        const string Path = "api/token";
        string seconds = ((long)options.TokenLifetime.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        (HttpStatusCode status, string body) = await SendAsync(HttpMethod.Put, Path, TtlHeader, seconds, ct);
        if (status is HttpStatusCode.OK && body.Trim() is { Length: > 0 } value)
            return new Token(value, time.GetTimestamp(), options.TokenLifetime / 2);
        if (options.TokenMode is MetadataTokenMode.Auto
            && status is HttpStatusCode.NotFound or HttpStatusCode.Forbidden or HttpStatusCode.MethodNotAllowed)
            return new Token(null, time.GetTimestamp(), s_withoutTokenFor);
        throw new MetadataException(Path, status, $"The metadata service at {options.BaseAddress.Authority} gave no session token (HTTP {(int)status}).");
    }

    private async Task<(HttpStatusCode Status, string Body)> SendAsync(
        HttpMethod method, string path, string header, string? value, CancellationToken ct)
    {
        using CancellationTokenSource timeout = new(options.RequestTimeout, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        using HttpRequestMessage request = new(method, new Uri(options.BaseAddress, "/latest/" + path));
        if (value is not null)
            request.Headers.TryAddWithoutValidation(header, value);
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, either.Token);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(either.Token));
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new HttpRequestException($"no answer within {options.RequestTimeout.TotalSeconds:0.#} s", e);
        }
    }

    /// <summary>A token, or (value null) the knowledge that there are none.</summary>
    private sealed record Token(string? Value, long FetchedAt, TimeSpan UseFor);
}
