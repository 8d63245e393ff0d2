using System.Text.Json;

namespace Terway.Lab.Cloud.Control;

/// <summary>The whole state of a region, for people, tests and leak reports.</summary>
internal static class RegionJson
{
    public static void Write(Utf8JsonWriter json, Region region)
    {
        json.WriteStartObject();
        json.WriteString("regionId", region.Id);
        json.WriteString("vpcId", region.Config.Vpc.Id);
        json.WriteString("vpcCidr", region.Config.Vpc.Cidr.ToString());
        WriteArray(json, "vSwitches", region.VSwitches, v =>
        {
            json.WriteString("id", v.Id);
            json.WriteString("zoneId", v.ZoneId);
            json.WriteString("cidr", v.Cidr.ToString());
            json.WriteString("gateway", v.Gateway.ToString());
            json.WriteNumber("available", v.AvailableIpAddressCount);
            json.WriteNumber("total", v.TotalIpAddressCount);
        });
        WriteArray(json, "securityGroups", region.SecurityGroups, g =>
        {
            json.WriteString("id", g.Id);
            json.WriteString("name", g.Name);
            json.WriteBoolean("enterprise", g.Enterprise);
            json.WriteNumber("rules", g.Rules.Length);
        });
        WriteArray(json, "instances", region.Instances, i =>
        {
            json.WriteString("id", i.Id);
            json.WriteString("name", i.Name);
            json.WriteString("type", i.Type.Id);
            json.WriteString("zoneId", i.ZoneId);
            json.WriteString("primaryIp", i.PrimaryEni.PrimaryIp.ToString());
            WriteStrings(json, "enis", i.Enis.Select(static e => e.Id));
        });
        WriteArray(json, "enis", region.Enis, e => WriteEni(json, e));
        WriteStrings(json, "troubles", region.Troubles);
        json.WriteEndObject();
    }

    private static void WriteEni(Utf8JsonWriter json, EniSnapshot eni)
    {
        json.WriteString("id", eni.Id);
        json.WriteString("mac", eni.Mac);
        json.WriteString("type", eni.Type.ToString());
        json.WriteString("status", eni.Status.ToString());
        json.WriteString("instanceId", eni.InstanceId);
        json.WriteString("vSwitchId", eni.VSwitchId);
        json.WriteString("primaryIp", eni.PrimaryIp.ToString());
        WriteStrings(json, "privateIps", eni.PrivateIps.Select(static ip => ip.ToString()));
        WriteStrings(json, "ipv4Prefixes", eni.Ipv4Prefixes.Select(static p => p.ToString()));
        WriteStrings(json, "ipv6Addresses", eni.Ipv6Addresses.Select(static ip => ip.ToString()));
        WriteStrings(json, "ipv6Prefixes", eni.Ipv6Prefixes.Select(static p => p.ToString()));
        WriteStrings(json, "securityGroupIds", eni.SecurityGroupIds);
        json.WriteStartObject("tags");
        foreach (var (key, value) in eni.Tags)
            json.WriteString(key, value);
        json.WriteEndObject();
        if (eni.DeviceIndex is { } index)
            json.WriteNumber("deviceIndex", index);
        if (eni.Vlan is { } vlan)
            json.WriteNumber("vlan", vlan);
        if (eni.TrunkEniId is not null)
            json.WriteString("trunkEniId", eni.TrunkEniId);
        json.WriteString("creationTime", eni.CreationTime);
    }

    private static void WriteArray<T>(Utf8JsonWriter json, string name, IEnumerable<T> items, Action<T> writeMembers)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStartObject();
            writeMembers(item);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }
}
