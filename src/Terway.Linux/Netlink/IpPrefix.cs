using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Terway.Linux.Netlink;

/// <summary>
/// An address with a prefix length. Unlike <see cref="IPNetwork"/> the host bits may be set, as in an interface's address.
/// </summary>
public readonly record struct IpPrefix
{
    /// <param name="address">IPv4 or IPv6</param>
    /// <param name="length">bits, 0 to 32 or 128</param>
    public IpPrefix(IPAddress address, int length)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (length < 0 || length > BitsOf(address))
            throw new ArgumentOutOfRangeException(nameof(length), length, $"prefix length of {address} must be 0 to {BitsOf(address)}");
        Address = address;
        Length = length;
    }

    /// <summary>0.0.0.0/0</summary>
    public static IpPrefix AnyV4 { get; } = new(IPAddress.Any, 0);

    /// <summary>::/0</summary>
    public static IpPrefix AnyV6 { get; } = new(IPAddress.IPv6Any, 0);

    public IPAddress Address { get; }

    public int Length { get; }

    public AddressFamily Family => Address.AddressFamily;

    /// <summary>True for /32 of IPv4 and /128 of IPv6.</summary>
    public bool IsHost => Length == BitsOf(Address);

    /// <summary>The address alone: /32 or /128.</summary>
    public static IpPrefix Host(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return new(address, BitsOf(address));
    }

    public static implicit operator IpPrefix(IPNetwork network) => FromNetwork(network);

    public static IpPrefix FromNetwork(IPNetwork network) => new(network.BaseAddress, network.PrefixLength);

    /// <summary>Reads <c>10.0.0.1/24</c>; without a length the address alone is meant.</summary>
    /// <exception cref="FormatException"/>
    public static IpPrefix Parse(string text) =>
        TryParse(text, out var prefix) ? prefix : throw new FormatException($"'{text}' is not an address prefix like 10.0.0.0/24");

    /// <summary>Reads <c>10.0.0.1/24</c>; without a length the address alone is meant.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out IpPrefix prefix)
    {
        prefix = default;
        if (text is null)
            return false;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (!IPAddress.TryParse(slash < 0 ? text : text.AsSpan(0, slash), out var address))
            return false;
        var length = BitsOf(address);
        if (slash >= 0
            && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > BitsOf(address)))
            return false;
        prefix = new(address, length);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Address}/{Length}");

    private static int BitsOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32;
}
