using Terway.Lab.Cloud;
using Terway.Lab.Cloud.Api;
using Terway.Lab.Config;

namespace Terway.Lab.Tests.Cloud;

public sealed class SignatureTests
{
    [Fact]
    public void Sign_published_vector_gives_its_signature()
    {
        var canonical = CanonicalRequest.Build(
            "POST",
            "/",
            [
                new("RegionId", "cn-shanghai"),
                new("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"),
            ],
            [
                new("host", "ecs.cn-shanghai.aliyuncs.com"),
                new("x-acs-action", "RunInstances"),
                new("x-acs-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                new("x-acs-date", "2023-10-26T10:22:32Z"),
                new("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
                new("x-acs-version", "2014-05-26"),
            ],
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

        Assert.Equal("06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0", CanonicalRequest.Sign(canonical, "YourAccessKeySecret"));
    }

    [Fact]
    public async Task Call_query_form_and_get_are_accepted()
    {
        await using var cloud = await TestCloud.StartAsync();
        (await cloud.Api.CallAsync("DescribeInstanceTypes")).Ok();
        using var form = new AcsClient(cloud.Cloud.OpenApiAddresses[0], TestCloud.KeyId, TestCloud.Secret, cloud.Time) { AsForm = true };
        (await form.CallAsync("DescribeNetworkInterfaces", ("Tag.1.Key", "a b+c/d~é*"), ("Tag.1.Value", "ü&=?"))).Ok();
        using var get = new AcsClient(cloud.Cloud.OpenApiAddresses[0], TestCloud.KeyId, TestCloud.Secret, cloud.Time) { Method = HttpMethod.Get };
        (await get.CallAsync("DescribeNetworkInterfaces", ("Tag.1.Key", "a b+c/d~é*"), ("Tag.1.Value", "ü&=?"))).Ok();
    }

    [Fact]
    public async Task Call_wrong_secret_is_refused()
    {
        await using var cloud = await TestCloud.StartAsync();
        using var client = cloud.Client(secret: "other");
        (await client.CallAsync("DescribeInstanceTypes")).Expect(400, "SignatureDoesNotMatch");
    }

    [Fact]
    public async Task Call_changed_query_is_refused()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Api.TamperQuery = static q => q.Replace("eni-1", "eni-2", StringComparison.Ordinal);
        (await cloud.Api.CallAsync("DeleteNetworkInterface", ("NetworkInterfaceId", "eni-1"))).Expect(400, "SignatureDoesNotMatch");
    }

    [Theory]
    [InlineData("x-acs-action", "DeleteNetworkInterface")]
    [InlineData("x-acs-signature-nonce", "other")]
    [InlineData("x-acs-version", "2016-04-28")]
    [InlineData("x-acs-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b856")]
    public async Task Call_changed_header_is_refused(string name, string value)
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Api.Tamper = h => h[name] = value;
        (await cloud.Api.CallAsync("DescribeInstanceTypes")).Expect(400, "SignatureDoesNotMatch");
    }

    [Fact]
    public async Task Call_body_other_than_declared_is_refused()
    {
        await using var cloud = await TestCloud.StartAsync();
        using var client = new AcsClient(cloud.Cloud.OpenApiAddresses[0], TestCloud.KeyId, TestCloud.Secret, cloud.Time) { AsForm = true };
        client.Tamper = h => h["x-acs-content-sha256"] = new string('0', 64);
        (await client.CallAsync("DescribeInstanceTypes")).Expect(400, "SignatureDoesNotMatch");
    }

    [Fact]
    public async Task Call_unsigned_acs_header_is_refused()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Api.Tamper = static h => h["x-acs-extra"] = "1";
        (await cloud.Api.CallAsync("DescribeInstanceTypes")).Expect(400, "IncompleteSignature");
    }

    [Theory]
    [InlineData("")]
    [InlineData("Basic abc")]
    [InlineData("ACS3-HMAC-SHA256 Credential=LTAItest")]
    [InlineData("ACS3-HMAC-SHA256 Credential=LTAItest,SignedHeaders=host;host,Signature=00")]
    [InlineData("ACS3-HMAC-SHA256 garbage,,,")]
    public async Task Call_malformed_authorization_is_refused(string authorization)
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Api.Tamper = h => h["authorization"] = authorization;
        (await cloud.Api.CallAsync("DescribeInstanceTypes")).Expect(400, "IncompleteSignature");
    }

    [Fact]
    public async Task Call_unknown_key_is_refused()
    {
        await using var cloud = await TestCloud.StartAsync();
        using var client = cloud.Client(keyId: "LTAInobody");
        (await client.CallAsync("DescribeInstanceTypes")).Expect(404, "InvalidAccessKeyId.NotFound");
    }

    [Theory]
    [InlineData(-16, "InvalidTimeStamp.Expired")]
    [InlineData(16, "InvalidTimeStamp.Expired")]
    [InlineData(-14, "OK")]
    [InlineData(14, "OK")]
    public async Task Call_time_stamp_is_held_against_the_clock(int minutes, string code)
    {
        await using var cloud = await TestCloud.StartAsync(time: new ManualTime());
        cloud.Api.Date = () => cloud.Time.GetUtcNow().AddMinutes(minutes).ToIso();
        Assert.Equal(code, (await cloud.Api.CallAsync("DescribeInstanceTypes")).Code);
    }

    [Fact]
    public async Task Call_malformed_time_stamp_is_refused()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Api.Date = static () => "Sun, 01 Mar 2026 12:00:00 GMT";
        (await cloud.Api.CallAsync("DescribeInstanceTypes")).Expect(400, "InvalidTimeStamp.Format");
    }

    [Fact]
    public async Task Call_nonce_used_twice_is_refused_once_it_was_accepted()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Api.Nonce = static () => "same";
        using var forger = cloud.Client(secret: "other");
        forger.Nonce = cloud.Api.Nonce;
        // A forged request must not burn the nonce of the real one.
        (await forger.CallAsync("DescribeInstanceTypes")).Expect(400, "SignatureDoesNotMatch");
        (await cloud.Api.CallAsync("DescribeInstanceTypes")).Ok();
        (await cloud.Api.CallAsync("DescribeInstanceTypes")).Expect(400, "SignatureNonceUsed");
    }

    [Fact]
    public async Task Call_role_credentials_work_until_they_expire()
    {
        var time = new ManualTime();
        await using var cloud = await TestCloud.StartAsync(time: time);
        using var client = cloud.RoleClient();
        (await client.CallAsync("DescribeNetworkInterfaces")).Ok();
        time.Advance(TimeSpan.FromHours(6) + TimeSpan.FromSeconds(1));
        (await client.CallAsync("DescribeNetworkInterfaces")).Expect(400, "InvalidSecurityToken.Expired");
        using var renewed = cloud.RoleClient();
        (await renewed.CallAsync("DescribeNetworkInterfaces")).Ok();
    }

    [Fact]
    public async Task Call_role_credentials_without_or_with_another_token_are_refused()
    {
        await using var cloud = await TestCloud.StartAsync();
        var role = cloud.Cloud.Credentials.IssueFor(cloud.Node.Id);
        using var none = cloud.Client(role.AccessKeyId, role.AccessKeySecret);
        (await none.CallAsync("DescribeNetworkInterfaces")).Expect(400, "MissingSecurityToken");
        using var other = cloud.Client(role.AccessKeyId, role.AccessKeySecret, "other");
        (await other.CallAsync("DescribeNetworkInterfaces")).Expect(400, "InvalidSecurityToken.MismatchWithAccessKey");
    }

    [Fact]
    public async Task Call_role_without_permission_is_refused()
    {
        await using var cloud = await TestCloud.StartAsync(TestCloud.Config with { RamRole = new RamRoleConfig { Allow = ["ecs:Describe*"] } });
        using var client = cloud.RoleClient();
        (await client.CallAsync("DescribeNetworkInterfaces")).Ok();
        (await client.CallAsync("DeleteNetworkInterface", ("NetworkInterfaceId", "eni-1"))).Expect(403, "Forbidden.RAM");
        // The account's own key is not bound by the role's policy.
        (await cloud.Api.CallAsync("DeleteNetworkInterface", ("NetworkInterfaceId", "eni-1"))).Expect(404, "InvalidEniId.NotFound");
    }

    [Fact]
    public async Task Call_action_version_and_region_are_checked()
    {
        await using var cloud = await TestCloud.StartAsync();
        (await cloud.Api.CallAsync("RunInstances")).Expect(404, "InvalidAction.NotFound");
        using var vpc = new AcsClient(cloud.Cloud.OpenApiAddresses[0], TestCloud.KeyId, TestCloud.Secret, cloud.Time) { Version = "2016-04-28" };
        (await vpc.CallAsync("CreateNetworkInterface")).Expect(404, "InvalidAction.NotFound");
        using var unknown = new AcsClient(cloud.Cloud.OpenApiAddresses[0], TestCloud.KeyId, TestCloud.Secret, cloud.Time) { Version = "2011-01-01" };
        (await unknown.CallAsync("DescribeInstanceTypes")).Expect(400, "InvalidVersion");
        (await cloud.Api.SendAsync("DescribeNetworkInterfaces")).Expect(400, "MissingParameter");
        (await cloud.Api.SendAsync("DescribeNetworkInterfaces", ("RegionId", "cn-mars"))).Expect(404, "InvalidRegionId.NotFound");
    }
}
