using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Tests.Servers;

namespace Terway.AlibabaCloud.Tests.Credentials;

public sealed class FileCredentialProviderTests : IDisposable
{
    private readonly FakeTimeProvider _time = Clock.Create();
    private readonly string _folder = Directory.CreateTempSubdirectory("twt-credentials-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task SecretFiles_are_read_trimmed_and_again_after_half_an_hour()
    {
        WriteSecretFiles("id-1", "secret-1\n");
        SecretFilesCredentialProvider provider = new(_folder, _time);
        CloudCredential first = await Get(provider);
        Assert.Equal(("id-1", "secret-1"), (first.AccessKeyId, first.AccessKeySecret));

        WriteSecretFiles("id-2", "secret-2");
        Assert.Equal("id-1", (await Get(provider)).AccessKeyId);
        _time.Advance(TimeSpan.FromMinutes(31));
        Assert.Equal("id-2", (await Get(provider)).AccessKeyId);
    }

    [Fact]
    public async Task SecretFiles_refused_key_is_read_again_at_once()
    {
        WriteSecretFiles("id-1", "secret-1");
        SecretFilesCredentialProvider provider = new(_folder, _time);
        CloudCredential first = await Get(provider);
        WriteSecretFiles("id-2", "secret-2");
        Assert.True(provider.Invalidate(first));
        Assert.Equal("id-2", (await Get(provider)).AccessKeyId);
    }

    [Fact]
    public async Task SecretFiles_missing_or_empty_say_so()
    {
        await Unavailable(new SecretFilesCredentialProvider(Path.Combine(_folder, "none"), _time), "does not exist");
        File.WriteAllText(Path.Combine(_folder, "access-key-id"), "id");
        await Unavailable(new SecretFilesCredentialProvider(_folder, _time), "access-key-secret");
        WriteSecretFiles("id", " ");
        await Unavailable(new SecretFilesCredentialProvider(_folder, _time), "empty");
    }

    [Theory]
    [InlineData(16)]
    [InlineData(24)]
    [InlineData(32)]
    public async Task EncryptedFile_is_decrypted_with_its_keyring(int keyLength)
    {
        string path = Path.Combine(_folder, "token-config");
        File.WriteAllText(path, Encrypted("id-x", "secret-x", "token-x", new string('k', keyLength), _time.GetUtcNow().AddHours(1)));
        CloudCredential credential = await Get(new EncryptedFileCredentialProvider(path, _time));
        Assert.Equal(("id-x", "secret-x", "token-x"), (credential.AccessKeyId, credential.AccessKeySecret, credential.SecurityToken));
        Assert.Equal(_time.GetUtcNow().AddHours(1), credential.Expiration);
    }

    [Fact]
    public async Task EncryptedFile_is_read_again_before_its_key_ends()
    {
        string path = Path.Combine(_folder, "token-config");
        EncryptedFileCredentialProvider provider = new(path, _time);
        string key = new('k', 16);
        File.WriteAllText(path, Encrypted("id-1", "s", "t", key, _time.GetUtcNow().AddMinutes(10)));
        await Get(provider);
        File.WriteAllText(path, Encrypted("id-2", "s", "t", key, _time.GetUtcNow().AddMinutes(20)));
        Assert.Equal("id-1", (await Get(provider)).AccessKeyId);
        _time.Advance(TimeSpan.FromMinutes(9.5));
        Assert.Equal("id-2", (await Get(provider)).AccessKeyId);
        _time.Advance(TimeSpan.FromMinutes(11));
        await Unavailable(provider, "expired");
    }

    [Theory]
    [InlineData("not json", "not JSON")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{}", "keyring")]
    [InlineData("""{"keyring":"short"}""", "AES key")]
    [InlineData("""{"keyring":"\ud800"}""", "not valid text")]
    [InlineData("""{"keyring":"kkkkkkkkkkkkkkkk","access.key.id":"%%%"}""", "access.key.id")]
    public async Task EncryptedFile_malformed_names_the_field(string content, string expected)
    {
        string path = Path.Combine(_folder, "token-config");
        File.WriteAllText(path, content);
        await Unavailable(new EncryptedFileCredentialProvider(path, _time), expected);
    }

    [Fact]
    public void EncryptedFile_any_change_gives_a_key_or_the_expected_failure_without_secrets()
    {
        string good = Encrypted("id-x", "secret-x", "token-x", new string('k', 16), _time.GetUtcNow());
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.OneOf(Gen.Char, Gen.Char['0', '~']), Gen.Int[0, 4]).Sample((at, c, cut) =>
        {
            string changed = good[..at] + c + good[Math.Min(good.Length, at + cut)..];
            try
            {
                EncryptedFileCredentialProvider.Parse(Encoding.UTF8.GetBytes(changed), "test");
            }
            catch (CredentialUnavailableException e)
            {
                Assert.DoesNotContain("secret-x", e.ToString(), StringComparison.Ordinal);
            }
        }, iter: 10_000);
    }

    private static string Encrypted(string id, string secret, string token, string keyring, DateTimeOffset end)
    {
        string Seal(string plain)
        {
            using Aes aes = Aes.Create();
            aes.Key = Encoding.UTF8.GetBytes(keyring);
            byte[] iv = RandomNumberGenerator.GetBytes(16);
            return Convert.ToBase64String([.. iv, .. aes.EncryptCbc(Encoding.UTF8.GetBytes(plain), iv)]);
        }

        return $$"""
            {"access.key.id":"{{Seal(id)}}","access.key.secret":"{{Seal(secret)}}","security.token":"{{Seal(token)}}",
             "expiration":"{{end.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)}}","keyring":"{{keyring}}"}
            """;
    }

    private static async Task Unavailable(ICredentialProvider provider, string expected)
    {
        CredentialUnavailableException e = await Assert.ThrowsAsync<CredentialUnavailableException>(() => Get(provider));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    private static Task<CloudCredential> Get(ICredentialProvider provider) => provider.GetAsync(TestContext.Current.CancellationToken).AsTask();

    private void WriteSecretFiles(string id, string secret)
    {
        File.WriteAllText(Path.Combine(_folder, "access-key-id"), id);
        File.WriteAllText(Path.Combine(_folder, "access-key-secret"), secret);
    }
}
