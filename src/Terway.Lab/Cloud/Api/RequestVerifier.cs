using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Terway.Lab.Cloud.Api;

/// <summary>Proves who sent a request and that nobody changed or repeated it: ACS3-HMAC-SHA256, checked in full.</summary>
internal sealed class RequestVerifier(CredentialStore credentials, TimeProvider time)
{
    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(15);

    private readonly NonceCache _nonces = new(time, s_window * 2);

    /// <exception cref="CloudException">With the code of the first check that failed.</exception>
    /// <param name="now">What the service takes for the time.</param>
    public Caller Verify(SignedRequest request, DateTimeOffset now)
    {
        var (accessKeyId, signedHeaders, signature) = ParseAuthorization(request);
        var date = Required(request, "x-acs-date");
        var nonce = Required(request, "x-acs-signature-nonce");
        var declaredHash = Required(request, "x-acs-content-sha256");

        var role = credentials.FindRole(accessKeyId);
        var secret = role?.AccessKeySecret ?? credentials.FindSecret(accessKeyId)
            ?? throw new CloudException(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
        if (role is null && credentials.IsRevoked(accessKeyId))
            throw new CloudException(404, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.");
        CheckDate(date, now);
        CheckSignedHeaders(request, signedHeaders);

        // The declared hash is signed; a body that does not have it was changed on the way.
        var canonical = CanonicalRequest.Build(
            request.Method,
            request.Path,
            request.Query,
            signedHeaders.Select(name => new KeyValuePair<string, string>(name, name == "host" ? request.Host : request.Headers[name])),
            request.ContentHash);
        var expected = CanonicalRequest.Sign(canonical, secret);
        if (declaredHash != request.ContentHash
            || !CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(expected), Encoding.ASCII.GetBytes(signature)))
        {
            throw new CloudException(400, "SignatureDoesNotMatch",
                "Specified signature is not matched with our calculation. server string to sign is:"
                + CanonicalRequest.StringToSign(canonical) + "; server canonical request is:" + canonical);
        }
        if (role is not null)
            CheckToken(request, role);
        if (!_nonces.TryAdd(accessKeyId, nonce))
            throw new CloudException(400, "SignatureNonceUsed", "Specified signature nonce was used already.");
        return new Caller(accessKeyId, role?.InstanceId);
    }

    private static (string AccessKeyId, string[] SignedHeaders, string Signature) ParseAuthorization(SignedRequest request)
    {
        var text = request.Header("authorization") ?? throw Incomplete("the Authorization header is missing");
        if (!text.StartsWith(CanonicalRequest.Algorithm + " ", StringComparison.Ordinal))
            throw Incomplete($"the signature algorithm must be {CanonicalRequest.Algorithm}");
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var field in text[(CanonicalRequest.Algorithm.Length + 1)..].Split(',', StringSplitOptions.TrimEntries))
        {
            var equals = field.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || !fields.TryAdd(field[..equals], field[(equals + 1)..]))
                throw Incomplete($"'{field}' in the Authorization header is malformed");
        }
        var key = fields.GetValueOrDefault("Credential") ?? throw Incomplete("Credential is missing in the Authorization header");
        var headers = fields.GetValueOrDefault("SignedHeaders") ?? throw Incomplete("SignedHeaders is missing in the Authorization header");
        var signature = fields.GetValueOrDefault("Signature") ?? throw Incomplete("Signature is missing in the Authorization header");
        return (key, headers.Split(';'), signature);
    }

    private static void CheckSignedHeaders(SignedRequest request, string[] signed)
    {
        if (!signed.SequenceEqual(signed.Order(StringComparer.Ordinal).Distinct(StringComparer.Ordinal)))
            throw Incomplete("SignedHeaders must be sorted and name each header once");
        foreach (var name in signed)
        {
            if (name != "host" && !request.Headers.ContainsKey(name))
                throw Incomplete($"header '{name}' is signed but was not sent");
        }
        foreach (var name in request.Headers.Keys.Append("host"))
        {
            var mustBeSigned = name == "host" || name.StartsWith("x-acs-", StringComparison.Ordinal)
                || (name == "content-type" && request.Header(name) is not null);
            if (mustBeSigned && !signed.Contains(name, StringComparer.Ordinal))
                throw Incomplete($"header '{name}' must be signed");
        }
    }

    private static void CheckDate(string date, DateTimeOffset now)
    {
        if (!DateTimeOffset.TryParseExact(date, "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var sent))
        {
            throw new CloudException(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.");
        }
        if ((now - sent).Duration() > s_window)
            throw new CloudException(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.");
    }

    private void CheckToken(SignedRequest request, RoleCredentials role)
    {
        var token = request.Header("x-acs-security-token")
            ?? throw new CloudException(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.");
        if (token != role.SecurityToken)
            throw new CloudException(400, "InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey.");
        if (credentials.IsExpired(role))
            throw new CloudException(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.");
    }

    private static string Required(SignedRequest request, string header) =>
        request.Header(header) ?? throw CloudErrors.MissingParameter(header);

    private static CloudException Incomplete(string why) =>
        new(400, "IncompleteSignature", $"The request signature does not conform to Alibaba Cloud standards: {why}.");
}
