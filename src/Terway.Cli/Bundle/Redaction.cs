using System.Buffers;
using System.Collections;
using System.Text.Json;

namespace Terway.Cli.Bundle;

/// <summary>
/// Keeps secrets out of what leaves the node: values of keys that hold them are replaced in configurations, and everywhere else the same texts are,
/// with those of this process's environment. A secret in a form that is not known as one, such as a part of it, cannot be found.
/// </summary>
internal sealed class Redaction
{
    /// <summary>What stands in a secret's place.</summary>
    public const string Mark = "<redacted>";

    // Shorter ones are no secrets, and would be found in every other word.
    private const int ShortestSecret = 6;

    private static readonly string[] s_words =
        ["secret", "token", "password", "passwd", "credential", "access_key", "accesskey", "access-key", "private_key", "apikey", "api_key", "keyring", "authorization"];

    private readonly HashSet<string> _secrets = new(StringComparer.Ordinal);

    /// <summary>Notes the secrets among environment variables.</summary>
    public void LearnEnvironment(IDictionary environment)
    {
        foreach (DictionaryEntry variable in environment)
        {
            // A path to a secret is none.
            if (variable is { Key: string name, Value: string value } && IsSecret(name) && !value.StartsWith('/')) Learn(value);
        }
    }

    /// <summary>A configuration without its secrets; null when it is no JSON, so that what is secret in it cannot be told.</summary>
    public byte[]? Configuration(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            var buffer = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true })) Write(writer, document.RootElement, secret: false);
            return buffer.WrittenSpan.ToArray();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A text without the secrets noted so far.</summary>
    public string Text(string text)
    {
        // The longest first: one may be a part of another.
        foreach (var secret in _secrets.OrderByDescending(static s => s.Length)) text = text.Replace(secret, Mark, StringComparison.Ordinal);
        return text;
    }

    private static bool IsSecret(string name) => s_words.Any(w => name.Contains(w, StringComparison.OrdinalIgnoreCase));

    private void Learn(string value)
    {
        if (value.Length < ShortestSecret) return;
        _secrets.Add(value);
        // As it stands in JSON and in URLs.
        _secrets.Add(JsonEncodedText.Encode(value).ToString());
        _secrets.Add(Uri.EscapeDataString(value));
    }

    private void Write(Utf8JsonWriter writer, JsonElement value, bool secret)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in value.EnumerateObject())
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value, secret || IsSecret(member.Name));
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray()) Write(writer, item, secret);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String when secret:
                Learn(value.GetString()!);
                writer.WriteStringValue(Mark);
                break;
            case JsonValueKind.Number when secret:
                Learn(value.GetRawText());
                writer.WriteStringValue(Mark);
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
