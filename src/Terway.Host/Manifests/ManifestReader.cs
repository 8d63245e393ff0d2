using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Terway.Host.Manifests;

/// <summary>
/// Objects in a file's text: JSON or YAML, several documents, lists. Each object is read from its own part of the text, so that a list of ten thousand
/// costs no more memory than its text and what is kept of it. One reader for many files: what it knows of the types is dear to make. One caller at a time.
/// </summary>
internal sealed class ManifestReader
{
    private static readonly JsonReaderOptions s_options = new() { AllowMultipleValues = true, CommentHandling = JsonCommentHandling.Skip };

    private readonly StringPool _pool = new();
    private readonly ManifestJson _json;
    private List<ManifestObject> _objects = [];

    public ManifestReader() => _json = ManifestJson.WithPool(_pool);

    /// <param name="text">The whole file, UTF-8.</param>
    /// <exception cref="ManifestException">Something in it cannot be understood: nothing of it is used then.</exception>
    public IReadOnlyList<ManifestObject> Read(ReadOnlyMemory<byte> text)
    {
        if (text.Span.StartsWith("\uFEFF"u8)) text = text[3..];
        var first = text.Span.TrimStart(" \t\r\n"u8);
        if (first.IsEmpty) return [];
        _objects = [];
        try
        {
            // Every JSON text is YAML as well, but far cheaper to read as what it is.
            if (first[0] == (byte)'{') ReadAll(text.Span, 0, null);
            else ReadYaml(text.Span);
            return _objects;
        }
        finally
        {
            _objects = [];
            _pool.Clear();
        }
    }

    private void ReadYaml(ReadOnlySpan<byte> text)
    {
        string decoded;
        try
        {
            decoded = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(text);
        }
        catch (ArgumentException e)
        {
            throw new ManifestException(1, "the file is no UTF-8 text", e);
        }

        foreach (var (line, json) in YamlDocuments.Read(decoded)) ReadAll(json.Span, line - 1, null);
    }

    // Line: how many are before this part of the file.
    private void ReadAll(ReadOnlySpan<byte> text, long line, string? defaultKind)
    {
        var reader = new Utf8JsonReader(text, s_options);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.EndArray) continue;
                if (reader.TokenType != JsonTokenType.StartObject)
                    throw new ManifestException(line + LinesBefore(text, (int)reader.TokenStartIndex) + 1, "an object with apiVersion and kind is expected");
                ReadObject(ref reader, text, line, defaultKind);
            }
        }
        catch (JsonException e)
        {
            throw new ManifestException(line + (e.LineNumber ?? 0) + 1, Words(e), e);
        }
        catch (InvalidOperationException e)
        {
            // Text that is no UTF-8, or a kind that is no text.
            throw new ManifestException(line + LinesBefore(text, (int)reader.TokenStartIndex) + 1, e.Message, e);
        }
    }

    private void ReadObject(ref Utf8JsonReader reader, ReadOnlySpan<byte> all, long line, string? kind)
    {
        var start = (int)reader.TokenStartIndex;
        var (itemsFrom, itemsTo) = (0, 0);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isKind, isItems) = (reader.ValueTextEquals("kind"u8), reader.ValueTextEquals("items"u8));
            reader.Read();
            if (isKind) kind = reader.GetString();
            if (isItems) itemsFrom = (int)reader.TokenStartIndex;
            reader.Skip();
            if (isItems) itemsTo = (int)reader.BytesConsumed;
        }

        var text = all[start..(int)reader.BytesConsumed];
        if (kind is null) throw new ManifestException(line + LinesBefore(all, start) + 1, "the object has no kind");
        if (kind.EndsWith("List", StringComparison.Ordinal))
        {
            if (itemsTo > 0) ReadAll(all[itemsFrom..itemsTo], line + LinesBefore(all, itemsFrom), kind.Length > 4 ? kind[..^4] : null);
            return;
        }

        if (kind is not (nameof(ManifestKind.Service) or nameof(ManifestKind.EndpointSlice))) return;
        try
        {
            _objects.Add(kind == nameof(ManifestKind.Service) ? Service(text) : Slice(text));
        }
        catch (JsonException e)
        {
            throw new ManifestException(line + LinesBefore(all, start) + (e.LineNumber ?? 0) + 1, $"{kind}: {Words(e)}", e);
        }
        catch (FormatException e)
        {
            throw new ManifestException(line + LinesBefore(all, start) + 1, $"{kind}: {e.Message}", e);
        }
    }

    private ManifestObject Service(ReadOnlySpan<byte> text)
    {
        var service = JsonSerializer.Deserialize(text, _json.ServiceManifest)!;
        ServiceResolver.Check(service);
        return new(KeyOf(ManifestKind.Service, service.Metadata), Digest(text), service);
    }

    private ManifestObject Slice(ReadOnlySpan<byte> text)
    {
        var slice = JsonSerializer.Deserialize(text, _json.EndpointSliceManifest)!;
        ServiceResolver.Check(slice);
        return new(KeyOf(ManifestKind.EndpointSlice, slice.Metadata), Digest(text), slice);
    }

    private static ObjectKey KeyOf(ManifestKind kind, ManifestMetadata? metadata) => metadata?.Name is { Length: > 0 } name
        ? new(kind, metadata.Namespace is { Length: > 0 } ns ? ns : "default", name)
        : throw new FormatException("metadata.name is missing");

    private static UInt128 Digest(ReadOnlySpan<byte> text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    private static int LinesBefore(ReadOnlySpan<byte> text, int at) => text[..at].Count((byte)'\n');

    private static string Words(JsonException e)
    {
        var end = e.Message.IndexOf(" Path:", StringComparison.Ordinal);
        if (end < 0) end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var words = end < 0 ? e.Message : e.Message[..end];
        return e.Path is { Length: > 0 } path ? $"{path}: {words}" : words;
    }
}
