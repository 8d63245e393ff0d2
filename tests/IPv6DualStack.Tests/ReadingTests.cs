using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using CsCheck;

namespace Terway.Plugins.IPv6DualStack.Tests;

/// <summary>What the cloud may say, whatever it says.</summary>
public sealed class ReadingTests
{
    private static readonly Gen<IPAddress> s_address = Gen.Byte.Array[16].Select(static b => new IPAddress(b)).Where(static a => !a.IsIPv4MappedToIPv6);

    // Words that stand in the API's answers, and values of every kind.
    private static readonly Gen<string> s_name = OneOf("Ipv6Sets", "Ipv6Set", "Ipv6Address", "Ipv6PrefixSets", "Ipv6PrefixSet", "Ipv6Prefix", "Ipv6CidrBlock", "vswitches", "cn-hangzhou-i");
    private static readonly Gen<string> s_leaf = OneOf(
        "null", "true", "1", "1e400", "\"\"", "\"::\"", "\"x\"", "\"::/0\"", "\"10.0.0.1\"", "\"2408::/80\"", "\"2408::1\"", "\"fe80::1%3\"", "{}", "[]");

    [Fact]
    public void Addresses_come_back_as_they_were_written_each_once() => s_address.Array[0, 20].Sample(addresses =>
    {
        var twice = addresses.Concat(addresses.Take(2)).Select(static (a, i) => new { Ipv6Address = i % 2 == 0 ? a.ToString() : a.ToString().ToUpperInvariant() });
        var json = JsonSerializer.SerializeToElement(new { Ipv6Sets = new { Ipv6Set = twice } });
        Assert.Equal(addresses.Distinct(), Ipv6Json.Addresses(json));
    });

    [Fact]
    public void Prefixes_are_those_of_80_bits_and_no_others() => Gen.Select(Gen.Byte.Array[16], Gen.Int[0, 128]).Array[0, 10].Sample(pairs =>
    {
        var networks = pairs.Select(static p => new IPNetwork(Masked(p.Item1, p.Item2), p.Item2)).ToArray();
        var json = JsonSerializer.SerializeToElement(new { Ipv6PrefixSets = new { Ipv6PrefixSet = networks.Select(static n => new { Ipv6Prefix = n.ToString() }) } });
        Assert.Equal(networks.Where(static n => n.PrefixLength == 80).Distinct(), Ipv6Json.Prefixes(json));
    });

    [Fact]
    public void Anything_else_is_as_if_it_were_not_there() => Value(5).Sample(static text =>
    {
        using var document = JsonDocument.Parse(text);
        Assert.All(Ipv6Json.Addresses(document.RootElement), static a => Assert.Equal(AddressFamily.InterNetworkV6, a.AddressFamily));
        Assert.All(Ipv6Json.Prefixes(document.RootElement), static p => Assert.Equal(80, p.PrefixLength));
        Assert.True(Ipv6Json.Subnet(document.RootElement) is not { } n || n.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6);
        Assert.NotEmpty(DualStackSettings.VSwitches(document.RootElement, TestHost.Facts()));
    });

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("fe80::1%3")]
    [InlineData("2408:4005::1/128")]
    [InlineData("")]
    public void Texts_that_are_no_ipv6_address_are_passed_over(string text) =>
        Assert.Empty(Ipv6Json.Addresses(JsonSerializer.SerializeToElement(new { Ipv6Sets = new { Ipv6Set = new[] { new { Ipv6Address = text } } } })));

    [Theory]
    [InlineData("""{"Ipv6CidrBlock": "2408:4005:1000:10::/64"}""", "2408:4005:1000:10::/64")]
    [InlineData("""{"Ipv6CidrBlock": ""}""", null)]
    [InlineData("""{"Ipv6CidrBlock": null}""", null)]
    [InlineData("""{"Ipv6CidrBlock": "10.0.0.0/24"}""", null)]
    [InlineData("""{"CidrBlock": "10.0.0.0/24"}""", null)]
    public void Subnet_is_read_from_its_own_member(string json, string? expected)
    {
        using var document = JsonDocument.Parse(json);
        Assert.Equal(expected, Ipv6Json.Subnet(document.RootElement)?.ToString());
    }

    [Theory]
    [InlineData("""{"vswitches": {"cn-hangzhou-i": ["vsw-1", "vsw-2", "vsw-1"], "cn-hangzhou-k": ["vsw-3"]}}""", "vsw-1,vsw-2")]
    [InlineData("""{"vswitches": {"cn-hangzhou-k": ["vsw-3"]}}""", "vsw-lab-nodes")]
    [InlineData("""{}""", "vsw-lab-nodes")]
    public void VSwitches_are_those_of_the_nodes_zone_or_its_own(string json, string expected)
    {
        using var document = JsonDocument.Parse(json);
        Assert.Equal(expected, string.Join(",", DualStackSettings.VSwitches(document.RootElement, TestHost.Facts())));
    }

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static Gen<string> Value(int depth) => depth == 0
        ? s_leaf
        : Gen.Frequency(
            (1, s_leaf),
            (1, Value(depth - 1).Array[0, 3].Select(static items => $"[{string.Join(",", items)}]")),
            (3, Gen.Select(s_name, Value(depth - 1)).Array[0, 4].Select(
                static members => "{" + string.Join(",", members.DistinctBy(static m => m.Item1).Select(static m => $"\"{m.Item1}\":{m.Item2}")) + "}")));

    private static IPAddress Masked(byte[] bytes, int length)
    {
        var masked = (byte[])bytes.Clone();
        for (var bit = length; bit < 128; bit++) masked[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPAddress(masked);
    }
}
