using System.Text.Json;

namespace Terway.Lab.Cloud.Api;

/// <summary>An ENI as CreateNetworkInterface and DescribeNetworkInterfaces show it.</summary>
internal static class EniJson
{
    public static void WriteMembers(Utf8JsonWriter json, EniSnapshot eni, string accountId, IEnumerable<string> members)
    {
        json.WriteString("NetworkInterfaceId", eni.Id);
        json.WriteString("NetworkInterfaceName", eni.Name);
        json.WriteString("Description", eni.Description);
        json.WriteString("Type", eni.Type.ToString());
        json.WriteString("Status", eni.Status.ToString());
        json.WriteString("OwnerId", accountId);
        json.WriteString("ResourceGroupId", eni.ResourceGroupId);
        json.WriteString("CreationTime", eni.CreationTime.ToIso());
        json.WriteString("VpcId", eni.VpcId);
        json.WriteString("VSwitchId", eni.VSwitchId);
        json.WriteString("ZoneId", eni.ZoneId);
        json.WriteString("MacAddress", eni.Mac);
        json.WriteString("PrivateIpAddress", eni.PrimaryIp.ToString());
        json.WriteString("NetworkInterfaceTrafficMode", eni.TrafficMode);
        json.WriteString("InstanceId", eni.InstanceId ?? "");
        json.WriteBoolean("DeleteOnRelease", eni.DeleteOnRelease);
        json.WriteBoolean("SourceDestCheck", eni.SourceDestCheck);
        json.WriteBoolean("ServiceManaged", false);
        json.WriteNumber("QueueNumber", 1);
        json.WriteStrings("SecurityGroupIds", "SecurityGroupId", eni.SecurityGroupIds);
        json.WriteObjects("PrivateIpSets", "PrivateIpSet", eni.PrivateIps, ip =>
        {
            json.WriteString("PrivateIpAddress", ip.ToString());
            json.WriteBoolean("Primary", ip.Equals(eni.PrimaryIp));
        });
        json.WriteObjects("Ipv4PrefixSets", "Ipv4PrefixSet", eni.Ipv4Prefixes, p => json.WriteString("Ipv4Prefix", p.ToString()));
        json.WriteObjects("Ipv6Sets", "Ipv6Set", eni.Ipv6Addresses, ip => json.WriteString("Ipv6Address", ip.ToString()));
        json.WriteObjects("Ipv6PrefixSets", "Ipv6PrefixSet", eni.Ipv6Prefixes, p => json.WriteString("Ipv6Prefix", p.ToString()));
        json.WriteObjects("Tags", "Tag", eni.Tags, tag =>
        {
            json.WriteString("TagKey", tag.Key);
            json.WriteString("TagValue", tag.Value);
        });
        json.WriteStartObject("Attachment");
        if (eni.InstanceId is not null)
        {
            json.WriteString("InstanceId", eni.InstanceId);
            if (eni.DeviceIndex is { } index)
                json.WriteNumber("DeviceIndex", index);
            json.WriteNumber("NetworkCardIndex", eni.NetworkCardIndex);
            json.WriteString("TrunkNetworkInterfaceId", eni.TrunkEniId ?? "");
            json.WriteStrings("MemberNetworkInterfaceIds", "MemberNetworkInterfaceId", members);
        }
        json.WriteEndObject();
    }
}
