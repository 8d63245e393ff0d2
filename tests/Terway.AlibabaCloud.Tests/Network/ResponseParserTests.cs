using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Terway.AlibabaCloud.Network;
using Terway.AlibabaCloud.Transport;

namespace Terway.AlibabaCloud.Tests.Network;

public sealed class ResponseParserTests
{
    [Fact]
    public void Eni_every_property_is_read()
    {
        Eni eni = ResponseParser.Eni(JsonDocument.Parse(SampleAnswers.Eni).RootElement);
        Assert.Equal("eni-1", eni.NetworkInterfaceId);
        Assert.Equal("00:16:3e:0a:0b:0c", eni.MacAddress);
        Assert.Equal((EniStatus.InUse, EniType.Secondary), (eni.Status, eni.Type));
        Assert.Equal(IPAddress.Parse("10.0.1.5"), eni.PrivateIpAddress);
        Assert.Equal([new PrivateIpSet(IPAddress.Parse("10.0.1.5"), true), new PrivateIpSet(IPAddress.Parse("10.0.1.6"), false)], eni.PrivateIpSets);
        Assert.Equal([IPAddress.Parse("2001:db8::5")], eni.Ipv6Sets);
        Assert.Equal([IPNetwork.Parse("10.0.2.16/28")], eni.Ipv4PrefixSets);
        Assert.Equal([IPNetwork.Parse("2001:db8:0:0:1::/80")], eni.Ipv6PrefixSets);
        Assert.Equal(["sg-1", "sg-2"], eni.SecurityGroupIds);
        Assert.Equal([new Tag("creator", "terway")], eni.Tags);
        Assert.Equal(("vsw-1", "vpc-1", "cn-test-a", "i-1", "rg-1"), (eni.VSwitchId, eni.VpcId, eni.ZoneId, eni.InstanceId, eni.ResourceGroupId));
        Assert.Equal(0, eni.Attachment!.DeviceIndex);
        Assert.Equal(1, eni.Attachment.NetworkCardIndex);
        Assert.Equal("eni-t", eni.Attachment.TrunkNetworkInterfaceId);
        Assert.Equal(["eni-m"], eni.Attachment.MemberNetworkInterfaceIds);
        Assert.True(eni.DeleteOnRelease);
        Assert.False(eni.ServiceManaged);
    }

    [Fact]
    public void Eni_raw_JSON_outlives_the_document()
    {
        Eni eni;
        using (JsonDocument document = JsonDocument.Parse(SampleAnswers.Eni))
            eni = ResponseParser.Eni(document.RootElement);
        Assert.Equal(2, eni.Raw.GetProperty("SomethingNew").GetProperty("x")[1].GetInt32());
    }

    [Fact]
    public void Eni_nothing_but_an_id_is_enough()
    {
        Eni eni = ResponseParser.Eni(JsonDocument.Parse("""{"NetworkInterfaceId":"eni-1","PrivateIpAddress":"","Attachment":null,"Ipv6Sets":{}}""").RootElement);
        Assert.Null(eni.PrivateIpAddress);
        Assert.Null(eni.Attachment);
        Assert.Empty(eni.Ipv6Sets);
    }

    [Fact]
    public void Parsers_any_node_replaced_by_anything_gives_a_value_or_a_FormatException()
    {
        string[] replacements = ["null", "true", "-1", "1.5", "1e400", "99999999999999999999", "\"\"", "\"x\"", "\"10.0.0.0/99\"", "\"\\ud800\"", "[]", "[null]", "[[]]", "{}", "[{}]", "{\"a\":1}"];
        (string Json, Func<JsonElement, object> Read)[] parsers =
        [
            (SampleAnswers.Eni, ResponseParser.Eni),
            (SampleAnswers.InstanceTypes, e => ResponseParser.Items(e, "InstanceTypes", "InstanceType", ResponseParser.InstanceType)),
            (SampleAnswers.VSwitches, e => ResponseParser.Items(e, "VSwitches", "VSwitch", ResponseParser.VSwitch)),
        ];
        foreach ((string json, Func<JsonElement, object> read) in parsers)
        {
            int nodes = Paths(JsonNode.Parse(json)!).Count();
            // Every place with every replacement: few enough to leave nothing to chance.
            for (int place = 0; place < nodes; place++)
            {
                foreach (string replacement in replacements)
                {
                    using JsonDocument changed = JsonDocument.Parse(Replace(json, place, replacement));
                    Tolerate(() => read(changed.RootElement));
                }
            }
        }
    }

    [Fact]
    public void ToError_any_body_gives_an_error_with_a_code() =>
        Gen.Select(Gen.OneOf(Gen.Byte.Array, Gen.String.Select(s => System.Text.Encoding.UTF8.GetBytes($$"""{"Code":"{{s}}","Message":[]}"""))), Gen.Int[300, 599])
            .Sample((body, status) =>
                OpenApiExchange.ToError("ecs", "X", (HttpStatusCode)status, body, null, null) is { Code.Length: > 0, Message.Length: > 0 }, iter: 5000);

    private static IEnumerable<JsonNode> Paths(JsonNode root) => root switch
    {
        JsonObject o => o.Where(p => p.Value is not null).SelectMany(p => Paths(p.Value!).Prepend(p.Value!)),
        JsonArray a => a.Where(n => n is not null).SelectMany(n => Paths(n!).Prepend(n!)),
        _ => [],
    };

    // As text: a JsonNode cannot hold some of the replacements.
    private static string Replace(string json, int place, string replacement)
    {
        JsonNode root = JsonNode.Parse(json)!;
        Paths(root).ElementAt(place).ReplaceWith("@@here@@");
        return root.ToJsonString().Replace("\"@@here@@\"", replacement, StringComparison.Ordinal);
    }

    private static void Tolerate(Action parse)
    {
        try
        {
            parse();
        }
        catch (FormatException e)
        {
            Assert.NotEmpty(e.Message);
        }
    }
}
