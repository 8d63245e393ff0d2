using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Terway.Lab.Cloud.Api;

/// <summary>The canonical form of a request that the ACS3-HMAC-SHA256 signature covers.</summary>
internal static class CanonicalRequest
{
    public const string Algorithm = "ACS3-HMAC-SHA256";

    /// <param name="path">As sent, at least <c>/</c>.</param>
    /// <param name="query">Decoded pairs in any order.</param>
    /// <param name="headers">The signed ones, lower-case names, any order, values not trimmed.</param>
    public static string Build(
        string method,
        string path,
        IEnumerable<KeyValuePair<string, string>> query,
        IEnumerable<KeyValuePair<string, string>> headers,
        string contentHash)
    {
        var signed = headers.OrderBy(static h => h.Key, StringComparer.Ordinal).ToList();
        var text = new StringBuilder();
        text.Append(method).Append('\n');
        text.Append(path.Length == 0 ? "/" : path).Append('\n');
        text.AppendJoin('&', query
            .Select(static q => new KeyValuePair<string, string>(Encode(q.Key), Encode(q.Value)))
            .OrderBy(static q => q.Key, StringComparer.Ordinal)
            .ThenBy(static q => q.Value, StringComparer.Ordinal)
            .Select(static q => $"{q.Key}={q.Value}")).Append('\n');
        foreach (var header in signed)
            text.Append(header.Key).Append(':').Append(header.Value.Trim()).Append('\n');
        text.Append('\n');
        text.AppendJoin(';', signed.Select(static h => h.Key)).Append('\n');
        return text.Append(contentHash).ToString();
    }

    public static string StringToSign(string canonicalRequest) =>
        $"{Algorithm}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonicalRequest)))}";

    public static string Sign(string canonicalRequest, string secret) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(StringToSign(canonicalRequest))));

    /// <summary>RFC 3986: everything but letters, digits, <c>- . _ ~</c> as upper-case hex.</summary>
    public static string Encode(string text)
    {
        var encoded = new StringBuilder(text.Length);
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'.' or (byte)'_' or (byte)'~')
                encoded.Append((char)b);
            else
                encoded.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }
        return encoded.ToString();
    }
}
