using System.Net;
using System.Text.Json;
using Terway.Cni.Wire;
using Terway.Host.Cloud;
using Terway.Host.Cni;
using Terway.Host.State;
using Terway.Host.Tests.Fixtures;
using Terway.Plugin;

namespace Terway.Host.Tests.Cni;

public sealed class CniResultTests
{
    [Theory]
    [InlineData("0.3.0", true, false)]
    [InlineData("0.3.1", true, false)]
    [InlineData("0.4.0", true, false)]
    [InlineData("1.0.0", false, false)]
    [InlineData("1.1.0", false, true)]
    public void Result_has_the_form_of_the_version(string version, bool familyOfIps, bool mtu)
    {
        var result = Write(version, Samples.Attachment(), null);
        Assert.Equal(version, result.GetProperty("cniVersion").GetString());
        var node = result.GetProperty("interfaces")[0];
        var pod = result.GetProperty("interfaces")[1];
        Assert.Equal("cali0123456789a", node.GetProperty("name").GetString());
        Assert.False(node.TryGetProperty("sandbox", out _));
        Assert.Equal("eth0", pod.GetProperty("name").GetString());
        Assert.Equal("02:00:00:00:01:02", pod.GetProperty("mac").GetString());
        Assert.Equal("/run/netns/x", pod.GetProperty("sandbox").GetString());
        Assert.Equal(mtu, pod.TryGetProperty("mtu", out var m) && m.GetInt32() == 1500);
        var ip = Assert.Single(result.GetProperty("ips").EnumerateArray());
        Assert.Equal("10.0.0.7/32", ip.GetProperty("address").GetString());
        Assert.Equal("169.254.1.1", ip.GetProperty("gateway").GetString());
        Assert.Equal(1, ip.GetProperty("interface").GetInt32());
        Assert.Equal(familyOfIps, ip.TryGetProperty("version", out var family) && family.GetString() == "4");
        var route = Assert.Single(result.GetProperty("routes").EnumerateArray());
        Assert.Equal("0.0.0.0/0", route.GetProperty("dst").GetString());
        Assert.Equal(JsonValueKind.Object, result.GetProperty("dns").ValueKind);
    }

    [Fact]
    public void Previous_result_is_kept_and_ours_appended_with_shifted_indexes()
    {
        var previous = Samples.Json("""
            {"cniVersion":"1.0.0","interfaces":[{"name":"a"},{"name":"b"},{"name":"net1","sandbox":"/run/netns/x"}],
             "ips":[{"address":"172.16.0.2/24","interface":2}],"routes":[{"dst":"172.16.0.0/12"}],"dns":{"nameservers":["10.96.0.10"]}}
            """);
        var result = Write("1.0.0", Samples.Attachment(), previous);
        Assert.Equal(["a", "b", "net1", "cali0123456789a", "eth0"], result.GetProperty("interfaces").EnumerateArray().Select(static i => i.GetProperty("name").GetString()));
        Assert.Equal([2, 4], result.GetProperty("ips").EnumerateArray().Select(static i => i.GetProperty("interface").GetInt32()));
        Assert.Equal(2, result.GetProperty("routes").GetArrayLength());
        Assert.Equal("10.96.0.10", result.GetProperty("dns").GetProperty("nameservers")[0].GetString());
    }

    [Fact]
    public void Second_family_has_its_own_length_and_route()
    {
        var attachment = Samples.Attachment();
        attachment = attachment with
        {
            Allocation = attachment.Allocation with
            {
                Addresses = [.. attachment.Allocation.Addresses, new PodAddress(IPAddress.Parse("2001:db8::7"), IPNetwork.Parse("2001:db8::/64"), IPAddress.Parse("fe80::1"))],
            },
        };
        var result = Write("0.4.0", attachment, null);
        Assert.Equal("2001:db8::7/128", result.GetProperty("ips")[1].GetProperty("address").GetString());
        Assert.Equal("6", result.GetProperty("ips")[1].GetProperty("version").GetString());
        Assert.Equal("::/0", result.GetProperty("routes")[1].GetProperty("dst").GetString());
    }

    [Theory]
    [InlineData("""{"cni.dev/valid-attachments":[]}""", 0)]
    [InlineData("""{"cni.dev/valid-attachments":null}""", 0)]
    [InlineData("""{"cni.dev/valid-attachments":[{"containerID":"c1","ifname":"eth0"},{"containerID":"c1","ifname":"eth1","more":1}]}""", 2)]
    public void Gc_list_is_read(string config, int count)
    {
        var valid = GcAttachments.Parse(Samples.Json(config));
        Assert.Equal(count, valid.Count);
        if (count > 0) Assert.Contains(new AttachmentKey("c1", "eth1"), valid);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"cni.dev/valid-attachments":{}}""")]
    [InlineData("""{"cni.dev/valid-attachments":["c1"]}""")]
    [InlineData("""{"cni.dev/valid-attachments":[{"containerID":"c1"}]}""")]
    [InlineData("""{"cni.dev/valid-attachments":[{"containerID":1,"ifname":"eth0"}]}""")]
    [InlineData("[]")]
    public void Gc_without_a_proper_list_is_refused(string config) => Assert.Throws<CniException>(() => GcAttachments.Parse(Samples.Json(config)));

    [Fact]
    public void Gc_without_a_configuration_is_refused() =>
        Assert.Equal(CniErrorCode.DecodingFailure, Assert.Throws<CniException>(() => GcAttachments.Parse(default)).Code);

    [Theory]
    [InlineData("""{"mtu":"1500"}""")]
    [InlineData("""{"mtu":-1}""")]
    [InlineData("""{"mtu":70000}""")]
    [InlineData("""{"mtu":1.5}""")]
    [InlineData("[]")]
    public void Configuration_with_a_wrong_key_is_refused(string config) => Assert.Throws<CniException>(() => CniNetConf.Parse(Samples.Json(config)));

    private static JsonElement Write(string version, Attachment attachment, JsonElement? previous)
    {
        IAddressFamily ipv4 = new IPv4Family(null!, null!);
        return Samples.Json(CniResult.Write(version, Samples.Record() with { Attachment = attachment }, [ipv4], previous));
    }
}
