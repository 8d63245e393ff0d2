using System.Net;
using System.Text.Json;

namespace Terway.AlibabaCloud.Metadata;

/// <summary>The metadata service's notations. Every method throws <see cref="FormatException"/> and nothing else on bad input.</summary>
internal static class MetadataParser
{
    /// <summary>"a/\nb/" gives a and b.</summary>
    public static IReadOnlyList<string> Directory(string text) =>
        [.. text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(l => l.TrimEnd('/')).Where(l => l.Length > 0)];

    /// <summary>
    /// Addresses from <c>["10.0.0.1","10.0.0.2"]</c>, or from the unquoted <c>[fd00::1,fd00::2]</c> that the IPv6 keys use.
    /// </summary>
    public static IReadOnlyList<IPAddress> Addresses(string text)
    {
        string trimmed = text.Trim();
        if (trimmed.Length == 0)
            return [];
        if (trimmed.Length < 2 || trimmed[0] != '[' || trimmed[^1] != ']')
            throw new FormatException($"'{Shorten(text)}' is not a list in brackets");
        if (trimmed.Contains('"', StringComparison.Ordinal))
            return [.. QuotedItems(trimmed).Select(Address)];
        return [.. trimmed[1..^1].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Address)];
    }

    /// <summary>One address, without a scope and in full notation.</summary>
    public static IPAddress Address(string text)
    {
        string trimmed = text.Trim();
        // IPAddress also reads "1" and "10.1": four parts or a colon make it an address one would write.
        return IPAddress.TryParse(trimmed, out IPAddress? address)
            && (trimmed.Contains(':', StringComparison.Ordinal) || trimmed.Count(c => c == '.') == 3)
            && !trimmed.Contains('%', StringComparison.Ordinal)
                ? address
                : throw new FormatException($"'{Shorten(text)}' is not an IP address");
    }

    /// <summary>A CIDR block; host bits set is an error.</summary>
    public static IPNetwork Network(string text) => IPNetwork.TryParse(text.Trim(), out IPNetwork network)
        ? network
        : throw new FormatException($"'{Shorten(text)}' is not a CIDR block");

    /// <summary>Third-last address of a range: where a vSwitch's gateway is, .253 of a /24.</summary>
    public static IPAddress DerivedGateway(IPNetwork network)
    {
        byte[] bytes = network.BaseAddress.GetAddressBytes();
        int hostBits = (bytes.Length * 8) - network.PrefixLength;
        if (hostBits < 2)
            throw new FormatException($"{network} has no third-last address");
        for (int bit = 0; bit < hostBits; bit++)
            bytes[bytes.Length - 1 - (bit / 8)] |= (byte)(1 << (bit % 8));
        bytes[^1] -= 2;
        return new IPAddress(bytes);
    }

    private static List<string> QuotedItems(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return [.. document.RootElement.EnumerateArray().Select(e => e.GetString() ?? throw new FormatException("null in a list of addresses"))];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new FormatException($"'{Shorten(json)}' is not a JSON list of addresses", e);
        }
    }

    private static string Shorten(string text) => text.Length <= 64 ? text : text[..64] + "...";
}
