using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Terway.AlibabaCloud.Network;
using Terway.Configuration.Validation;

namespace Terway.Configuration.Tests;

/// <summary>Whatever is in a file: findings, never an exception.</summary>
public sealed class ArbitraryInputTests
{
    private static readonly ValidationContext s_context = new() { InstanceType = InstanceTypeTable.Find("ecs.g7.large") };

    private static readonly Gen<string> s_name = Gen.Frequency(
        (6, OneOf([.. KnownKeys.Names])), (2, OneOf("name", "version", "settings", "key", "value", "dst", "duration", "factor", "default", "a.b[0]")), (1, Gen.String[0, 12]));

    private static readonly Gen<string> s_text = Gen.Frequency(
        (3, OneOf("SharedEni", "ExclusiveEni", "IPv6DualStack", "dual", "ipvlan", "[1.0,2.0)", "1.*", "10s", "1h30m", "-1s", "9999999999999h", "10.0.0.0/8", "10.0.0.1/8", "::/0", "fe80::1%3/64", "1e400", "NaN", ",")),
        (1, Gen.String[0, 20]));

    private static readonly Gen<JsonNode?> s_leaf = Gen.OneOf<JsonNode?>(
        Gen.Const((JsonNode?)null), Gen.Bool.Select(static b => (JsonNode?)JsonValue.Create(b)), s_text.Select(static s => (JsonNode?)JsonValue.Create(s)),
        Gen.Int.Select(static n => (JsonNode?)JsonValue.Create(n)),
        OneOf("1e300", "-0.0", "1e-300", "123456789012345678901234567890", "9223372036854775807", "-9223372036854775808").Select(static n => JsonNode.Parse(n)));

    [Fact]
    public void Any_JSON_gives_findings_only() => Value(4).Sample(
        static node => Assert.All(Validate(node?.ToJsonString() ?? "null"), static f => Assert.NotEmpty(f.Finding.Fix)), iter: 20_000);

    [Fact]
    public void Any_overlay_gives_findings_only() => Gen.Select(Value(3), Value(3)).Sample(
        static (a, b) =>
        {
            var config = Check.Parse(a?.ToJsonString() ?? "null", b?.ToJsonString() ?? "null");
            Assert.All(ConfigValidator.Validate(config, s_context), static f => Assert.NotNull(f.Source));
        },
        iter: 10_000);

    [Fact]
    public void Any_bytes_give_findings_only() => Gen.Byte.Array[0, 40].Sample(
        static bytes => { ConfigValidator.Validate(NodePoolConfig.Parse(bytes, "eni_conf"), s_context); }, iter: 20_000);

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static IReadOnlyList<ConfigFinding> Validate(string json) => ConfigValidator.Validate(NodePoolConfig.Parse(Encoding.UTF8.GetBytes(json), "eni_conf"), s_context);

    private static Gen<JsonNode?> Value(int depth) => depth == 0
        ? s_leaf
        : Gen.Frequency(
            (1, s_leaf),
            (1, Value(depth - 1).Array[0, 4].Select(static items => (JsonNode?)new JsonArray(items))),
            (4, Gen.Select(s_name, Value(depth - 1)).Array[0, 6].Select(static members =>
            {
                var o = new JsonObject();
                foreach (var (name, value) in members) o[name] = value;
                return (JsonNode?)o;
            })));
}
