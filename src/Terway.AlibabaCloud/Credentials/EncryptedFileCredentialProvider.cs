using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Terway.AlibabaCloud.Credentials;

/// <summary>
/// The token file of managed clusters: id, secret and token each as base64 of a 16-byte IV and AES-CBC cipher text, the
/// key being the bytes of <c>keyring</c> in the same file.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="time">Null for the system's.</param>
public sealed class EncryptedFileCredentialProvider(string path, TimeProvider? time = null) : FileCredentialProvider(time)
{
    private const int IvLength = 16;

    /// <inheritdoc/>
    public override string Name => $"encrypted token file {path}";

    private protected override CloudCredential Read()
    {
        if (!File.Exists(path))
            throw new CredentialUnavailableException("the file does not exist");
        return Parse(File.ReadAllBytes(path), Name);
    }

    /// <summary>Reads the file's content.</summary>
    /// <exception cref="CredentialUnavailableException">It is not such a file; the message names the field, never its content.</exception>
    internal static CloudCredential Parse(ReadOnlyMemory<byte> content, string source)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(content);
        }
        catch (JsonException e)
        {
            throw new CredentialUnavailableException($"it is not JSON (line {e.LineNumber})");
        }

        using (document)
        {
            JsonElement root = document.RootElement;
            if (root.ValueKind is not JsonValueKind.Object)
                throw new CredentialUnavailableException("it is not a JSON object");
            byte[] key = Encoding.UTF8.GetBytes(Text(root, "keyring"));
            if (key.Length is not (16 or 24 or 32))
                throw new CredentialUnavailableException($"keyring has {key.Length} bytes; an AES key has 16, 24 or 32");
            string id = Decrypt(root, "access.key.id", key);
            string secret = Decrypt(root, "access.key.secret", key);
            string token = Decrypt(root, "security.token", key);
            string expiration = Text(root, "expiration");
            if (!DateTimeOffset.TryParse(
                    expiration, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset end))
                throw new CredentialUnavailableException($"expiration '{expiration}' is not a date like 2026-01-31T12:00:00Z");
            return new CloudCredential(id, secret, source, token, end);
        }
    }

    private static string Decrypt(JsonElement root, string field, byte[] key)
    {
        try
        {
            byte[] data = Convert.FromBase64String(Text(root, field));
            if (data.Length < 2 * IvLength || data.Length % IvLength != 0)
                throw new CredentialUnavailableException($"{field} is not an IV and whole AES blocks");
            using Aes aes = Aes.Create();
            aes.Key = key;
            string plain = new UTF8Encoding(false, true).GetString(aes.DecryptCbc(data.AsSpan(IvLength), data.AsSpan(0, IvLength), PaddingMode.PKCS7));
            return !string.IsNullOrWhiteSpace(plain) ? plain : throw new CredentialUnavailableException($"{field} is empty");
        }
        catch (Exception e) when (e is FormatException or CryptographicException or ArgumentException)
        {
            throw new CredentialUnavailableException($"{field} cannot be decrypted with the file's keyring");
        }
    }

    private static string Text(JsonElement root, string field) =>
        TryText(root, field) is { Length: > 0 } text ? text : throw new CredentialUnavailableException($"{field} is missing");

    private static string? TryText(JsonElement root, string field)
    {
        try
        {
            return root.TryGetProperty(field, out JsonElement value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            throw new CredentialUnavailableException($"{field} is not valid text");
        }
    }
}
