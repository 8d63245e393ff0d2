using System.Buffers;
using System.Globalization;
using Terway.Linux.Namespaces;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

/// <summary>
/// A route netlink socket. It acts on the namespace it was opened in, from whichever thread it is used, one thread at a time.
/// Keep one and use it again: opening costs about 20 us. Calls block for the kernel's work only.
/// </summary>
public sealed partial class RtnlSocket : IDisposable
{
    /// <summary>At most so many requests go out at once, so that their acks fit the receive buffer.</summary>
    private const int MaxRequests = 512;

    private const int MaxBytes = 256 * 1024;

    private readonly NetlinkSocket _socket;
    private readonly NetlinkWriter _request = new();
    // From the pool: a daemon opens a socket for every pod that comes.
    private readonly byte[] _receive = ArrayPool<byte>.Shared.Rent(64 * 1024);
    private bool _disposed;
    private uint _sequence;

    private RtnlSocket(NetlinkSocket socket) => _socket = socket;

    /// <summary>Opens in the calling thread's namespace.</summary>
    public static RtnlSocket Open() => new(NetlinkSocket.Open(netlink.NETLINK_ROUTE));

    /// <summary>Opens in <paramref name="ns"/>, by a visit of <paramref name="thread"/>.</summary>
    public static RtnlSocket Open(NetNsThread thread, NetNs ns)
    {
        ArgumentNullException.ThrowIfNull(thread);
        ArgumentNullException.ThrowIfNull(ns);
        return new(NetlinkSocket.Open(thread, ns, netlink.NETLINK_ROUTE));
    }

    /// <summary>
    /// Sends all requests and waits for all answers. Result i answers request i; the list is the batch's own and valid until its next use.
    /// </summary>
    /// <exception cref="LinuxException">The socket failed (not a request): which requests were done is not known.</exception>
    public IReadOnlyList<RtnlResult> Execute(RtnlBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return Run(batch);
    }

    /// <summary>As <see cref="Execute"/>, and throws for the first request that failed with an error it does not ignore.</summary>
    /// <exception cref="NetlinkException">Names the request. Requests before and behind it have been carried out.</exception>
    public void ExecuteOrThrow(RtnlBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var results = Run(batch);
        for (var i = 0; i < results.Length; i++)
        {
            if (!results[i].Succeeded)
                throw new NetlinkException(results[i].Errno, Describe(batch, i), results[i].KernelMessage);
        }
    }

    /// <summary>A request of the batch as text, with the names of links where they still exist.</summary>
    public string Describe(RtnlBatch batch, int index)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return OperationText.Describe(batch.Message(index), i => GetLink(i)?.Name);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _socket.Dispose();
        _request.Dispose();
        ArrayPool<byte>.Shared.Return(_receive);
    }

    private RtnlResult[] Run(RtnlBatch batch)
    {
        var results = batch.ResultBuffer();
        var first = 0;
        while (first < batch.Count)
        {
            var last = first;
            var start = batch.Requests[first].Offset;
            while (last < batch.Count && last - first < MaxRequests && (last == first || EndOf(batch, last) - start <= MaxBytes))
                last++;
            RunPart(batch, first, last, results);
            first = last;
        }

        return results;
    }

    private static int EndOf(RtnlBatch batch, int index) => index + 1 < batch.Count ? batch.Requests[index + 1].Offset : batch.Length;

    private void RunPart(RtnlBatch batch, int first, int end, RtnlResult[] results)
    {
        var requests = batch.Requests;
        var sequence = _sequence + 1;
        for (var i = first; i < end; i++)
            batch.Writer.SetSequence(requests[i].Offset, ++_sequence);
        _socket.Send(batch.Writer.Written[requests[first].Offset..EndOf(batch, end - 1)]);
        var waiting = end - first;
        while (waiting > 0)
        {
            var reader = new NetlinkReader(Receive("read the answers to a batch"));
            while (reader.TryNext(out var message))
            {
                var index = message.Header.nlmsg_seq - sequence;
                if (message.Type != netlink.NLMSG_ERROR || index >= (uint)(end - first))
                    continue; // left over from a request given up earlier
                var (errno, text) = ExtendedAck.Parse(message);
                results[first + (int)index] = new(errno, text, errno != 0 && requests[first + (int)index].Ignores(errno));
                waiting--;
            }
        }
    }

    private ReadOnlySpan<byte> Receive(string what)
    {
        var received = _socket.Receive(_receive, wait: true);
        return received >= 0 ? _receive.AsSpan(0, received) : throw new LinuxException(-received, what);
    }

    /// <summary>A request with one answer. False when the kernel says that there is no such object.</summary>
    private bool TryGet<T>(RtnlParser.Parse<T> parse, ReadOnlySpan<int> absent, string what, out T? value)
    {
        value = default;
        Send();
        while (true)
        {
            var reader = new NetlinkReader(Receive(what));
            while (reader.TryNext(out var message))
            {
                if (message.Header.nlmsg_seq != _sequence)
                    continue;
                if (message.Type != netlink.NLMSG_ERROR)
                {
                    if (parse(message.Payload, out value))
                        return true;
                    throw new NetlinkException(Errno.EIO, what, "the answer could not be read");
                }

                var (errno, text) = ExtendedAck.Parse(message);
                if (absent.Contains(errno))
                    return false;
                throw new NetlinkException(errno == 0 ? Errno.EIO : errno, what, text);
            }
        }
    }

    private void Send()
    {
        _request.End();
        _request.SetSequence(0, ++_sequence);
        _socket.Send(_request.Written);
    }

    private List<T> Dump<T>(string what, RtnlParser.Parse<T> parse, Predicate<T> wanted)
    {
        const int Attempts = 10;
        for (var attempt = 1; ; attempt++)
        {
            // The kernel's tables changed while it wrote the answer: entries may be missing or double.
            if (TryDump(what, parse, wanted, out var list))
                return list;
            if (attempt == Attempts)
                throw new NetlinkException(Errno.EINTR, what, string.Create(CultureInfo.InvariantCulture, $"interrupted by changes {Attempts} times"));
        }
    }

    private bool TryDump<T>(string what, RtnlParser.Parse<T> parse, Predicate<T> wanted, out List<T> list)
    {
        list = [];
        var consistent = true;
        Send();
        while (true)
        {
            var reader = new NetlinkReader(Receive(what));
            while (reader.TryNext(out var message))
            {
                if (message.Header.nlmsg_seq != _sequence)
                    continue;
                consistent &= !message.Has(netlink.NLM_F_DUMP_INTR);
                if (message.Type is netlink.NLMSG_DONE or netlink.NLMSG_ERROR)
                {
                    var (errno, text) = ExtendedAck.Parse(message);
                    return errno switch
                    {
                        0 => consistent,
                        Errno.ENOENT or Errno.ENODEV => true, // no such table or link: nothing in it
                        _ => throw new NetlinkException(errno, what, text),
                    };
                }

                if (parse(message.Payload, out var value) && wanted(value))
                    list.Add(value);
            }
        }
    }
}
