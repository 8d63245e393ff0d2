using System.Net;
using CsCheck;
using Terway.AlibabaCloud.Metadata;

namespace Terway.AlibabaCloud.Tests.Metadata;

public sealed class MetadataParserTests
{
    [Fact]
    public void Parsers_any_text_gives_a_value_or_a_FormatException()
    {
        Gen<string> text = Gen.OneOf(
            Gen.String,
            Gen.Char["[]\",.:/10f%\\ \nnul"].Array[0, 24].Select(a => new string(a)),
            Gen.String.Select(s => $"[{s}]"),
            Gen.String.Select(s => $"[\"{s}\"]"));
        text.Sample(s =>
        {
            Tolerate(() => MetadataParser.Addresses(s));
            Tolerate(() => MetadataParser.Address(s));
            Tolerate(() => MetadataParser.Network(s));
            MetadataParser.Directory(s);
        }, iter: 20_000);
    }

    [Fact]
    public void Addresses_both_notations_give_back_what_was_written() =>
        Gen.OneOf(Gen.Byte.Array[4], Gen.Byte.Array[16]).Select(b => new IPAddress(b)).List[0, 8].Sample(list =>
        {
            Assert.Equal(list, MetadataParser.Addresses($"[{string.Join(",", list)}]"));
            Assert.Equal(list, MetadataParser.Addresses($"[{string.Join(", ", list.Select(a => $"\"{a}\""))}]"));
        });

    [Theory]
    [InlineData("1")]
    [InlineData("10.1")]
    [InlineData("fe80::1%2")]
    [InlineData("10.0.0.0/8")]
    [InlineData("")]
    public void Address_shorthand_scope_and_others_are_refused(string text) =>
        Assert.Throws<FormatException>(() => MetadataParser.Address(text));

    [Theory]
    [InlineData("10.0.0.0/24", "10.0.0.253")]
    [InlineData("10.0.0.0/30", "10.0.0.1")]
    [InlineData("192.168.0.0/16", "192.168.255.253")]
    [InlineData("fd00::/64", "fd00::ffff:ffff:ffff:fffd")]
    public void DerivedGateway_is_the_third_last_address(string cidr, string gateway) =>
        Assert.Equal(IPAddress.Parse(gateway), MetadataParser.DerivedGateway(IPNetwork.Parse(cidr)));

    [Fact]
    public void DerivedGateway_of_a_range_too_small_is_refused() =>
        Assert.Throws<FormatException>(() => MetadataParser.DerivedGateway(IPNetwork.Parse("10.0.0.0/31")));

    private static void Tolerate(Action parse)
    {
        try
        {
            parse();
        }
        catch (FormatException)
        {
            // The one failure that callers expect.
        }
    }
}
