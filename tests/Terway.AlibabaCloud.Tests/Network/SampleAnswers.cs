namespace Terway.AlibabaCloud.Tests.Network;

internal static class SampleAnswers
{
    public const string Eni = """
        {"NetworkInterfaceId":"eni-1","NetworkInterfaceName":"n","Description":"d","Status":"InUse","Type":"Secondary",
         "NetworkInterfaceTrafficMode":"Standard","MacAddress":"00:16:3E:0A:0B:0C","VSwitchId":"vsw-1","VpcId":"vpc-1","ZoneId":"cn-test-a",
         "InstanceId":"i-1","ResourceGroupId":"rg-1","PrivateIpAddress":"10.0.1.5","ServiceManaged":false,"DeleteOnRelease":true,
         "PrivateIpSets":{"PrivateIpSet":[{"Primary":true,"PrivateIpAddress":"10.0.1.5"},{"Primary":false,"PrivateIpAddress":"10.0.1.6"}]},
         "Ipv6Sets":{"Ipv6Set":[{"Ipv6Address":"2001:db8::5"}]},
         "Ipv4PrefixSets":{"Ipv4PrefixSet":[{"Ipv4Prefix":"10.0.2.16/28"}]},
         "Ipv6PrefixSets":{"Ipv6PrefixSet":[{"Ipv6Prefix":"2001:db8:0:0:1::/80"}]},
         "SecurityGroupIds":{"SecurityGroupId":["sg-1","sg-2"]},
         "Tags":{"Tag":[{"TagKey":"creator","TagValue":"terway"}]},
         "Attachment":{"InstanceId":"i-1","TrunkNetworkInterfaceId":"eni-t","DeviceIndex":0,"NetworkCardIndex":1,
                       "MemberNetworkInterfaceIds":{"MemberNetworkInterfaceId":["eni-m"]}},
         "SomethingNew":{"x":[1,2]}}
        """;

    public const string InstanceTypes = """
        {"RequestId":"r-1","NextToken":"","InstanceTypes":{"InstanceType":[
          {"InstanceTypeId":"ecs.g7.4xlarge","EniQuantity":8,"EniTotalQuantity":60,"EniPrivateIpAddressQuantity":30,"EniIpv6AddressQuantity":30,
           "EniTrunkSupported":true,"EriQuantity":2,"InstanceBandwidthRx":10240000,"InstanceBandwidthTx":10240000,
           "NetworkCards":{"NetworkCardInfo":[{"NetworkCardIndex":0},{"NetworkCardIndex":1}]}}]}}
        """;

    public const string VSwitches = """
        {"RequestId":"r-1","TotalCount":1,"PageNumber":1,"PageSize":50,"VSwitches":{"VSwitch":[
          {"VSwitchId":"vsw-1","VpcId":"vpc-1","ZoneId":"cn-test-a","CidrBlock":"10.0.1.0/24","Ipv6CidrBlock":"2001:db8::/64",
           "AvailableIpAddressCount":251,"Status":"Available"}]}}
        """;

    public static string Enis(string next, params string[] enis) =>
        $$"""{"RequestId":"r-{{next}}","NextToken":"{{next}}","NetworkInterfaceSets":{"NetworkInterfaceSet":[{{string.Join(",", enis)}}] } }""";

    public static string SmallEni(string id, string address = "10.0.1.5") =>
        $$"""{"NetworkInterfaceId":"{{id}}","PrivateIpAddress":"{{address}}","PrivateIpSets":{"PrivateIpSet":[{"Primary":true,"PrivateIpAddress":"{{address}}"}] } }""";
}
