using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Terway.Lab.Cloud.Api;

/// <summary>What exists in the region: instance types, instances, vSwitches.</summary>
internal static class CatalogActions
{
    public static IEnumerable<ApiAction> All { get; } =
    [
        ApiAction.Immediate("ecs", "DescribeInstanceTypes", DescribeInstanceTypes),
        ApiAction.Immediate("ecs", "DescribeInstances", DescribeInstances),
        ApiAction.Immediate("vpc", "DescribeVSwitches", DescribeVSwitches),
    ];

    private static Action<Utf8JsonWriter> DescribeInstanceTypes(Region region, ApiParameters p)
    {
        var ids = p.List("InstanceTypes", 100);
        var family = p.Optional("InstanceTypeFamily");
        var size = Math.Clamp(p.Number("MaxResults", 1, int.MaxValue, 100), 1, 1600);
        var after = p.Optional("NextToken");
        var matches = region.InstanceTypes.All
            .Where(t => (ids.IsEmpty || ids.Contains(t.Id)) && (family is null || t.Family == family))
            .Where(t => after is null || string.CompareOrdinal(t.Id, after) > 0)
            .ToList();
        var page = matches.Take(size).ToList();
        return json =>
        {
            json.WriteString("NextToken", matches.Count > size ? page[^1].Id : "");
            json.WriteObjects("InstanceTypes", "InstanceType", page, type => WriteType(json, type));
        };
    }

    private static void WriteType(Utf8JsonWriter json, InstanceType type)
    {
        json.WriteString("InstanceTypeId", type.Id);
        json.WriteString("InstanceTypeFamily", type.Family);
        json.WriteNumber("CpuCoreCount", type.CpuCoreCount);
        json.WriteNumber("MemorySize", type.MemorySize);
        json.WriteString("CpuArchitecture", "X86");
        json.WriteNumber("EniQuantity", type.EniQuantity);
        json.WriteNumber("EniTotalQuantity", type.EniTotalQuantity);
        json.WriteNumber("EniPrivateIpAddressQuantity", type.EniPrivateIpAddressQuantity);
        json.WriteNumber("EniIpv6AddressQuantity", type.EniIpv6AddressQuantity);
        json.WriteBoolean("EniTrunkSupported", type.EniTrunkSupported);
        json.WriteNumber("EriQuantity", type.EriQuantity);
        json.WriteNumber("InstanceBandwidthRx", type.BandwidthKbps);
        json.WriteNumber("InstanceBandwidthTx", type.BandwidthKbps);
        json.WriteNumber("NetworkCardQuantity", 1);
        json.WriteObjects("NetworkCards", "NetworkCardInfo", [0], index => json.WriteNumber("NetworkCardIndex", index));
    }

    private static Action<Utf8JsonWriter> DescribeInstances(Region region, ApiParameters p)
    {
        var ids = ParseIds(p.Optional("InstanceIds"));
        var vpc = p.Optional("VpcId");
        var size = Math.Clamp(p.Number("MaxResults", 1, int.MaxValue, p.Number("PageSize", 1, 100, 10)), 1, 100);
        var number = p.Number("PageNumber", 1, int.MaxValue, 1);
        var skip = p.Optional("NextToken") is { } token
            ? int.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out var offset)
                ? offset
                : throw CloudErrors.InvalidParameter("NextToken", "it is not one that this action returned")
            : (number - 1) * size;
        var matches = region.InstancesAsOf(p.AsOf).Where(i => (ids.IsEmpty || ids.Contains(i.Id)) && (vpc is null || i.VpcId == vpc)).ToList();
        var page = matches.Skip(skip).Take(size).ToList();
        return json =>
        {
            json.WriteNumber("PageNumber", number);
            json.WriteNumber("PageSize", size);
            json.WriteNumber("TotalCount", matches.Count);
            json.WriteString("NextToken", skip + page.Count < matches.Count ? (skip + page.Count).ToString(CultureInfo.InvariantCulture) : "");
            json.WriteObjects("Instances", "Instance", page, instance => WriteInstance(json, region, instance));
        };
    }

    private static void WriteInstance(Utf8JsonWriter json, Region region, InstanceSnapshot instance)
    {
        json.WriteString("InstanceId", instance.Id);
        json.WriteString("InstanceName", instance.Name);
        json.WriteString("HostName", instance.Name);
        json.WriteString("InstanceType", instance.Type.Id);
        json.WriteString("InstanceTypeFamily", instance.Type.Family);
        json.WriteString("RegionId", region.Id);
        json.WriteString("ZoneId", instance.ZoneId);
        json.WriteString("Status", "Running");
        json.WriteString("InstanceNetworkType", "vpc");
        json.WriteString("CreationTime", instance.CreationTime.ToIso());
        json.WriteStartObject("VpcAttributes");
        json.WriteString("VpcId", instance.VpcId);
        json.WriteString("VSwitchId", instance.VSwitchId);
        json.WriteStrings("PrivateIpAddress", "IpAddress", [instance.PrimaryEni.PrimaryIp.ToString()]);
        json.WriteEndObject();
        json.WriteStrings("SecurityGroupIds", "SecurityGroupId", instance.PrimaryEni.SecurityGroupIds);
        json.WriteObjects("NetworkInterfaces", "NetworkInterface", instance.Enis.Where(static e => e.Type != EniType.Member), eni =>
        {
            json.WriteString("NetworkInterfaceId", eni.Id);
            json.WriteString("MacAddress", eni.Mac);
            json.WriteString("PrimaryIpAddress", eni.PrimaryIp.ToString());
            json.WriteString("Type", eni.Type.ToString());
        });
        json.WriteObjects("Tags", "Tag", instance.Tags, tag =>
        {
            json.WriteString("TagKey", tag.Key);
            json.WriteString("TagValue", tag.Value);
        });
    }

    private static Action<Utf8JsonWriter> DescribeVSwitches(Region region, ApiParameters p)
    {
        var id = p.Optional("VSwitchId");
        var vpc = p.Optional("VpcId");
        var zone = p.Optional("ZoneId");
        var number = p.Number("PageNumber", 1, int.MaxValue, 1);
        var size = p.Number("PageSize", 1, 50, 10);
        var matches = region.VSwitchesAsOf(p.AsOf)
            .Where(v => (id is null || id.Split(',').Contains(v.Id)) && (vpc is null || v.VpcId == vpc) && (zone is null || v.ZoneId == zone))
            .ToList();
        return json =>
        {
            json.WriteNumber("PageNumber", number);
            json.WriteNumber("PageSize", size);
            json.WriteNumber("TotalCount", matches.Count);
            json.WriteObjects("VSwitches", "VSwitch", matches.Skip((number - 1) * size).Take(size), vSwitch =>
            {
                json.WriteString("VSwitchId", vSwitch.Id);
                json.WriteString("VSwitchName", vSwitch.Id);
                json.WriteString("VpcId", vSwitch.VpcId);
                json.WriteString("ZoneId", vSwitch.ZoneId);
                json.WriteString("Status", "Available");
                json.WriteString("CidrBlock", vSwitch.Cidr.ToString());
                json.WriteString("Ipv6CidrBlock", vSwitch.Ipv6Cidr?.ToString() ?? "");
                json.WriteNumber("AvailableIpAddressCount", vSwitch.AvailableIpAddressCount);
                json.WriteBoolean("IsDefault", false);
                json.WriteString("OwnerId", region.Config.AccountId);
            });
        };
    }

    private static ImmutableArray<string> ParseIds(string? text)
    {
        if (text is null)
            return [];
        try
        {
            using var document = JsonDocument.Parse(text);
            return [.. document.RootElement.EnumerateArray().Select(static e => e.GetString() ?? "")];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw CloudErrors.InvalidParameter("InstanceIds", "it must be a JSON array of strings");
        }
    }
}
