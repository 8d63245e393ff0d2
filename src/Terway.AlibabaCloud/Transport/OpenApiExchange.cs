using System.Globalization;
using System.Net;
using System.Text.Json;
using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Errors;

namespace Terway.AlibabaCloud.Transport;

/// <summary>One signed request and its answer, with every failure as <see cref="CloudApiException"/>. No retries here.</summary>
internal sealed class OpenApiExchange : IDisposable
{
    private readonly OpenApiTransportOptions _options;
    private readonly CloudEndpoints _endpoints;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public OpenApiExchange(OpenApiTransportOptions options, CloudEndpoints endpoints, TimeProvider time)
    {
        _options = options;
        _endpoints = endpoints;
        _time = time;
        Clock = new ServerClock(time, options.OnClockSkew);
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.GZip,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            MaxConnectionsPerServer = 32,
            // Endpoints move behind DNS.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            UseCookies = false,
        };
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = options.MaxResponseBytes };
    }

    /// <summary>The clock that requests are dated with.</summary>
    public ServerClock Clock { get; }

    public string HostOf(string product) => _endpoints.For(product).Authority;

    public async Task<byte[]> SendAsync(
        string product, string version, string action, List<KeyValuePair<string, string>> parameters, CloudCredential credential, CancellationToken ct)
    {
        using HttpRequestMessage request = CreateRequest(product, version, action, parameters, credential);
        using CancellationTokenSource timeout = new(_options.RequestTimeout, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        HttpStatusCode status;
        byte[] body;
        TimeSpan? retryAfter;
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, either.Token);
            status = response.StatusCode;
            body = await response.Content.ReadAsByteArrayAsync(either.Token);
            retryAfter = RetryAfter.Of(response.Headers, response.Headers.Date ?? _time.GetUtcNow());
            if (response.Headers.Date is { } serverTime)
                Clock.Observe(serverTime);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new CloudApiException(product, action, CloudErrorCodes.RequestTimeout,
                $"{HostOf(product)} did not answer within {_options.RequestTimeout.TotalSeconds:0.#} s.", inner: e);
        }
        catch (HttpRequestException e) when (!ct.IsCancellationRequested)
        {
            throw new CloudApiException(product, action, CloudErrorCodes.TransportError, $"{HostOf(product)}: {Innermost(e)}.", inner: e);
        }

        return status is HttpStatusCode.OK ? CheckJson(product, action, body) : throw ToError(product, action, status, body, retryAfter, credential);
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage CreateRequest(
        string product, string version, string action, List<KeyValuePair<string, string>> parameters, CloudCredential credential)
    {
        Uri endpoint = _endpoints.For(product);
        string query = Acs3Signature.CanonicalQuery(parameters);
        DateTimeOffset now = Clock.Now;
        List<KeyValuePair<string, string>> headers =
        [
            new("host", endpoint.Authority),
            new("x-acs-action", action),
            new("x-acs-version", version),
            new("x-acs-date", now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)),
            new("x-acs-signature-nonce", Guid.NewGuid().ToString("N")),
            new("x-acs-content-sha256", Acs3Signature.EmptyPayloadHash),
        ];
        if (credential.SecurityToken is { Length: > 0 } token)
        {
            headers.Add(new("x-acs-accesskey-id", credential.AccessKeyId));
            headers.Add(new("x-acs-security-token", token));
        }

        string canonical = Acs3Signature.CanonicalRequest("POST", "/", query, headers, Acs3Signature.EmptyPayloadHash, out string signedHeaders);
        string authorization = Acs3Signature.Authorization(
            credential.AccessKeyId, signedHeaders, Acs3Signature.Sign(canonical, credential.AccessKeySecret));

        // The signed query has to reach the wire byte for byte: Uri would turn %7E and the like back.
        Uri url = new($"{endpoint.Scheme}://{endpoint.Authority}/?{query}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        HttpRequestMessage request = new(HttpMethod.Post, url) { Content = new ByteArrayContent([]) };
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        request.Headers.TryAddWithoutValidation("User-Agent", _options.UserAgent);
        request.Headers.TryAddWithoutValidation("Accept", "application/json");
        return request;
    }

    private static byte[] CheckJson(string product, string action, byte[] body)
    {
        try
        {
            Utf8JsonReader reader = new(body);
            if (reader.Read() && reader.TokenType is JsonTokenType.StartObject && reader.TrySkip())
                return body;
        }
        catch (JsonException e)
        {
            throw Malformed(e);
        }

        throw Malformed(null);

        CloudApiException Malformed(Exception? inner) =>
            new(product, action, CloudErrorCodes.MalformedResponse, $"the answer of {body.Length} bytes is not a JSON object.", HttpStatusCode.OK, inner: inner);
    }

    internal static CloudApiException ToError(
        string product, string action, HttpStatusCode status, byte[] body, TimeSpan? retryAfter, CloudCredential? credential)
    {
        string? code = null, message = null, requestId = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind is JsonValueKind.Object)
            {
                code = Text(document.RootElement, "Code");
                message = Text(document.RootElement, "Message");
                requestId = Text(document.RootElement, "RequestId");
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // A gateway in between answered (or text that is no Unicode): the status is all there is.
            message = $"the answer of {body.Length} bytes is not JSON; something between this node and the API answered instead.";
        }

        if (string.IsNullOrEmpty(code))
        {
            code = status switch
            {
                HttpStatusCode.TooManyRequests => CloudErrorCodes.Throttling,
                HttpStatusCode.ServiceUnavailable => CloudErrorCodes.ServiceUnavailable,
                >= HttpStatusCode.InternalServerError => CloudErrorCodes.InternalError,
                _ => $"Http{(int)status}",
            };
        }

        return new CloudApiException(product, action, code, ServiceMessage.Clean(message ?? "no reason given.", credential), status, requestId, retryAfter);
    }

    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out JsonElement value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner)
            e = inner;
        return e.Message.TrimEnd('.');
    }
}
