using System.Net.Sockets;
using System.Text;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

/// <summary>
/// Requests to be sent together. Build it, give it to <see cref="RtnlSocket.Execute"/> or <see cref="RtnlSocket.ExecuteOrThrow"/>,
/// <see cref="Clear"/> and use again: after the first use appending does not allocate. Not thread safe.
/// </summary>
/// <remarks>The kernel does every request, in order, also those behind one that failed.</remarks>
public sealed partial class RtnlBatch : IDisposable
{
    private readonly NetlinkWriter _writer = new();
    private Request[] _requests = new Request[16];
    private RtnlResult[] _results = [];
    private int _committed;

    /// <summary>How many requests it holds.</summary>
    public int Count { get; private set; }

    internal NetlinkWriter Writer => _writer;

    internal int Length => _committed;

    internal Span<Request> Requests => _requests.AsSpan(0, Count);

    /// <summary>Forgets all requests; keeps the memory.</summary>
    public void Clear()
    {
        _writer.Clear();
        _committed = 0;
        Count = 0;
    }

    /// <summary>The request as text, e.g. <c>route add 10.0.0.5/32 dev #7 table main</c>.</summary>
    public string Describe(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return OperationText.Describe(Message(index), static _ => null);
    }

    /// <summary>Returns the buffer to its pool.</summary>
    public void Dispose() => _writer.Dispose();

    internal ReadOnlySpan<byte> Message(int index)
    {
        var start = _requests[index].Offset;
        var end = index + 1 < Count ? _requests[index + 1].Offset : _committed;
        return _writer.Written[start..end];
    }

    internal RtnlResult[] ResultBuffer() => _results = _results.Length == Count ? _results : new RtnlResult[Count];

    internal void Ignore(int index, ReadOnlySpan<int> errnos)
    {
        foreach (var errno in errnos)
        {
            if (errno is <= 0 or > ushort.MaxValue)
                throw new ArgumentOutOfRangeException(nameof(errnos), errno, "an error number is positive");
            ref var ignored = ref _requests[index].Ignored;
            if (ignored >> 48 != 0)
                throw new ArgumentException("at most four error numbers can be ignored for one request", nameof(errnos));
            ignored = (ignored << 16) | (uint)errno;
        }
    }

    internal static byte FamilyOf(AddressFamily family) => family switch
    {
        AddressFamily.InterNetwork => socket.AF_INET,
        AddressFamily.InterNetworkV6 => socket.AF_INET6,
        _ => throw new ArgumentException($"address family {family} is neither IPv4 nor IPv6", nameof(family)),
    };

    internal static string CheckLinkName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Encoding.UTF8.GetByteCount(name) < if_link.IFNAMSIZ
            ? name
            : throw new ArgumentException($"interface name '{name}' is longer than {if_link.IFNAMSIZ - 1} bytes", nameof(name));
    }

    private int Begin<T>(ushort type, ushort flags, in T header)
        where T : unmanaged
    {
        // What a request with a bad argument left behind.
        _writer.Truncate(_committed);
        return _writer.Begin(type, flags, header);
    }

    private RtnlRequest End(int offset)
    {
        _writer.End();
        _committed = _writer.Length;
        if (Count == _requests.Length)
            Array.Resize(ref _requests, Count * 2);
        _requests[Count] = new Request { Offset = offset };
        return new(this, Count++);
    }

    internal struct Request
    {
        public int Offset;

        /// <summary>Up to four error numbers of 16 bits.</summary>
        public ulong Ignored;

        public readonly bool Ignores(int errno)
        {
            for (var rest = Ignored; rest != 0; rest >>= 16)
            {
                if ((ushort)rest == errno)
                    return true;
            }

            return false;
        }
    }
}
