using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Terway.Lab.Cloud.Api;

/// <summary>An HTTP request taken apart: headers as sent, decoded query and form parameters, body hash.</summary>
internal sealed record SignedRequest
{
    public required string Method { get; init; }

    public required string Path { get; init; }

    public required string Host { get; init; }

    public required ImmutableArray<KeyValuePair<string, string>> Query { get; init; }

    public required ImmutableArray<KeyValuePair<string, string>> Form { get; init; }

    /// <summary>Names in lower case; several values joined by a comma.</summary>
    public required ImmutableSortedDictionary<string, string> Headers { get; init; }

    public required string ContentHash { get; init; }

    public string Action => Header("x-acs-action") ?? "";

    public string Version => Header("x-acs-version") ?? "";

    public string? Header(string name) => Headers.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    public static async Task<SignedRequest> ReadAsync(HttpRequest request, CancellationToken ct)
    {
        using var buffer = new MemoryStream();
        await request.Body.CopyToAsync(buffer, ct);
        var body = buffer.ToArray();
        var isForm = request.ContentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) == true;
        return new SignedRequest
        {
            Method = request.Method,
            Path = request.Path.Value ?? "/",
            Host = request.Host.Value ?? "",
            Query = Decode(request.QueryString.Value),
            Form = isForm ? Decode(Encoding.UTF8.GetString(body)) : [],
            Headers = request.Headers.ToImmutableSortedDictionary(
                static h => h.Key.ToLowerInvariant(), static h => string.Join(',', h.Value.ToArray()), StringComparer.Ordinal),
            ContentHash = Convert.ToHexStringLower(SHA256.HashData(body)),
        };
    }

    private static ImmutableArray<KeyValuePair<string, string>> Decode(string? text)
    {
        text = text?.TrimStart('?');
        if (string.IsNullOrEmpty(text))
            return [];
        var pairs = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        foreach (var part in text.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            pairs.Add(equals < 0
                ? new KeyValuePair<string, string>(DecodeOne(part), "")
                : new KeyValuePair<string, string>(DecodeOne(part[..equals]), DecodeOne(part[(equals + 1)..])));
        }
        return pairs.ToImmutable();
    }

    private static string DecodeOne(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
