using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

/// <summary>Builds netlink messages one behind the other in a pooled buffer.</summary>
internal sealed class NetlinkWriter : IDisposable
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(4096);
    private int _length;
    private int _start;

    public int Length => _length;

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    public void Clear()
    {
        _length = 0;
        _start = 0;
    }

    /// <summary>Starts a message; returns its offset.</summary>
    public int Begin<T>(ushort type, ushort flags, in T header)
        where T : unmanaged
    {
        _start = _length;
        var hdr = new nlmsghdr { nlmsg_type = type, nlmsg_flags = (ushort)(flags | netlink.NLM_F_REQUEST) };
        MemoryMarshal.Write(Claim(Unsafe.SizeOf<nlmsghdr>()), in hdr);
        MemoryMarshal.Write(Claim(Align(Unsafe.SizeOf<T>())), in header);
        return _start;
    }

    /// <summary>Ends the message begun last.</summary>
    public void End() => BinaryPrimitives.WriteUInt32LittleEndian(_buffer.AsSpan(_start), (uint)(_length - _start));

    /// <summary>Forgets everything from <paramref name="offset"/> on.</summary>
    public void Truncate(int offset) => _length = offset;

    public void SetSequence(int offset, uint sequence) => BinaryPrimitives.WriteUInt32LittleEndian(_buffer.AsSpan(offset + 8), sequence);

    public void Put(ushort type, ReadOnlySpan<byte> value) => value.CopyTo(Attribute(type, value.Length));

    public void Put<T>(ushort type, T value)
        where T : unmanaged => MemoryMarshal.Write(Attribute(type, Unsafe.SizeOf<T>()), in value);

    public void PutFlag(ushort type) => Attribute(type, 0);

    /// <summary>A string with its terminating zero.</summary>
    public void Put(ushort type, string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        var span = Attribute(type, length + 1);
        Encoding.UTF8.GetBytes(value, span);
        span[length] = 0;
    }

    public void Put(ushort type, IPAddress value)
    {
        var span = Attribute(type, value.AddressFamily == AddressFamily.InterNetworkV6 ? 16 : 4);
        value.TryWriteBytes(span, out _);
    }

    public void Put(ushort type, MacAddress value) => value.CopyTo(Attribute(type, MacAddress.Length));

    public void PutRaw<T>(in T value)
        where T : unmanaged => MemoryMarshal.Write(Claim(Align(Unsafe.SizeOf<T>())), in value);

    /// <summary>Starts a nested attribute; give the result to <see cref="EndNest"/>.</summary>
    public int BeginNest(ushort type)
    {
        var offset = _length;
        Attribute(type, 0);
        return offset;
    }

    public void EndNest(int offset)
    {
        var length = _length - offset;
        if (length > ushort.MaxValue)
            throw new ArgumentException($"a netlink attribute of {length} bytes is larger than the format allows (65535)");
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(offset), (ushort)length);
    }

    public void Dispose()
    {
        var buffer = Interlocked.Exchange(ref _buffer, []);
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
    }

    internal static int Align(int length) => (length + 3) & ~3;

    private Span<byte> Attribute(ushort type, int length)
    {
        if (length + 4 > ushort.MaxValue)
            throw new ArgumentException($"a netlink attribute of {length} bytes is larger than the format allows (65531)");
        var span = Claim(Align(4 + length));
        BinaryPrimitives.WriteUInt16LittleEndian(span, (ushort)(4 + length));
        BinaryPrimitives.WriteUInt16LittleEndian(span[2..], type);
        return span.Slice(4, length);
    }

    private Span<byte> Claim(int length)
    {
        ObjectDisposedException.ThrowIf(_buffer.Length == 0, this);
        if (_length + length > _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, _length + length));
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        var span = _buffer.AsSpan(_length, length);
        span.Clear();
        _length += length;
        return span;
    }
}
