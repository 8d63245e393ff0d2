using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Terway.Configuration.Validation;

/// <summary>Networks in CIDR notation.</summary>
internal static class CidrText
{
    /// <summary>Reads a network.</summary>
    /// <param name="text">Such as <c>172.21.0.0/20</c>.</param>
    /// <param name="network">The network.</param>
    /// <param name="reason">What is wrong, else empty.</param>
    /// <param name="fix">What to write instead.</param>
    public static bool TryParse(string text, out IPNetwork network, out string reason, out string fix)
    {
        network = default;
        (reason, fix) = ("", "");
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !IPAddress.TryParse(text.AsSpan(0, slash), out var address)
            || (address.AddressFamily == AddressFamily.InterNetwork && text.AsSpan(0, slash).Count('.') != 3)
            || address.ScopeId() != 0)
        {
            (reason, fix) = ($"\"{text}\" is no network in CIDR notation", "write one such as 172.21.0.0/20 or fd00:1::/112");
            return false;
        }

        var bits = address.GetAddressBytes().Length * 8;
        if (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > bits)
        {
            (reason, fix) = ($"\"{text}\" has no prefix length from 0 to {bits}", $"write one such as {address}/{bits / 2}");
            return false;
        }

        network = new IPNetwork(Masked(address, length), length);
        if (network.BaseAddress.Equals(address)) return true;
        (reason, fix) = ($"\"{text}\" has bits set beyond its prefix length", $"write {network}");
        return false;
    }

    /// <summary>Whether two networks have an address in common.</summary>
    public static bool Overlap(IPNetwork a, IPNetwork b) =>
        a.BaseAddress.AddressFamily == b.BaseAddress.AddressFamily && (a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress));

    private static long ScopeId(this IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? address.ScopeId : 0;

    private static IPAddress Masked(IPAddress address, int length)
    {
        var bytes = address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
        {
            var keep = Math.Clamp(length - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xff << (8 - keep));
        }

        return new IPAddress(bytes);
    }
}
