using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Terway.Host.Manifests;

/// <summary>
/// YAML documents as JSON: what Kubernetes' tools do with manifests before they look at them. Anchors and tags are refused, and so is what nests deep.
/// </summary>
internal static partial class YamlDocuments
{
    private const int MaxDepth = 64;

    /// <returns>Each document that is not empty, and the line in which it begins.</returns>
    /// <exception cref="ManifestException">This is no YAML, or more than is read here.</exception>
    public static IEnumerable<(long Line, ReadOnlyMemory<byte> Json)> Read(string text)
    {
        var parser = new Parser(new StringReader(text));
        while (Next(parser) is { } e)
        {
            if (e is not DocumentStart) continue;
            var content = Next(parser)!;
            var buffer = new ArrayBufferWriter<byte>();
            var line = content.Start.Line;
            using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { MaxDepth = MaxDepth + 1 }))
            {
                Write(parser, content, writer);
            }

            if (!buffer.WrittenSpan.SequenceEqual("null"u8)) yield return (line, buffer.WrittenMemory);
        }
    }

    // Not recursive: depth comes from the file.
    private static void Write(Parser parser, ParsingEvent first, Utf8JsonWriter writer)
    {
        var isMap = new Stack<bool>();
        var isKey = false;
        for (var e = first; ; e = Next(parser) ?? throw new ManifestException(first.Start.Line, "the document has no end"))
        {
            var key = isKey;
            switch (e)
            {
                case Scalar scalar when key:
                    writer.WritePropertyName(scalar.Value);
                    isKey = false;
                    continue;
                case NodeEvent { Anchor.IsEmpty: false }:
                    throw new ManifestException(e.Start.Line, "anchors and aliases are not read: write the value itself");
                case AnchorAlias:
                    throw new ManifestException(e.Start.Line, "anchors and aliases are not read: write the value itself");
                case Scalar scalar:
                    Write(scalar, writer);
                    break;
                case MappingStart or SequenceStart when key:
                    throw new ManifestException(e.Start.Line, "the key of a mapping is no text");
                case MappingStart or SequenceStart when isMap.Count == MaxDepth:
                    throw new ManifestException(e.Start.Line, $"more than {MaxDepth} levels");
                case MappingStart:
                    writer.WriteStartObject();
                    isMap.Push(true);
                    isKey = true;
                    continue;
                case SequenceStart:
                    writer.WriteStartArray();
                    isMap.Push(false);
                    isKey = false;
                    continue;
                case MappingEnd:
                    writer.WriteEndObject();
                    isMap.Pop();
                    break;
                case SequenceEnd:
                    writer.WriteEndArray();
                    isMap.Pop();
                    break;
                default:
                    throw new ManifestException(e.Start.Line, $"unexpected {e.GetType().Name}");
            }

            if (isMap.Count == 0) return;
            isKey = isMap.Peek();
        }
    }

    private static void Write(Scalar scalar, Utf8JsonWriter writer)
    {
        var text = scalar.Value;
        if (scalar.Style != ScalarStyle.Plain || !scalar.Tag.IsEmpty) writer.WriteStringValue(text);
        else if (text is "" or "~" or "null" or "Null" or "NULL") writer.WriteNullValue();
        else if (text is "true" or "True" or "TRUE") writer.WriteBooleanValue(true);
        else if (text is "false" or "False" or "FALSE") writer.WriteBooleanValue(false);
        else if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) writer.WriteNumberValue(number);
        else if (JsonNumber().IsMatch(text)) writer.WriteRawValue(text);
        else writer.WriteStringValue(text);
    }

    private static ParsingEvent? Next(Parser parser)
    {
        try
        {
            return parser.MoveNext() ? parser.Current : null;
        }
        catch (YamlException e)
        {
            throw new ManifestException(e.Start.Line, e.InnerException?.Message ?? e.Message, e);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or FormatException or OverflowException)
        {
            throw new ManifestException(parser.Current?.End.Line ?? 1, e.Message, e);
        }
    }

    [GeneratedRegex(@"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?$", RegexOptions.CultureInvariant)]
    private static partial Regex JsonNumber();
}
