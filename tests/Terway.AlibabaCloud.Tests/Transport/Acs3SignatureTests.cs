using CsCheck;
using Terway.AlibabaCloud.Transport;

namespace Terway.AlibabaCloud.Tests.Transport;

public sealed class Acs3SignatureTests
{
    [Fact]
    public void Sign_documented_RunInstances_request_gives_documented_signature()
    {
        string query = Acs3Signature.CanonicalQuery(
        [
            new("RegionId", "cn-shanghai"),
            new("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"),
        ]);
        string canonical = Acs3Signature.CanonicalRequest("POST", "/", query,
        [
            new("host", "ecs.cn-shanghai.aliyuncs.com"),
            new("x-acs-action", "RunInstances"),
            new("x-acs-version", "2014-05-26"),
            new("x-acs-date", "2023-10-26T10:22:32Z"),
            new("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
            new("x-acs-content-sha256", Acs3Signature.EmptyPayloadHash),
        ], Acs3Signature.EmptyPayloadHash, out string signed);

        Assert.Equal("host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version", signed);
        string signature = Acs3Signature.Sign(canonical, "YourAccessKeySecret");
        Assert.Equal("06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0", signature);
        Assert.Equal($"ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders={signed},Signature={signature}",
            Acs3Signature.Authorization("YourAccessKeyId", signed, signature));
    }

    [Fact]
    public void Sign_repeated_header_in_two_spellings_is_merged_as_the_SDK_does()
    {
        string canonical = Acs3Signature.CanonicalRequest("", "", Acs3Signature.CanonicalQuery([new("test", "ok"), new("empty", "")]),
            [new("x-acs-test", "http"), new("x-acs-TEST", "https")],
            "55e12e91650d2fec56ec74e1d3e4ddbfce2ef3a65890c2a19ecf88a307e76a23", out string signed);

        Assert.Equal("x-acs-test", signed);
        Assert.Equal("4ab59fffe3c5738ff8a2729f90cc04fe18b02a4b15b2102cbaf92f9ff3df2ea3", Acs3Signature.Sign(canonical, "secret"));
    }

    [Fact]
    public void EmptyPayloadHash_is_the_hash_of_nothing() =>
        Assert.Equal(Acs3Signature.EmptyPayloadHash, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData([])));

    [Theory]
    [InlineData("a b", "a%20b")]
    [InlineData("*", "%2A")]
    [InlineData("~-_.", "~-_.")]
    [InlineData("+/=&", "%2B%2F%3D%26")]
    [InlineData("专有", "%E4%B8%93%E6%9C%89")]
    public void Encode_follows_RFC_3986(string plain, string encoded) => Assert.Equal(encoded, Acs3Signature.Encode(plain));

    [Fact]
    public void Encode_any_text_is_undone_by_unescaping() =>
        Gen.String.Where(s => !s.Any(char.IsSurrogate)).Sample(s => Uri.UnescapeDataString(Acs3Signature.Encode(s)) == s);

    [Fact]
    public void Encode_any_text_leaves_only_unreserved_characters() =>
        Gen.String.Sample(s => Acs3Signature.Encode(s).All(c => char.IsAsciiLetterOrDigit(c) || "-_.~%".Contains(c, StringComparison.Ordinal)));

    [Fact]
    public void CanonicalQuery_does_not_depend_on_the_order_of_parameters() =>
        Gen.Dictionary(Gen.String, Gen.String)[0, 12].Sample(d =>
            Acs3Signature.CanonicalQuery(d) == Acs3Signature.CanonicalQuery(d.Reverse()));

    [Fact]
    public void Sign_changes_with_every_part_of_the_request()
    {
        static string Of(string method = "POST", string path = "/", string query = "a=b", string action = "X", string hash = "00", string secret = "s") =>
            Acs3Signature.Sign(Acs3Signature.CanonicalRequest(method, path, query, [new("x-acs-action", action)], hash, out _), secret);

        string[] all = [Of(), Of(method: "GET"), Of(path: "/p"), Of(query: "a=c"), Of(action: "Y"), Of(hash: "01"), Of(secret: "t")];
        Assert.Equal(all.Length, all.Distinct().Count());
    }

    [Fact]
    public void CanonicalRequest_leaves_other_headers_out()
    {
        string with = Acs3Signature.CanonicalRequest("POST", "/", "", [new("host", "h"), new("User-Agent", "u"), new("Accept", "a")], "00", out string signed);
        Assert.Equal("host", signed);
        Assert.DoesNotContain("user-agent", with, StringComparison.OrdinalIgnoreCase);
    }
}
