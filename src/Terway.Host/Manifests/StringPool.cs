using System.Text.Json;
using System.Text.Json.Serialization;

namespace Terway.Host.Manifests;

/// <summary>Reads equal texts of one file as one object. Of a bounded number: the rest are texts of their own.</summary>
internal sealed class StringPool : JsonConverter<string>
{
    private const int MaxLength = 64;
    private const int MaxCount = 8192;

    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    public StringPool() => _lookup = _known.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Forgets the texts of a file.</summary>
    public void Clear()
    {
        _known.Clear();
        _known.TrimExcess();
    }

    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String) throw new JsonException($"a text is expected, not a {reader.TokenType}");
        if (reader.HasValueSequence || reader.ValueSpan.Length > MaxLength) return reader.GetString();
        Span<char> text = stackalloc char[MaxLength];
        var read = text[..reader.CopyString(text)];
        if (_lookup.TryGetValue(read, out var known)) return known;
        var made = read.ToString();
        if (_known.Count < MaxCount) _known.Add(made);
        return made;
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
