using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Terway.AlibabaCloud.Network;

/// <summary>
/// Reads the API's JSON. Missing and null are "nothing" where a property is optional; a wrong type or unreadable value
/// is a <see cref="FormatException"/> that names the property, never another exception.
/// </summary>
internal static class ResponseParser
{
    public static string RequestId(JsonElement root) => Text(root, "RequestId");

    public static Eni Eni(JsonElement e) => new()
    {
        NetworkInterfaceId = RequiredText(e, "NetworkInterfaceId"),
        NetworkInterfaceName = Text(e, "NetworkInterfaceName"),
        Description = Text(e, "Description"),
        Status = Text(e, "Status"),
        Type = Text(e, "Type"),
        NetworkInterfaceTrafficMode = Text(e, "NetworkInterfaceTrafficMode"),
        MacAddress = Text(e, "MacAddress").ToLowerInvariant(),
        VSwitchId = Text(e, "VSwitchId"),
        VpcId = Text(e, "VpcId"),
        ZoneId = Text(e, "ZoneId"),
        InstanceId = Text(e, "InstanceId"),
        ResourceGroupId = Text(e, "ResourceGroupId"),
        PrivateIpAddress = Text(e, "PrivateIpAddress") is { Length: > 0 } ip ? Address(ip, "PrivateIpAddress") : null,
        PrivateIpSets = Items(e, "PrivateIpSets", "PrivateIpSet", i => new PrivateIpSet(Address(i, "PrivateIpAddress"), Flag(i, "Primary"))),
        Ipv6Sets = Items(e, "Ipv6Sets", "Ipv6Set", i => Address(i, "Ipv6Address")),
        Ipv4PrefixSets = Items(e, "Ipv4PrefixSets", "Ipv4PrefixSet", i => Network(RequiredText(i, "Ipv4Prefix"), "Ipv4Prefix")),
        Ipv6PrefixSets = Items(e, "Ipv6PrefixSets", "Ipv6PrefixSet", i => Network(RequiredText(i, "Ipv6Prefix"), "Ipv6Prefix")),
        SecurityGroupIds = Items(e, "SecurityGroupIds", "SecurityGroupId", i => PlainText(i, "SecurityGroupId")),
        Tags = Items(e, "Tags", "Tag", ReadTag),
        Attachment = Attachment(e),
        ServiceManaged = Flag(e, "ServiceManaged"),
        DeleteOnRelease = Flag(e, "DeleteOnRelease"),
        Raw = e.Clone(),
    };

    public static InstanceTypeLimits InstanceType(JsonElement e) => new()
    {
        InstanceTypeId = RequiredText(e, "InstanceTypeId"),
        EniQuantity = Int(e, "EniQuantity") ?? 0,
        EniTotalQuantity = Int(e, "EniTotalQuantity") ?? 0,
        // Absent or -1 for types that cannot have any.
        EniPrivateIpAddressQuantity = Math.Max(Int(e, "EniPrivateIpAddressQuantity") ?? 0, 0),
        EniIpv6AddressQuantity = Math.Max(Int(e, "EniIpv6AddressQuantity") ?? 0, 0),
        EniTrunkSupported = Flag(e, "EniTrunkSupported"),
        EriQuantity = Int(e, "EriQuantity") ?? 0,
        InstanceBandwidthRx = Long(e, "InstanceBandwidthRx") ?? 0,
        InstanceBandwidthTx = Long(e, "InstanceBandwidthTx") ?? 0,
        NetworkCards = Items(e, "NetworkCards", "NetworkCardInfo", i => Int(i, "NetworkCardIndex") ?? 0),
        Raw = e.Clone(),
    };

    public static VSwitch VSwitch(JsonElement e) => new()
    {
        VSwitchId = RequiredText(e, "VSwitchId"),
        VpcId = Text(e, "VpcId"),
        ZoneId = Text(e, "ZoneId"),
        CidrBlock = Network(RequiredText(e, "CidrBlock"), "CidrBlock"),
        Ipv6CidrBlock = Text(e, "Ipv6CidrBlock") is { Length: > 0 } v6 ? Network(v6, "Ipv6CidrBlock") : null,
        AvailableIpAddressCount = Long(e, "AvailableIpAddressCount") ?? 0,
        Status = Text(e, "Status"),
        Raw = e.Clone(),
    };

    /// <summary>The elements of <c>{outer: {inner: [...]}}</c>, the API's way to write a list.</summary>
    public static List<T> Items<T>(JsonElement parent, string outer, string inner, Func<JsonElement, T> read)
    {
        List<T> result = [];
        if (Property(parent, outer) is not { } wrapper || Property(wrapper, inner) is not { } list)
            return result;
        if (list.ValueKind is not JsonValueKind.Array)
            throw new FormatException($"{outer}.{inner} is {list.ValueKind}, not a list");
        foreach (JsonElement item in list.EnumerateArray())
            result.Add(read(item));
        return result;
    }

    public static JsonElement? Property(JsonElement parent, string name)
    {
        if (parent.ValueKind is not JsonValueKind.Object)
            throw new FormatException($"{parent.ValueKind} found where an object with {name} was expected");
        return parent.TryGetProperty(name, out JsonElement value) && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined) ? value : null;
    }

    public static string Text(JsonElement parent, string name) => Property(parent, name) is { } value ? PlainText(value, name) : "";

    public static string RequiredText(JsonElement parent, string name) =>
        Text(parent, name) is { Length: > 0 } text ? text : throw new FormatException($"{name} is missing");

    public static string PlainText(JsonElement value, string name)
    {
        if (value.ValueKind is not JsonValueKind.String)
            throw new FormatException($"{name} is {value.ValueKind}, not text");
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            // Half of a surrogate pair.
            throw new FormatException($"{name} is not valid text", e);
        }
    }

    public static long? Long(JsonElement parent, string name)
    {
        if (Property(parent, name) is not { } value)
            return null;
        // Some fields are numbers in one API version and text in another.
        if (value.ValueKind is JsonValueKind.Number && value.TryGetInt64(out long number))
            return number;
        if (value.ValueKind is JsonValueKind.String
            && long.TryParse(PlainText(value, name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long parsed))
            return parsed;
        throw new FormatException($"{name} is not an integer");
    }

    public static int? Int(JsonElement parent, string name) => Long(parent, name) switch
    {
        null => null,
        < int.MinValue or > int.MaxValue => throw new FormatException($"{name} is out of range"),
        { } value => (int)value,
    };

    public static bool Flag(JsonElement parent, string name) => Property(parent, name) switch
    {
        null => false,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.String } s when bool.TryParse(PlainText(s, name), out bool b) => b,
        _ => throw new FormatException($"{name} is not true or false"),
    };

    public static IPAddress Address(string text, string name) =>
        IPAddress.TryParse(text, out IPAddress? address) ? address : throw new FormatException($"{name} '{text}' is not an IP address");

    public static IPNetwork Network(string text, string name) =>
        IPNetwork.TryParse(text, out IPNetwork network) ? network : throw new FormatException($"{name} '{text}' is not a CIDR block");

    private static IPAddress Address(JsonElement parent, string name) => Address(RequiredText(parent, name), name);

    // TagKey in answers about ENIs, Key in those of other products.
    private static Tag ReadTag(JsonElement e) =>
        new(Text(e, "TagKey") is { Length: > 0 } key ? key : Text(e, "Key"), Text(e, "TagValue") is { Length: > 0 } value ? value : Text(e, "Value"));

    private static EniAttachment? Attachment(JsonElement e) => Property(e, "Attachment") is { } a
        ? new EniAttachment(
            Text(a, "InstanceId"),
            Text(a, "TrunkNetworkInterfaceId"),
            Int(a, "DeviceIndex"),
            Int(a, "NetworkCardIndex"),
            Items(a, "MemberNetworkInterfaceIds", "MemberNetworkInterfaceId", i => PlainText(i, "MemberNetworkInterfaceId")))
        : null;
}
