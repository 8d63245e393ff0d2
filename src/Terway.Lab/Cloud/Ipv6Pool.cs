using System.Buffers.Binary;
using System.Net;

namespace Terway.Lab.Cloud;

/// <summary>
/// The IPv6 addresses of one vSwitch, a /64. Single addresses come out of its first /80, prefixes are the others, so that the two
/// can never overlap. Not thread-safe: the region's lock covers it.
/// </summary>
internal sealed class Ipv6Pool(IPNetwork cidr)
{
    private const int PrefixCount = 1 << 16;

    private readonly UInt128 _base = ToNumber(cidr.BaseAddress);
    private readonly SortedSet<UInt128> _freed = [];
    private readonly HashSet<UInt128> _used = [];
    private readonly SortedSet<int> _freedPrefixes = [];
    private readonly HashSet<int> _usedPrefixes = [];
    private UInt128 _nextHost = 1;
    private int _nextPrefix = 1;

    /// <summary>Third-last address of the range.</summary>
    public static IPAddress GatewayOf(IPNetwork cidr) =>
        FromNumber(ToNumber(cidr.BaseAddress) + ((UInt128.One << (128 - cidr.PrefixLength)) - 3));

    public IPAddress Take()
    {
        UInt128 host;
        if (_freed.Count > 0)
        {
            host = _freed.Min;
            _freed.Remove(host);
        }
        else
        {
            while (_used.Contains(_nextHost))
                _nextHost++;
            host = _nextHost++;
        }
        _used.Add(host);
        return FromNumber(_base + host);
    }

    /// <summary>False when the address is taken or not a single address of this range.</summary>
    public bool TryTake(IPAddress address)
    {
        if (!IsAssignable(address))
            return false;
        var host = ToNumber(address) - _base;
        _freed.Remove(host);
        return _used.Add(host);
    }

    /// <summary>Whether single addresses come out of the part of the range that the address is in.</summary>
    public bool IsAssignable(IPAddress address) => ToNumber(address) is var number && number > _base && number - _base < UInt128.One << 48;

    public bool TryTakePrefix(out IPNetwork prefix)
    {
        prefix = default;
        int index;
        if (_freedPrefixes.Count > 0)
        {
            index = _freedPrefixes.Min;
            _freedPrefixes.Remove(index);
        }
        else if (_nextPrefix < PrefixCount - 1)
        {
            // The last /80 holds the gateway.
            index = _nextPrefix++;
        }
        else
        {
            return false;
        }
        _usedPrefixes.Add(index);
        prefix = new IPNetwork(FromNumber(_base + ((UInt128)(uint)index << 48)), 80);
        return true;
    }

    public void Release(IPAddress address)
    {
        var host = ToNumber(address) - _base;
        if (!_used.Remove(host))
            throw new InvalidOperationException($"{address} is released but not in use: the region's address accounting is broken");
        if (host < _nextHost)
            _freed.Add(host);
    }

    public void Release(IPNetwork prefix)
    {
        var index = (int)((ToNumber(prefix.BaseAddress) - _base) >> 48);
        if (!_usedPrefixes.Remove(index))
            throw new InvalidOperationException($"{prefix} is released but not in use: the region's address accounting is broken");
        _freedPrefixes.Add(index);
    }

    private static UInt128 ToNumber(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var written) || written != 16)
            return 0;
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private static IPAddress FromNumber(UInt128 number)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(bytes);
    }
}
