using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Terway.Cni.Wire;

/// <summary>
/// Frames on a byte stream: four bytes of length, little-endian, then that many bytes of UTF-8 JSON. One request and one response per
/// connection; the entrypoint does not shut down its sending side, so an end of stream before the answer means that it gave up.
/// </summary>
internal static class FrameStream
{
    /// <summary>Bytes of the length prefix.</summary>
    public const int HeaderSize = 4;

    /// <summary>Largest body, 4 MiB: a configuration at the entrypoint's limit of 1 MiB fits however it is escaped.</summary>
    public const int MaxBody = 4 * 1024 * 1024;

    /// <summary>The frame, header included, of <paramref name="body"/>.</summary>
    /// <exception cref="FrameException">The body is empty or longer than <see cref="MaxBody"/>.</exception>
    public static byte[] Encode(ReadOnlySpan<byte> body)
    {
        CheckLength((uint)body.Length);
        var frame = new byte[HeaderSize + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, body.Length);
        body.CopyTo(frame.AsSpan(HeaderSize));
        return frame;
    }

    /// <summary>Reads and checks the length prefix in <paramref name="header"/>.</summary>
    /// <exception cref="FrameException">The length is zero or above <see cref="MaxBody"/>.</exception>
    public static int DecodeLength(ReadOnlySpan<byte> header)
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(header);
        CheckLength(length);
        return (int)length;
    }

    /// <summary>Reads a frame body.</summary>
    /// <exception cref="FrameException">The body is not JSON of the expected shape.</exception>
    public static T Decode<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(body, type) ?? throw new FrameException("the frame body is JSON null");
        }
        catch (JsonException e)
        {
            throw new FrameException($"the frame body is not a {typeof(T).Name}: {e.Message}", e);
        }
    }

    public static void Write<T>(Stream stream, T message, JsonTypeInfo<T> type) =>
        stream.Write(Encode(JsonSerializer.SerializeToUtf8Bytes(message, type)));

    public static ValueTask WriteAsync<T>(Stream stream, T message, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        stream.WriteAsync(Encode(JsonSerializer.SerializeToUtf8Bytes(message, type)), cancellationToken);

    /// <summary>Reads one frame, or null when the peer closed before the first byte.</summary>
    /// <exception cref="FrameException">What came is no frame of this type.</exception>
    public static T? Read<T>(Stream stream, JsonTypeInfo<T> type) where T : class
    {
        var header = new byte[HeaderSize];
        var got = stream.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false);
        if (!HeaderComplete(got))
            return null;
        var body = new byte[DecodeLength(header)];
        CheckComplete(stream.ReadAtLeast(body, body.Length, throwOnEndOfStream: false), body.Length);
        return Decode(body, type);
    }

    /// <inheritdoc cref="Read{T}"/>
    public static async ValueTask<T?> ReadAsync<T>(Stream stream, JsonTypeInfo<T> type, CancellationToken cancellationToken) where T : class
    {
        var header = new byte[HeaderSize];
        var got = await stream.ReadAtLeastAsync(header, HeaderSize, throwOnEndOfStream: false, cancellationToken);
        if (!HeaderComplete(got))
            return null;
        var body = new byte[DecodeLength(header)];
        CheckComplete(await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellationToken), body.Length);
        return Decode(body, type);
    }

    private static bool HeaderComplete(int got) => got switch
    {
        0 => false,
        HeaderSize => true,
        _ => throw new FrameException($"the stream ended after {got} of {HeaderSize} bytes of the length"),
    };

    private static void CheckComplete(int got, int length)
    {
        if (got != length)
            throw new FrameException($"the stream ended after {got} of {length} bytes of the body");
    }

    private static void CheckLength(uint length)
    {
        if (length is 0 or > MaxBody)
            throw new FrameException($"frame of {length} bytes: the length must be 1 to {MaxBody}");
    }
}
