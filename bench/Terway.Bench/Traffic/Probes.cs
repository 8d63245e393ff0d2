using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;

namespace Terway.Bench.Traffic;

/// <summary>
/// The client's half. Called on a thread of its own that is pinned (<see cref="Posix.Pin"/>) and in the client's namespace; each call is one slice and opens what
/// it needs, outside of what it times.
/// </summary>
internal static unsafe class Probes
{
    private const int WarmUp = 30;
    private const long WarmUpBytes = 8 << 20;
    private const int Chunk = 1 << 17;
    /// <summary>The client's core.</summary>
    internal const int Cpu = 0;
    private static readonly double s_ticksPerMicrosecond = Stopwatch.Frequency / 1e6;

    /// <summary>Requests and answers, one at a time.</summary>
    /// <param name="to">whom the client knows as the server</param>
    /// <param name="tcp">or UDP</param>
    /// <param name="requests">how many</param>
    /// <param name="spinning">neither side sleeps (TCP only): without the scheduler, what remains is the way</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Slice Latency(IPEndPoint to, bool tcp, int requests, bool spinning = false)
    {
        var times = new long[requests + 1];
        var message = stackalloc byte[EchoSite.Message];
        new Span<byte>(message, EchoSite.Message).Clear();
        message[0] = (byte)(spinning ? EchoSite.Mode.SpinningEcho : EchoSite.Mode.Echo);
        var fd = Posix.Socket(to.AddressFamily, tcp);
        try
        {
            Posix.Connect(fd, to.Serialize());
            for (var i = 0; i < WarmUp; i++) Ask(fd, message, spinning);
            times[0] = Stopwatch.GetTimestamp();
            for (var i = 1; i < times.Length; i++)
            {
                Ask(fd, message, spinning);
                times[i] = Stopwatch.GetTimestamp();
            }
        }
        finally
        {
            Posix.Close(fd);
        }

        return OfTimes(times);
    }

    /// <summary>Datagrams and answers of a socket that is not connected, as a resolver's: each says whom it is for, and each answer whom it is from.</summary>
    /// <exception cref="InvalidOperationException">An answer came from somebody else.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Slice Datagrams(IPEndPoint to, int requests)
    {
        var times = new long[requests + 1];
        var message = stackalloc byte[EchoSite.Message];
        new Span<byte>(message, EchoSite.Message).Clear();
        var address = to.Serialize();
        var from = stackalloc byte[address.Size];
        var fd = Posix.Socket(to.AddressFamily, tcp: false);
        try
        {
            fixed (byte* target = address.Buffer.Span)
            {
                for (var i = -WarmUp; i < times.Length; i++)
                {
                    if (i != 0)
                    {
                        Posix.SendTo(fd, message, EchoSite.Message, target, address.Size);
                        var got = Posix.ReceiveFrom(fd, message, EchoSite.Message, from, address.Size);
                        if (got != EchoSite.Message) throw new InvalidOperationException($"an answer of {got} bytes");
                    }

                    if (i >= 0) times[i] = Stopwatch.GetTimestamp();
                }

                if (!new ReadOnlySpan<byte>(from, address.Size).SequenceEqual(new ReadOnlySpan<byte>(target, address.Size)))
                    throw new InvalidOperationException($"answers do not come from {to}");
            }
        }
        finally
        {
            Posix.Close(fd);
        }

        return OfTimes(times);
    }

    /// <summary>Connect, one request, its answer, close; one after the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Slice Connections(IPEndPoint to, int count)
    {
        var message = stackalloc byte[EchoSite.Message];
        new Span<byte>(message, EchoSite.Message).Clear();
        message[0] = (byte)EchoSite.Mode.Echo;
        var address = to.Serialize();
        var begin = 0L;
        for (var i = -2; i < count; i++)
        {
            if (i == 0) begin = Stopwatch.GetTimestamp();
            var fd = Posix.Socket(to.AddressFamily, tcp: true);
            try
            {
                Posix.Connect(fd, address);
                Ask(fd, message, spinning: false);
            }
            finally
            {
                Posix.Close(fd);
            }
        }

        // SYN, SYN and ACK, request, answer, FIN of both: acknowledgements may ride along.
        return new Slice(count / Stopwatch.GetElapsedTime(begin).TotalSeconds, 6L * count);
    }

    /// <summary>Sends, on so many connections at once, and waits until the servers have it all.</summary>
    /// <param name="to">first port</param>
    /// <param name="streams">connections, each with a thread</param>
    /// <param name="bytes">of all together</param>
    /// <param name="netNs">the client's namespace</param>
    /// <param name="oneCore">the servers are on the client's core</param>
    public static Slice Bulk(IPEndPoint to, int streams, long bytes, int netNs, bool oneCore = false)
    {
        Exception? error = null;
        var (begin, cpu) = (0L, 0L);
        // By the last to arrive, before any goes on.
        using var ready = new Barrier(streams, _ => (begin, cpu) = (Stopwatch.GetTimestamp(), Posix.ProcessCpu() + SoftIrqThreads()));
        using var done = new CountdownEvent(streams);
        var threads = new List<Thread>();
        for (var i = 0; i < streams; i++)
        {
            var port = to.Port + i;
            var thread = new Thread(() =>
            {
                try
                {
                    Posix.Pin(Cpu, realTime: !oneCore);
                    Posix.Enter(netNs);
                    Pour(new IPEndPoint(to.Address, port), bytes / streams, ready, oneCore ? EchoSite.Mode.SinkBesideClient : EchoSite.Mode.Sink);
                }
                catch (Exception e)
                {
                    error = e;
                    // The others are not waited for: their own limits end them.
                    if (begin == 0) ready.RemoveParticipant();
                }

                done.Signal();
            });
            thread.IsBackground = true;
            threads.Add(thread);
            thread.Start();
        }

        done.Wait();
        var seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        cpu = Posix.ProcessCpu() + SoftIrqThreads() - cpu;
        foreach (var thread in threads) thread.Join();
        if (error is not null) throw new InvalidOperationException($"no transfer to {to}", error);
        var gbit = bytes * 8 / 1e9;
        return new Slice(gbit / seconds, bytes / (1 << 17), cpu / 1e6 / gbit);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pour(IPEndPoint to, long bytes, Barrier ready, EchoSite.Mode mode)
    {
        fixed (byte* chunk = GC.AllocateArray<byte>(Chunk, pinned: true))
        {
            var fd = Posix.Socket(to.AddressFamily, tcp: true);
            try
            {
                Posix.Connect(fd, to.Serialize());
                *chunk = (byte)mode;
                *(long*)(chunk + 8) = WarmUpBytes;
                *(long*)(chunk + 16) = bytes;
                Posix.SendAll(fd, chunk, EchoSite.Message);
                Send(fd, chunk, WarmUpBytes);
                ready.SignalAndWait();
                Send(fd, chunk, bytes);
            }
            finally
            {
                Posix.Close(fd);
            }
        }
    }

    private static void Send(int fd, byte* chunk, long bytes)
    {
        for (; bytes > 0; bytes -= Chunk) Posix.SendAll(fd, chunk, (int)Math.Min(bytes, Chunk));
        byte answer;
        if (Posix.Receive(fd, &answer, 1) != 1) throw new InvalidOperationException("the server went away");
    }

    private static void Ask(int fd, byte* message, bool spinning)
    {
        Posix.SendAll(fd, message, EchoSite.Message);
        var got = spinning ? Posix.Spin(fd, message, EchoSite.Message) : Posix.Receive(fd, message, EchoSite.Message);
        if (got != EchoSite.Message) throw new InvalidOperationException($"an answer of {got} bytes");
    }

    private static Slice OfTimes(long[] times)
    {
        var samples = new double[times.Length - 1];
        for (var i = 0; i < samples.Length; i++) samples[i] = (times[i + 1] - times[i]) / s_ticksPerMicrosecond;
        return new Slice(Statistics.Percentile(samples, 50), 2L * (samples.Length + WarmUp), Samples: samples);
    }

    /// <summary>Nanoseconds that the kernel's softirq threads have run: what did not fit into the sender's own time.</summary>
    private static long SoftIrqThreads()
    {
        var sum = 0L;
        foreach (var path in s_softIrqThreads)
            sum += long.Parse(File.ReadAllText(path).Split(' ')[0], CultureInfo.InvariantCulture);
        return sum;
    }

    private static readonly string[] s_softIrqThreads =
    [
        .. Directory.EnumerateDirectories("/proc").Where(static d => char.IsAsciiDigit(Path.GetFileName(d)[0]))
            .Where(static d => CommandOf(d).StartsWith("ksoftirqd/", StringComparison.Ordinal)).Select(static d => $"{d}/schedstat"),
    ];

    private static string CommandOf(string process)
    {
        try
        {
            return File.ReadAllText($"{process}/comm");
        }
        catch (IOException)
        {
            return ""; // gone meanwhile
        }
    }
}
