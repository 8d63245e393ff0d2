using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Terway.Lab.Tests.Cloud;

/// <summary>
/// Signs and sends OpenAPI requests; written from the public description of the signature, apart from the server's code, so that
/// the two check each other. Everything that goes into a request can be bent.
/// </summary>
internal sealed class AcsClient(Uri endpoint, string accessKeyId, string secret, TimeProvider time) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = endpoint };

    public string? SecurityToken { get; init; }

    public HttpMethod Method { get; init; } = HttpMethod.Post;

    /// <summary>Send parameters as a form instead of in the query.</summary>
    public bool AsForm { get; init; }

    /// <summary>Changes headers after signing.</summary>
    public Action<Dictionary<string, string>>? Tamper { get; set; }

    /// <summary>Changes the query after signing.</summary>
    public Func<string, string>? TamperQuery { get; set; }

    public Func<string> Nonce { get; set; } = static () => Guid.NewGuid().ToString("N");

    public Func<string>? Date { get; set; }

    public string RegionId { get; init; } = "cn-hangzhou";

    public string? Version { get; init; }

    public Task<AcsAnswer> CallAsync(string action, params (string Name, object Value)[] parameters) =>
        SendAsync(action, [("RegionId", RegionId), .. parameters]);

    public async Task<AcsAnswer> SendAsync(string action, params (string Name, object Value)[] parameters)
    {
        var pairs = string.Join('&', parameters
            .Select(static p => (Key: Escape(p.Name), Value: Escape(Convert.ToString(p.Value, CultureInfo.InvariantCulture)!)))
            .OrderBy(static p => p.Key, StringComparer.Ordinal)
            .Select(static p => $"{p.Key}={p.Value}"));
        var query = AsForm ? "" : pairs;
        var body = AsForm ? pairs : "";
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)));
        var headers = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["host"] = endpoint.Authority,
            ["x-acs-action"] = action,
            ["x-acs-version"] = Version ?? (action == "DescribeVSwitches" ? "2016-04-28" : "2014-05-26"),
            ["x-acs-date"] = Date?.Invoke() ?? time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            ["x-acs-signature-nonce"] = Nonce(),
            ["x-acs-content-sha256"] = hash,
        };
        if (SecurityToken is not null)
        {
            headers["x-acs-accesskey-id"] = accessKeyId;
            headers["x-acs-security-token"] = SecurityToken;
        }
        if (AsForm)
            headers["content-type"] = "application/x-www-form-urlencoded";
        var names = headers.Keys.Order(StringComparer.Ordinal).ToList();
        var canonical = string.Join('\n',
            Method.Method, "/", query, string.Concat(names.Select(n => $"{n}:{headers[n].Trim()}\n")), string.Join(';', names), hash);
        var toSign = "ACS3-HMAC-SHA256\n" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)));
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(toSign)));
        headers["authorization"] = $"ACS3-HMAC-SHA256 Credential={accessKeyId},SignedHeaders={string.Join(';', names)},Signature={signature}";
        Tamper?.Invoke(headers);

        using var request = new HttpRequestMessage(Method, "/?" + (TamperQuery?.Invoke(query) ?? query));
        if (AsForm)
        {
            request.Content = new StringContent(body);
            request.Content.Headers.ContentType = new System.Net.Http.Headers.MediaTypeHeaderValue("application/x-www-form-urlencoded");
        }
        foreach (var (name, value) in headers.Where(static h => h.Key is not ("host" or "content-type")))
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new AcsAnswer(response.StatusCode, JsonDocument.Parse(text).RootElement)
        {
            Date = response.Headers.Date,
            RetryAfter = response.Headers.TryGetValues("x-acs-retry-after", out var values) ? values.Single() : null,
        };
    }

    public void Dispose() => _http.Dispose();

    private static string Escape(string text) => Uri.EscapeDataString(text);
}
