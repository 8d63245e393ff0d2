using System.Net;
using Terway.Linux.Netlink;

namespace Terway.Linux.Tests.Netlink;

public sealed class ValueTypeTests
{
    [Fact]
    public void MacAddress_text_and_bytes_round_trip()
    {
        var mac = MacAddress.Parse("00:16:3E:0a:fF:01");
        Assert.Equal("00:16:3e:0a:ff:01", mac.ToString());
        Assert.Equal(mac, MacAddress.FromBytes([0x00, 0x16, 0x3e, 0x0a, 0xff, 0x01]));
        var random = MacAddress.Random();
        Assert.Equal(random, MacAddress.Parse(random.ToString()));
        Assert.Equal("2", (Convert.ToByte(random.ToString()[..2], 16) & 3).ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("")]
    [InlineData("00:16:3e:0a:ff")]
    [InlineData("00-16-3e-0a-ff-01")]
    [InlineData("00:16:3e:0a:ff:0g")]
    [InlineData("00:16:3e:0a:ff:+1")]
    public void MacAddress_bad_text_is_refused(string text) => Assert.Throws<FormatException>(() => MacAddress.Parse(text));

    [Theory]
    [InlineData("10.0.0.1/24", "10.0.0.1/24", false)]
    [InlineData("10.0.0.1", "10.0.0.1/32", true)]
    [InlineData("::/0", "::/0", false)]
    [InlineData("2001:db8::1", "2001:db8::1/128", true)]
    public void IpPrefix_reads_and_writes(string text, string expected, bool host)
    {
        var prefix = IpPrefix.Parse(text);
        Assert.Equal(expected, prefix.ToString());
        Assert.Equal(host, prefix.IsHost);
    }

    [Theory]
    [InlineData("10.0.0.1/33")]
    [InlineData("2001:db8::/129")]
    [InlineData("10.0.0.1/-1")]
    [InlineData("10.0.0.1/")]
    [InlineData("host/24")]
    public void IpPrefix_bad_text_is_refused(string text) => Assert.Throws<FormatException>(() => IpPrefix.Parse(text));

    [Fact]
    public void IpPrefix_of_a_network_is_the_same() => Assert.Equal(IpPrefix.Parse("10.0.0.0/8"), (IpPrefix)IPNetwork.Parse("10.0.0.0/8"));

    [Fact]
    public void TbfSpec_limit_is_what_the_rate_sends_in_the_latency_and_the_burst()
    {
        var tbf = TbfSpec.FromLatency(1, 12_500_000, 12_500, TimeSpan.FromMilliseconds(25));
        Assert.Equal(12_500_000u / 40 + 12_500, tbf.LimitBytes);
        Assert.Throws<OverflowException>(() => TbfSpec.FromLatency(1, ulong.MaxValue, 1, TimeSpan.FromSeconds(1)));
    }
}
