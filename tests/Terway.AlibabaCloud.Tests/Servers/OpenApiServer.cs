using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Terway.AlibabaCloud.Tests.Servers;

/// <summary>
/// The strict counterpart: checks form, date, nonce, key, token and signature of each request before the script gets to
/// answer. Its signature code is written apart from the client's, on other primitives.
/// </summary>
internal sealed class OpenApiServer(TimeProvider time) : LoopbackServer
{
    private readonly ConcurrentDictionary<string, bool> _nonces = new();

    public string AccessKeyId { get; set; } = "AKID-under-test";

    public string AccessKeySecret { get; set; } = "secret-under-test";

    public string? SecurityToken { get; set; }

    /// <summary>How far the server's clock is ahead of the test's.</summary>
    public TimeSpan ClockAhead { get; set; }

    /// <summary>Code used for a date out of range; some gateways call it a wrong signature.</summary>
    public string DateCode { get; set; } = "InvalidTimeStamp.Expired";

    /// <summary>Answers the calls that pass the checks; gets the call and how many of its action came before.</summary>
    public Func<ReceivedCall, int, Reply> Script { get; set; } = static (_, _) => Reply.Ok();

    public ConcurrentQueue<ReceivedCall> Calls { get; } = new();

    /// <summary>Codes of the checks that failed.</summary>
    public ConcurrentQueue<string> Refusals { get; } = new();

    public Func<Task>? BeforeAnswer { get; set; }

    protected override async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.Date = (time.GetUtcNow() + ClockAhead).ToString("R", CultureInfo.InvariantCulture);
        Dictionary<string, string> headers = context.Request.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.ToString());
        Dictionary<string, string> parameters = [];
        string? refusal = await CheckAsync(context, headers, parameters);
        if (refusal is not null)
        {
            Refusals.Enqueue(refusal);
            await WriteAsync(context, 400, Reply.Error(400, refusal).Body);
            return;
        }

        ReceivedCall call = new(headers["x-acs-action"], headers["x-acs-version"], parameters, headers, time.GetUtcNow());
        int before = Calls.Count(c => c.Action == call.Action);
        Calls.Enqueue(call);
        Reply reply = Script(call, before);
        if (BeforeAnswer is { } wait)
            await wait();
        if (reply.Abort)
        {
            context.Abort();
            return;
        }

        if (reply.RetryAfter is not null)
            context.Response.Headers["x-acs-retry-after"] = reply.RetryAfter;
        if (reply.StandardRetryAfter is not null)
            context.Response.Headers.RetryAfter = reply.StandardRetryAfter;
        await WriteAsync(context, reply.Status, reply.Body);
    }

    private async Task<string?> CheckAsync(HttpContext context, Dictionary<string, string> headers, Dictionary<string, string> parameters)
    {
        string target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        if (context.Request.Method != "POST" || !target.StartsWith("/?", StringComparison.Ordinal))
            return "BadRequestLine";
        string[] pairs = target[2..].Split('&');
        foreach (string pair in pairs)
        {
            string[] parts = pair.Split('=');
            if (parts.Length != 2 || !parameters.TryAdd(Uri.UnescapeDataString(parts[0]), Uri.UnescapeDataString(parts[1])))
                return "BadQuery";
        }

        foreach (string needed in new[] { "host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256", "authorization", "user-agent" })
        {
            if (!headers.TryGetValue(needed, out string? value) || value.Length == 0)
                return "MissingParameter." + needed;
        }

        if (headers["host"] != Authority)
            return "BadHost";
        if (!DateTime.TryParseExact(headers["x-acs-date"], "yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTime date))
            return "InvalidTimeStamp.Format";
        if ((time.GetUtcNow().UtcDateTime + ClockAhead - date).Duration() > TimeSpan.FromMinutes(15))
            return DateCode;
        if (!_nonces.TryAdd(headers["x-acs-signature-nonce"], true))
            return "SignatureNonceUsed";

        using MemoryStream body = new();
        await context.Request.Body.CopyToAsync(body);
        if (headers["x-acs-content-sha256"] != Hex(SHA256.HashData(body.ToArray())))
            return "ContentHashMismatch";
        if (SecurityToken is not null)
        {
            if (headers.GetValueOrDefault("x-acs-security-token") != SecurityToken)
                return "InvalidSecurityToken.Expired";
            if (headers.GetValueOrDefault("x-acs-accesskey-id") != AccessKeyId)
                return "InvalidSecurityToken.MismatchWithAccessKey";
        }
        else if (headers.ContainsKey("x-acs-security-token"))
        {
            return "UnexpectedSecurityToken";
        }

        return CheckSignature(headers, parameters);
    }

    private string? CheckSignature(Dictionary<string, string> headers, Dictionary<string, string> parameters)
    {
        string[] words = headers["authorization"].Split(' ', 2);
        if (words.Length != 2 || words[0] != "ACS3-HMAC-SHA256")
            return "BadAuthorization";
        Dictionary<string, string> fields = words[1].Split(',').Select(f => f.Split('=', 2)).ToDictionary(f => f[0], f => f[1]);
        if (fields["Credential"] != AccessKeyId)
            return "InvalidAccessKeyId.NotFound";
        string[] signed = fields["SignedHeaders"].Split(';');
        string[] mustBeSigned = [.. headers.Keys.Where(k => k is "host" or "content-type" || k.StartsWith("x-acs-", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        if (!signed.SequenceEqual(mustBeSigned))
            return "UnsignedHeader";

        List<string> lines = ["POST", "/"];
        lines.Add(string.Join("&", parameters.Keys.Order(StringComparer.Ordinal).Select(k => Uri.EscapeDataString(k) + "=" + Uri.EscapeDataString(parameters[k]))));
        lines.AddRange(signed.Select(h => h + ":" + headers[h]));
        lines.Add("");
        lines.Add(fields["SignedHeaders"]);
        lines.Add(headers["x-acs-content-sha256"]);
        string toSign = "ACS3-HMAC-SHA256\n" + Hex(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join("\n", lines))));
        using IncrementalHash mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(AccessKeySecret));
        mac.AppendData(Encoding.UTF8.GetBytes(toSign));
        return fields["Signature"] == Hex(mac.GetHashAndReset()) ? null : "SignatureDoesNotMatch";
    }

    private static string Hex(byte[] bytes) => string.Concat(bytes.Select(b => b.ToString("x2", CultureInfo.InvariantCulture)));
}
