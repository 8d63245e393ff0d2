using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Terway.Lab.Cloud.Api;

/// <summary>Life and attachment of ENIs.</summary>
internal static class EniActions
{
    private const string Product = "ecs";
    private const int MaxSecondaryIps = 49;
    private const int MaxPrefixesPerCall = 10;

    public static IEnumerable<ApiAction> All { get; } =
    [
        ApiAction.Immediate(Product, "CreateNetworkInterface", Create, takesClientToken: true),
        ApiAction.Immediate(Product, "DeleteNetworkInterface", Delete),
        ApiAction.Immediate(Product, "AttachNetworkInterface", Attach),
        ApiAction.Immediate(Product, "DetachNetworkInterface", Detach),
        ApiAction.Immediate(Product, "DescribeNetworkInterfaces", Describe),
        ApiAction.Immediate(Product, "DescribeNetworkInterfaceAttribute", DescribeAttribute),
        new(Product, "ModifyNetworkInterfaceAttribute", ModifyAsync),
    ];

    private static Action<Utf8JsonWriter> Create(Region region, ApiParameters p)
    {
        var groups = p.List("SecurityGroupIds", int.MaxValue);
        if (p.Optional("SecurityGroupId") is { } single)
            groups = groups.IsEmpty ? [single] : throw CloudErrors.ParameterConflict("SecurityGroupId", "SecurityGroupIds");
        if (groups.IsEmpty)
            throw CloudErrors.MissingParameter("SecurityGroupId");
        var type = p.Choice<EniType>("InstanceType") ?? EniType.Secondary;
        if (type == EniType.Primary)
            throw CloudErrors.InvalidParameter("InstanceType", "a primary network interface comes with its instance");
        var (count, countGiven) = p.Amount("SecondaryPrivateIpAddressCount", MaxSecondaryIps);
        var named = p.Ips("PrivateIpAddress", MaxSecondaryIps, System.Net.Sockets.AddressFamily.InterNetwork);
        var primary = p.OptionalIp("PrimaryIpAddress");
        var (prefixes, prefixesGiven) = p.Amount("Ipv4PrefixCount", MaxPrefixesPerCall);
        if (count > 0 && prefixes > 0)
            throw CloudErrors.ParameterConflict("SecondaryPrivateIpAddressCount", "Ipv4PrefixCount");
        if (count > 0 && !named.IsEmpty)
            throw CloudErrors.ParameterConflict("SecondaryPrivateIpAddressCount", "PrivateIpAddress");
        var (ipv6, ipv6Given) = p.Amount("Ipv6AddressCount", 10);
        var (ipv6Prefixes, ipv6PrefixesGiven) = p.Amount("Ipv6PrefixCount", MaxPrefixesPerCall);
        if (ipv6 > 0 && ipv6Prefixes > 0)
            throw CloudErrors.ParameterConflict("Ipv6AddressCount", "Ipv6PrefixCount");
        var mode = p.Optional("NetworkInterfaceTrafficMode") ?? "Standard";
        if (mode is not ("Standard" or "HighPerformance"))
            throw new CloudException(400, "InvalidParameter.EniTrafficMode", "The ENI traffic mode must be either Standard or HighPerformance.");

        var eni = region.CreateEni(new CreateEniRequest
        {
            VSwitchId = p.Required("VSwitchId"),
            SecurityGroupIds = groups,
            Type = type,
            PrimaryIp = primary,
            SecondaryIpCount = countGiven,
            SecondaryIps = primary is null ? named : named.Remove(primary),
            Ipv4PrefixCount = prefixesGiven,
            Ipv6AddressCount = ipv6Given,
            Ipv6PrefixCount = ipv6PrefixesGiven,
            Tags = p.Tags(20).ToImmutableSortedDictionary(StringComparer.Ordinal),
            Name = p.Optional("NetworkInterfaceName") ?? "",
            Description = p.Optional("Description") ?? "",
            ResourceGroupId = p.Optional("ResourceGroupId") ?? "",
            TrafficMode = mode,
            DeleteOnRelease = p.Flag("DeleteOnRelease", true),
            SourceDestCheck = p.Flag("SourceDestCheck", false),
        });
        return json => EniJson.WriteMembers(json, eni, region.Config.AccountId, []);
    }

    private static Action<Utf8JsonWriter> Delete(Region region, ApiParameters p)
    {
        region.DeleteEni(p.Required("NetworkInterfaceId"));
        return static _ => { };
    }

    private static Action<Utf8JsonWriter> Attach(Region region, ApiParameters p)
    {
        // Accepted by the cloud, without effect on an attach of a running instance.
        _ = p.Flag("WaitForNetworkConfigurationReady", false);
        region.AttachEni(
            p.Required("NetworkInterfaceId"), p.Required("InstanceId"), p.Optional("TrunkNetworkInstanceId"), p.Number("NetworkCardIndex", 0, 15, 0));
        return static _ => { };
    }

    private static Action<Utf8JsonWriter> Detach(Region region, ApiParameters p)
    {
        region.DetachEni(p.Required("NetworkInterfaceId"), p.Required("InstanceId"), p.Optional("TrunkNetworkInstanceId"));
        return static _ => { };
    }

    private static Action<Utf8JsonWriter> Describe(Region region, ApiParameters p)
    {
        var filter = new EniFilter
        {
            Ids = p.List("NetworkInterfaceId", 100),
            InstanceId = p.Optional("InstanceId"),
            Status = p.Choice<EniStatus>("Status"),
            Type = p.Choice<EniType>("Type"),
            VpcId = p.Optional("VpcId"),
            VSwitchId = p.Optional("VSwitchId"),
            SecurityGroupId = p.Optional("SecurityGroupId"),
            PrimaryIp = p.Optional("PrimaryIpAddress"),
            PrivateIps = p.List("PrivateIpAddress", 100),
            Tags = p.Tags(20),
        };
        return p.Optional("PageNumber") is not null || p.Optional("PageSize") is not null
            ? DescribeByNumber(region, p, filter)
            : DescribeByToken(region, p, filter);
    }

    private static Action<Utf8JsonWriter> DescribeByToken(Region region, ApiParameters p, EniFilter filter)
    {
        // Out-of-range sizes are not an error: the cloud takes the nearest one it likes.
        var size = Math.Clamp(p.Number("MaxResults", int.MinValue, int.MaxValue, 10), 10, 500);
        var (enis, next, total) = region.DescribeEnis(filter, DecodeToken(p.Optional("NextToken")), size, p.AsOf);
        return json =>
        {
            json.WriteString("NextToken", next == 0 ? "" : EncodeToken(next));
            json.WriteNumber("MaxResults", size);
            json.WriteNumber("TotalCount", total);
            WriteSets(json, region, enis);
        };
    }

    private static Action<Utf8JsonWriter> DescribeByNumber(Region region, ApiParameters p, EniFilter filter)
    {
        var number = p.Number("PageNumber", 1, int.MaxValue, 1);
        var size = Math.Clamp(p.Number("PageSize", 1, int.MaxValue, 10), 1, 500);
        var (enis, _, total) = region.DescribeEnis(filter, 0, int.MaxValue, p.AsOf);
        var page = enis.Skip((int)Math.Min((long)(number - 1) * size, int.MaxValue)).Take(size).ToList();
        return json =>
        {
            json.WriteNumber("PageNumber", number);
            json.WriteNumber("PageSize", size);
            json.WriteNumber("TotalCount", total);
            WriteSets(json, region, page);
        };
    }

    private static Action<Utf8JsonWriter> DescribeAttribute(Region region, ApiParameters p)
    {
        var id = p.Required("NetworkInterfaceId");
        if (p.Optional("Attribute") is { } attribute and not ("basic" or "attachment" or "extraBasic" or "fullAttribute"))
            throw CloudErrors.InvalidParameter("Attribute", $"'{attribute}' is unknown");
        var (enis, _, _) = region.DescribeEnis(new EniFilter { Ids = [id] }, 0, 1, p.AsOf);
        if (enis.IsEmpty)
            throw CloudErrors.EniNotFound(id);
        var members = MembersOf(region, enis[0]);
        return json => EniJson.WriteMembers(json, enis[0], region.Config.AccountId, members);
    }

    private static async Task<Action<Utf8JsonWriter>> ModifyAsync(Region region, ApiParameters p)
    {
        var groups = p.List("SecurityGroupId", int.MaxValue);
        var id = p.Required("NetworkInterfaceId");
        if (groups.IsEmpty)
            throw CloudErrors.MissingParameter("SecurityGroupId");
        await region.SetEniSecurityGroupsAsync(id, groups);
        return static _ => { };
    }

    private static void WriteSets(Utf8JsonWriter json, Region region, IEnumerable<EniSnapshot> enis) =>
        json.WriteObjects("NetworkInterfaceSets", "NetworkInterfaceSet", enis, eni =>
            EniJson.WriteMembers(json, eni, region.Config.AccountId, MembersOf(region, eni)));

    private static IReadOnlyList<string> MembersOf(Region region, EniSnapshot eni) =>
        eni is { Type: EniType.Trunk, InstanceId: { } instanceId }
            ? [.. region.FindInstance(instanceId)?.Enis.Where(e => e.TrunkEniId == eni.Id).Select(static e => e.Id) ?? []]
            : [];

    private static string EncodeToken(long sequence) => Convert.ToBase64String(Encoding.ASCII.GetBytes($"eni/{sequence}"));

    private static long DecodeToken(string? token)
    {
        if (token is null)
            return 0;
        Span<byte> bytes = stackalloc byte[64];
        if (Convert.TryFromBase64String(token, bytes, out var length)
            && Encoding.ASCII.GetString(bytes[..length]) is var text
            && text.StartsWith("eni/", StringComparison.Ordinal)
            && long.TryParse(text.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
            return sequence;
        throw CloudErrors.InvalidParameter("NextToken", "it is not one that this action returned");
    }
}
