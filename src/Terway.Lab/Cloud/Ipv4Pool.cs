using System.Buffers.Binary;
using System.Net;
using System.Numerics;

namespace Terway.Lab.Cloud;

/// <summary>
/// The IPv4 addresses of one vSwitch. The first address and the last three (of which the lowest is the gateway) are the
/// system's. Not thread-safe: the region's lock covers it.
/// </summary>
internal sealed class Ipv4Pool
{
    public const int PrefixSize = 16;

    private readonly uint _base;
    private readonly int _size;
    private readonly ulong[] _used;
    private readonly AddressReuse _reuse;
    private readonly LinkedList<int> _released = new();
    private int _cursor;

    public Ipv4Pool(IPNetwork cidr, AddressReuse reuse)
    {
        _base = ToNumber(cidr.BaseAddress);
        _size = 1 << (32 - cidr.PrefixLength);
        _used = new ulong[(_size + 63) / 64];
        _reuse = reuse;
        Mark(0);
        for (var i = _size - 3; i < _size; i++)
            Mark(i);
        for (var i = _size; i < _used.Length * 64; i++)
            Mark(i);
        Available = _size - 4;
    }

    /// <summary>Addresses that may still be handed out, whether or not a whole /28 is among them.</summary>
    public int Available { get; private set; }

    public static IPAddress GatewayOf(IPNetwork cidr) =>
        FromNumber(ToNumber(cidr.BaseAddress) + (uint)(1L << (32 - cidr.PrefixLength)) - 3);

    public bool TryTake(out IPAddress address)
    {
        var index = Next();
        address = index < 0 ? IPAddress.None : FromNumber(_base + (uint)index);
        if (index < 0)
            return false;
        Occupy(index);
        return true;
    }

    /// <summary>False when the address is taken, reserved or outside.</summary>
    public bool TryTake(IPAddress address)
    {
        var index = IndexOf(address);
        if (index < 0 || IsUsed(index))
            return false;
        Occupy(index);
        return true;
    }

    public bool TryTakePrefix(out IPNetwork prefix)
    {
        // The system's addresses are marked as used, so the blocks that hold one never come out whole.
        for (var block = 0; block + PrefixSize <= _size; block += PrefixSize)
        {
            if (((_used[block >> 6] >> (block & 63)) & 0xffff) != 0)
                continue;
            for (var i = block; i < block + PrefixSize; i++)
                Occupy(i);
            prefix = new IPNetwork(FromNumber(_base + (uint)block), 28);
            return true;
        }
        prefix = default;
        return false;
    }

    public void Release(IPAddress address)
    {
        var index = IndexOf(address);
        if (index < 0 || !IsUsed(index))
            throw new InvalidOperationException($"{address} is released but not in use: the region's address accounting is broken");
        _used[index >> 6] &= ~(1UL << (index & 63));
        Available++;
        if (_reuse == AddressReuse.LastReleased)
            _released.AddLast(index);
    }

    public void Release(IPNetwork prefix)
    {
        var first = ToNumber(prefix.BaseAddress);
        for (var i = 0U; i < PrefixSize; i++)
            Release(FromNumber(first + i));
    }

    public bool IsFree(IPAddress address) => IndexOf(address) is >= 0 and var index && !IsUsed(index);

    /// <summary>Whether the address is inside the range and not one of the system's.</summary>
    public bool IsAssignable(IPAddress address) => IndexOf(address) is var index && index > 0 && index < _size - 3;

    private int Next()
    {
        if (Available == 0)
            return -1;
        while (_released.Last is { } last)
        {
            _released.RemoveLast();
            if (!IsUsed(last.Value))
                return last.Value;
        }
        return _reuse == AddressReuse.RoundRobin && Scan(_cursor) is >= 0 and var ahead ? ahead : Scan(0);
    }

    private int Scan(int from)
    {
        for (var word = from >> 6; word < _used.Length; word++)
        {
            var free = ~_used[word];
            if (word == from >> 6)
                free &= ulong.MaxValue << (from & 63);
            if (free != 0)
                return (word << 6) + BitOperations.TrailingZeroCount(free);
        }
        return -1;
    }

    private void Occupy(int index)
    {
        Mark(index);
        Available--;
        _cursor = index + 1 < _size ? index + 1 : 0;
    }

    private void Mark(int index) => _used[index >> 6] |= 1UL << (index & 63);

    private bool IsUsed(int index) => (_used[index >> 6] & (1UL << (index & 63))) != 0;

    private int IndexOf(IPAddress address)
    {
        if (address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork)
            return -1;
        var offset = (long)ToNumber(address) - _base;
        return offset >= 0 && offset < _size ? (int)offset : -1;
    }

    private static uint ToNumber(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[4];
        address.TryWriteBytes(bytes, out _);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    private static IPAddress FromNumber(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes);
    }
}
