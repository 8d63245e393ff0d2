using System.Text;

namespace Terway.Host.Observability;

/// <summary>
/// What of a request decides its answer. Strict (RFC 9112): what is not certainly a request of ours gets 400, not a guess.
/// </summary>
/// <param name="Method">As sent.</param>
/// <param name="Path">Without query.</param>
internal sealed record HttpRequestHead(string Method, string Path)
{
    /// <summary>Bytes a head may have: a scraper sends some hundreds.</summary>
    public const int MaxBytes = 8 * 1024;

    private const int MaxHeaders = 64;

    /// <summary>The length of the head that begins the bytes, its empty line included; -1 while it is not complete.</summary>
    public static int LengthOf(ReadOnlySpan<byte> received)
    {
        var end = received.IndexOf("\r\n\r\n"u8);
        return end < 0 ? -1 : end + 4;
    }

    /// <summary>Reads a complete head.</summary>
    /// <returns>The head, or the answer that the sender gets instead.</returns>
    public static (HttpRequestHead? Head, HttpAnswer? Refusal) Parse(ReadOnlySpan<byte> head)
    {
        foreach (var b in head)
        {
            if (b is 0 or > 126 or (< 32 and not ((byte)'\r' or (byte)'\n' or (byte)'\t'))) return Bad("a byte that no request head has");
        }

        var lines = Encoding.ASCII.GetString(head[..^4]).Split("\r\n");
        foreach (var line in lines)
        {
            if (line.AsSpan().ContainsAny('\r', '\n')) return Bad("a line end that is not CR LF");
        }

        var parts = lines[0].Split(' ');
        if (parts is not [{ Length: > 0 } method, { Length: > 0 } target, { Length: 8 } version] || !IsToken(method)
            || !version.StartsWith("HTTP/", StringComparison.Ordinal) || !char.IsAsciiDigit(version[5]) || version[6] != '.' || !char.IsAsciiDigit(version[7]))
        {
            return Bad("the first line is not METHOD TARGET HTTP/1.1");
        }

        if (version[5] != '1') return (null, HttpAnswer.Text(505, "HTTP/1.0 and HTTP/1.1 are spoken here"));
        if (lines.Length - 1 > MaxHeaders) return (null, HttpAnswer.Text(431, $"more than {MaxHeaders} headers"));
        var hosts = 0;
        var hasBody = false;
        foreach (var line in lines.AsSpan(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || !IsToken(line.AsSpan(0, colon))) return Bad("a header that is not NAME: VALUE");
            var name = line.AsSpan(0, colon);
            var value = line.AsSpan(colon + 1).Trim([' ', '\t']);
            if (name.Equals("Host", StringComparison.OrdinalIgnoreCase)) hosts++;
            else if (name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase)) hasBody = true;
            else if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) hasBody |= !value.SequenceEqual("0");
        }

        if (hosts > 1 || (hosts == 0 && version[7] != '0')) return Bad("a request has one Host header");
        if (method is not ("GET" or "HEAD")) return (null, HttpAnswer.Text(405, "GET and HEAD only"));
        if (hasBody) return Bad($"a {method} here has no body");
        return PathOf(target) is { } path ? (new HttpRequestHead(method, path), null) : Bad("the target is neither a path nor an http URL");
    }

    private static string? PathOf(string target)
    {
        if (target[0] != '/')
        {
            // The absolute form, which every server has to take (RFC 9112, 3.2.2).
            const string scheme = "http://";
            if (!target.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) return null;
            var slash = target.IndexOf('/', scheme.Length);
            if (slash == scheme.Length) return null;
            target = slash < 0 ? "/" : target[slash..];
        }

        var query = target.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? target : target[..query];
    }

    private static bool IsToken(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && !"!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal)) return false;
        }

        return true;
    }

    private static (HttpRequestHead?, HttpAnswer?) Bad(string reason) => (null, HttpAnswer.Text(400, reason));
}
