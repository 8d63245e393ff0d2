using System.Globalization;
using System.Text.Json;
using CsCheck;
using Terway.Host.Cni;
using Terway.Host.Pods;
using Terway.Host.Tests.Fixtures;

namespace Terway.Host.Tests.Pods;

public sealed class BandwidthTests
{
    private static readonly Dictionary<string, decimal> s_factors = new()
    {
        [""] = 1,
        ["k"] = 1e3m,
        ["M"] = 1e6m,
        ["G"] = 1e9m,
        ["T"] = 1e12m,
        ["Ki"] = 1024,
        ["Mi"] = 1048576,
        ["Gi"] = 1073741824,
        ["Ti"] = 1099511627776,
        ["e3"] = 1e3m,
        ["E6"] = 1e6m,
    };

    [Fact]
    public void Quantity_of_bits_becomes_bytes() =>
        Gen.Select(Gen.Int[1, 900], Gen.Int[0, 99], Gen.Int[0, 10]).Sample((whole, hundredths, choice) =>
        {
            var unit = s_factors.Keys.ElementAt(choice);
            var value = whole + (hundredths / 100m);
            var text = value.ToString(CultureInfo.InvariantCulture) + unit;
            Assert.Equal(Math.Max(1, (long)(value * s_factors[unit] / 8)), Read("{}", ("kubernetes.io/ingress-bandwidth", text)).Ingress);
        });

    [Theory]
    [InlineData("10M", 10485760)]
    [InlineData("10m", 10485760)]
    [InlineData("10MB", 10485760)]
    [InlineData("10MiB", 10485760)]
    [InlineData("1K", 1024)]
    [InlineData("100B", 100)]
    [InlineData("1.5G", 1610612736)]
    public void Annotation_of_Terway_is_in_bytes(string text, long bytes) => Assert.Equal(bytes, Read("{}", ("k8s.aliyun.com/egress-bandwidth", text)).Egress);

    [Theory]
    [InlineData("kubernetes.io/ingress-bandwidth", "")]
    [InlineData("kubernetes.io/ingress-bandwidth", "0")]
    [InlineData("kubernetes.io/ingress-bandwidth", "-5M")]
    [InlineData("kubernetes.io/ingress-bandwidth", "5X")]
    [InlineData("kubernetes.io/ingress-bandwidth", "M")]
    [InlineData("kubernetes.io/ingress-bandwidth", "5 000")]
    [InlineData("kubernetes.io/ingress-bandwidth", "1e3M")]
    [InlineData("kubernetes.io/ingress-bandwidth", "99999999999T")]
    [InlineData("kubernetes.io/ingress-bandwidth", "1e99")]
    [InlineData("k8s.aliyun.com/ingress-bandwidth", "100")]
    public void What_is_no_rate_is_refused_by_name(string annotation, string text)
    {
        var e = Assert.Throws<FormatException>(() => Read("{}", (annotation, text)));
        Assert.Contains(annotation, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_text_is_a_rate_or_refused() => Gen.String.Sample(text =>
    {
        try
        {
            Assert.InRange(Read("{}", ("kubernetes.io/egress-bandwidth", text), ("k8s.aliyun.com/ingress-bandwidth", text)).Egress, 1, long.MaxValue);
        }
        catch (FormatException)
        {
        }
    });

    [Fact]
    public void Capability_of_the_runtime_goes_before_annotations_by_direction()
    {
        var b = Read(
            """{"runtimeConfig":{"bandwidth":{"ingressRate":8000,"egressRate":0}}}""",
            ("kubernetes.io/ingress-bandwidth", "1M"), ("kubernetes.io/egress-bandwidth", "8M"), ("k8s.aliyun.com/egress-bandwidth", "7M"));
        Assert.Equal(new Bandwidth(1000, 1_000_000), b);
        Assert.Equal(default, Read("{}"));
        Assert.Throws<FormatException>(() => Read("""{"runtimeConfig":{"bandwidth":{"egressRate":"8000"}}}"""));
    }

    [Fact]
    public void Capability_as_containerd_writes_it_counts()
    {
        // go-cni's structure has no JSON names: its fields go out capitalised, and every Go plugin reads them so.
        var b = Read("""{"runtimeConfig":{"bandwidth":{"IngressRate":8000000,"IngressBurst":4294967295,"EgressRate":16000000,"EgressBurst":4294967295}}}""");
        Assert.Equal(new Bandwidth(1_000_000, 2_000_000), b);
    }

    [Fact]
    public void CniArgs_gives_back_every_pair_and_skips_the_rest()
    {
        var piece = Gen.Select(Gen.String[Gen.Char["ABCdef_019"], 1, 8], Gen.String[Gen.Char["abc=/ -."], 0, 8]);
        piece.Array[0, 8].Sample(pairs =>
        {
            var parsed = CniArgs.Parse(string.Join(';', pairs.Select(static p => $"{p.Item1}={p.Item2}").Append("alone").Append("=x").Append("")));
            var expected = new Dictionary<string, string>();
            foreach (var (key, value) in pairs) expected[key] = value.TrimEnd();
            Assert.Equal(expected.OrderBy(static e => e.Key), parsed.OrderBy(static e => e.Key));
        });
    }

    private static Bandwidth Read(string config, params (string Key, string Value)[] annotations) =>
        Bandwidth.Read(Samples.Json(config), annotations.ToDictionary(static a => a.Key, static a => a.Value));
}
