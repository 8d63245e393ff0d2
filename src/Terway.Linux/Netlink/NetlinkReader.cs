using System.Buffers.Binary;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

/// <summary>One netlink message of a received buffer.</summary>
internal readonly ref struct NetlinkMessage(nlmsghdr header, ReadOnlySpan<byte> payload)
{
    public readonly nlmsghdr Header = header;
    public readonly ReadOnlySpan<byte> Payload = payload;

    public ushort Type => Header.nlmsg_type;

    public bool Has(ushort flag) => (Header.nlmsg_flags & flag) != 0;
}

/// <summary>Walks the messages of a buffer. Ends at the first message whose length cannot be true; never reads outside the buffer.</summary>
internal ref struct NetlinkReader(ReadOnlySpan<byte> buffer)
{
    private const int HeaderSize = 16;

    private ReadOnlySpan<byte> _rest = buffer;

    public bool TryNext(out NetlinkMessage message)
    {
        message = default;
        if (_rest.Length < HeaderSize)
            return false;
        var header = MemoryMarshal.Read<nlmsghdr>(_rest);
        if (header.nlmsg_len < HeaderSize || header.nlmsg_len > (uint)_rest.Length)
        {
            _rest = default;
            return false;
        }

        message = new(header, _rest[HeaderSize..(int)header.nlmsg_len]);
        _rest = _rest[Math.Min(NetlinkWriter.Align((int)header.nlmsg_len), _rest.Length)..];
        return true;
    }
}

/// <summary>One attribute; numbers read as 0 when the attribute is too short for them.</summary>
internal readonly ref struct NetlinkAttribute(ushort type, ReadOnlySpan<byte> value)
{
    public readonly ushort Type = (ushort)(type & netlink.NLA_TYPE_MASK);
    public readonly ReadOnlySpan<byte> Value = value;

    public AttributeReader Nested => new(Value);

    public byte U8 => Value.IsEmpty ? (byte)0 : Value[0];

    public uint U32 => BinaryPrimitives.TryReadUInt32LittleEndian(Value, out var value) ? value : 0;

    public int I32 => (int)U32;

    public ulong U64 => BinaryPrimitives.TryReadUInt64LittleEndian(Value, out var value) ? value : 0;

    public string Text
    {
        get
        {
            var end = Value.IndexOf((byte)0);
            return Encoding.UTF8.GetString(end < 0 ? Value : Value[..end]);
        }
    }

    public IPAddress? Address => Value.Length is 4 or 16 ? new IPAddress(Value) : null;

    public MacAddress? Mac => Value.Length == MacAddress.Length ? MacAddress.FromBytes(Value) : null;
}

/// <summary>Walks attributes with the same care as <see cref="NetlinkReader"/>.</summary>
internal ref struct AttributeReader(ReadOnlySpan<byte> buffer)
{
    private ReadOnlySpan<byte> _rest = buffer;

    /// <summary>The attributes behind a message's fixed part; none when the payload is shorter than it.</summary>
    public static AttributeReader After<T>(ReadOnlySpan<byte> payload)
        where T : unmanaged
    {
        var size = NetlinkWriter.Align(Unsafe.SizeOf<T>());
        return new(payload.Length >= size ? payload[size..] : default);
    }

    public bool TryNext(out NetlinkAttribute attribute)
    {
        attribute = default;
        if (_rest.Length < 4)
            return false;
        int length = BinaryPrimitives.ReadUInt16LittleEndian(_rest);
        var type = BinaryPrimitives.ReadUInt16LittleEndian(_rest[2..]);
        if (length < 4 || length > _rest.Length)
        {
            _rest = default;
            return false;
        }

        attribute = new(type, _rest[4..length]);
        _rest = _rest[Math.Min(NetlinkWriter.Align(length), _rest.Length)..];
        return true;
    }
}
