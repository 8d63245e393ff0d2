using System.Security.Cryptography;
using System.Text;

namespace Terway.AlibabaCloud.Transport;

/// <summary>
/// The <c>ACS3-HMAC-SHA256</c> request signature: canonical request, string to sign, HMAC with the access key secret.
/// https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
/// </summary>
public static class Acs3Signature
{
    /// <summary>Name of the algorithm, first word of the Authorization header.</summary>
    public const string Algorithm = "ACS3-HMAC-SHA256";

    /// <summary>Lower-case hex SHA-256 of an empty body; RPC-style calls carry their parameters in the query.</summary>
    public const string EmptyPayloadHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private const string UpperHex = "0123456789ABCDEF";

    /// <summary>RFC 3986 percent-encoding of the UTF-8 form; only <c>A-Z a-z 0-9 - _ . ~</c> stay as they are.</summary>
    public static string Encode(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        byte[] utf8 = Encoding.UTF8.GetBytes(value);
        StringBuilder result = new(utf8.Length + 16);
        foreach (byte b in utf8)
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'_' or (byte)'.' or (byte)'~')
                result.Append((char)b);
            else
                result.Append('%').Append(UpperHex[b >> 4]).Append(UpperHex[b & 15]);
        }

        return result.ToString();
    }

    /// <summary>Query string in canonical form: sorted by name (ordinal), encoded, <c>name=</c> for an empty value.</summary>
    public static string CanonicalQuery(IEnumerable<KeyValuePair<string, string>> parameters) =>
        string.Join('&', parameters.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{Encode(p.Key)}={Encode(p.Value)}"));

    /// <summary>The canonical request that is hashed into the string to sign.</summary>
    /// <param name="method">HTTP method as sent.</param>
    /// <param name="path">Path of the URL; empty counts as "/".</param>
    /// <param name="canonicalQuery">From <see cref="CanonicalQuery"/>.</param>
    /// <param name="headers">Headers of the request; only host, content-type and x-acs-* take part.</param>
    /// <param name="payloadHash">Lower-case hex SHA-256 of the body.</param>
    /// <param name="signedHeaders">Names of the headers that take part, joined by ';'.</param>
    public static string CanonicalRequest(
        string method, string path, string canonicalQuery, IEnumerable<KeyValuePair<string, string>> headers, string payloadHash, out string signedHeaders)
    {
        SortedDictionary<string, string> signed = new(StringComparer.Ordinal);
        foreach ((string rawName, string rawValue) in headers)
        {
            string name = rawName.ToLowerInvariant();
            if (name is not ("host" or "content-type") && !name.StartsWith("x-acs-", StringComparison.Ordinal))
                continue;
            string value = rawValue.Trim();
            signed[name] = signed.TryGetValue(name, out string? before) ? $"{before},{value}" : value;
        }

        signedHeaders = string.Join(';', signed.Keys);
        StringBuilder text = new();
        text.Append(method).Append('\n').Append(path.Length == 0 ? "/" : path).Append('\n').Append(canonicalQuery).Append('\n');
        foreach ((string name, string value) in signed)
            text.Append(name).Append(':').Append(value).Append('\n');
        return text.Append('\n').Append(signedHeaders).Append('\n').Append(payloadHash).ToString();
    }

    /// <summary>Lower-case hex signature of a canonical request.</summary>
    public static string Sign(string canonicalRequest, string accessKeySecret)
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonicalRequest)));
        byte[] mac = HMACSHA256.HashData(Encoding.UTF8.GetBytes(accessKeySecret), Encoding.UTF8.GetBytes($"{Algorithm}\n{hash}"));
        return Convert.ToHexStringLower(mac);
    }

    /// <summary>Value of the Authorization header.</summary>
    public static string Authorization(string accessKeyId, string signedHeaders, string signature) =>
        $"{Algorithm} Credential={accessKeyId},SignedHeaders={signedHeaders},Signature={signature}";
}
