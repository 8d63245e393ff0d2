using Microsoft.Extensions.Time.Testing;
using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Metadata;
using Terway.AlibabaCloud.Tests.Servers;

namespace Terway.AlibabaCloud.Tests.Credentials;

public sealed class CredentialChainTests
{
    private readonly FakeTimeProvider _time = Clock.Create();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetAsync_first_that_has_one_wins()
    {
        using CredentialChain chain = new([new StaticCredentialProvider(null, null), new StaticCredentialProvider("b", "s"), new StaticCredentialProvider("c", "s")], _time);
        Assert.Equal("b", (await chain.GetAsync(Ct)).AccessKeyId);
    }

    [Fact]
    public async Task GetAsync_none_has_one_names_all_with_their_reasons()
    {
        using CredentialChain chain = new([new StaticCredentialProvider("only-id", null), StaticCredentialProvider.FromEnvironment(_ => null)], _time);
        CredentialUnavailableException e = await Assert.ThrowsAsync<CredentialUnavailableException>(() => chain.GetAsync(Ct).AsTask());
        Assert.Contains("configured access key: access_secret is not set", e.Message, StringComparison.Ordinal);
        Assert.Contains("environment: ALICLOUD_ACCESS_KEY and ALICLOUD_SECRET_KEY are not set", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("only-id", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetAsync_one_further_up_that_begins_to_work_is_noticed_within_half_an_hour()
    {
        SwitchedProvider upper = new("upper");
        using CredentialChain chain = new([upper, new StaticCredentialProvider("lower", "s")], _time);
        Assert.Equal("lower", (await chain.GetAsync(Ct)).AccessKeyId);
        upper.On = true;
        Assert.Equal("lower", (await chain.GetAsync(Ct)).AccessKeyId);
        _time.Advance(TimeSpan.FromMinutes(31));
        Assert.Equal("upper", (await chain.GetAsync(Ct)).AccessKeyId);
        upper.On = false;
        Assert.Equal("lower", (await chain.GetAsync(Ct)).AccessKeyId);
    }

    [Fact]
    public async Task Invalidate_reaches_the_provider_that_gave_it()
    {
        SwitchedProvider upper = new("upper") { On = true };
        using CredentialChain chain = new([upper, new StaticCredentialProvider("lower", "s")], _time);
        CloudCredential credential = await chain.GetAsync(Ct);
        Assert.True(chain.Invalidate(credential));
        Assert.Equal(1, upper.Invalidated);
        Assert.False(chain.Invalidate(new CloudCredential("x", "y", "configured access key")));
    }

    [Fact]
    public async Task CreateChain_addon_files_win_over_the_configured_key()
    {
        string folder = Directory.CreateTempSubdirectory("twt-credentials-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "access-key-id"), "addon");
            File.WriteAllText(Path.Combine(folder, "access-key-secret"), "s");
            using InstanceMetadata metadata = new();
            CredentialSources sources = new() { AccessKeyId = "configured", AccessKeySecret = "s", SecretFilesDirectory = folder };
            using CredentialChain chain = sources.CreateChain(metadata, time: _time, environment: _ => null);
            Assert.Equal("addon", (await chain.GetAsync(Ct)).AccessKeyId);
            Directory.Delete(folder, recursive: true);
            using CredentialChain without = sources.CreateChain(metadata, time: _time, environment: _ => null);
            Assert.Equal("configured", (await without.GetAsync(Ct)).AccessKeyId);
        }
        finally
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void ToString_of_a_credential_holds_no_secret()
    {
        CloudCredential credential = new("AKIDabcdefgh", "the-secret", "test", "the-token", DateTimeOffset.UnixEpoch);
        foreach (string hidden in new[] { "the-secret", "the-token", "AKIDabcdefgh" })
            Assert.DoesNotContain(hidden, $"{credential}", StringComparison.Ordinal);
    }

    private sealed class SwitchedProvider(string name) : ICredentialProvider
    {
        public bool On { get; set; }

        public int Invalidated { get; private set; }

        public string Name => name;

        public ValueTask<CloudCredential> GetAsync(CancellationToken ct) =>
            On ? ValueTask.FromResult(new CloudCredential(name, "s", name)) : throw new CredentialUnavailableException("off");

        public bool Invalidate(CloudCredential refused)
        {
            Invalidated++;
            return true;
        }
    }
}
