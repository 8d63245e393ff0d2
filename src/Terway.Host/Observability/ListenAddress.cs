using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Terway.Host.Observability;

/// <summary>The value of <c>--metrics-listen</c>.</summary>
internal static class ListenAddress
{
    /// <summary>Reads <c>IP:PORT</c>, <c>[IPv6]:PORT</c>, or <c>:PORT</c> for the loopback address. Names are refused: what they mean can change.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out IPEndPoint? address, out string? problem)
    {
        address = null;
        problem = null;
        var colon = text.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
        {
            problem = $"'{text}' has no port from 1 to 65535; write IP:PORT, such as 127.0.0.1:9098";
            return false;
        }

        var host = text[..colon];
        if (host.Length == 0)
        {
            address = new IPEndPoint(IPAddress.Loopback, port);
            return true;
        }

        var bracketed = host is ['[', .., ']'];
        // Four numbers, not the shorter forms that IPAddress takes as well: 10.1 is a slip, not 10.0.0.1.
        if (IPAddress.TryParse(bracketed ? host[1..^1] : host, out var ip) && bracketed == host.Contains(':', StringComparison.Ordinal) && (bracketed || host.Split('.').Length == 4))
        {
            address = new IPEndPoint(ip, port);
            return true;
        }

        problem = $"'{host}' in '{text}' is no IP address; write 127.0.0.1:{port}, [::1]:{port}, or the address of the interface to listen on";
        return false;
    }
}
