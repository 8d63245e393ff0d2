using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Terway.Linux.Netlink;

/// <summary>A 48-bit Ethernet address.</summary>
public readonly record struct MacAddress
{
    /// <summary>Bytes of an address.</summary>
    public const int Length = 6;

    private readonly ulong _value;

    private MacAddress(ulong value) => _value = value;

    /// <param name="bytes">exactly six bytes, in transmission order</param>
    public static MacAddress FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length)
            throw new ArgumentException($"a MAC address has {Length} bytes, not {bytes.Length}", nameof(bytes));
        ulong value = 0;
        foreach (var b in bytes)
            value = (value << 8) | b;
        return new(value);
    }

    /// <summary>A random locally administered unicast address.</summary>
    public static MacAddress Random()
    {
        Span<byte> bytes = stackalloc byte[Length];
        System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);
        bytes[0] = (byte)((bytes[0] & 0xfe) | 0x02);
        return FromBytes(bytes);
    }

    /// <summary>Reads <c>aa:bb:cc:dd:ee:ff</c>, either case.</summary>
    /// <exception cref="FormatException"/>
    public static MacAddress Parse(string text) =>
        TryParse(text, out var mac) ? mac : throw new FormatException($"'{text}' is not a MAC address like 00:16:3e:01:02:03");

    /// <summary>Reads <c>aa:bb:cc:dd:ee:ff</c>, either case.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out MacAddress mac)
    {
        mac = default;
        if (text is not { Length: 17 })
            return false;
        ulong value = 0;
        for (var i = 0; i < Length; i++)
        {
            if (i > 0 && text[(i * 3) - 1] != ':')
                return false;
            if (!byte.TryParse(text.AsSpan(i * 3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var b))
                return false;
            value = (value << 8) | b;
        }

        mac = new(value);
        return true;
    }

    /// <summary>Writes the six bytes in transmission order.</summary>
    public void CopyTo(Span<byte> destination)
    {
        for (var i = 0; i < Length; i++)
            destination[i] = (byte)(_value >> (8 * (Length - 1 - i)));
    }

    /// <summary>Lower case, with colons.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{(_value >> 40) & 0xff:x2}:{(_value >> 32) & 0xff:x2}:{(_value >> 24) & 0xff:x2}:{(_value >> 16) & 0xff:x2}:{(_value >> 8) & 0xff:x2}:{_value & 0xff:x2}");
}
