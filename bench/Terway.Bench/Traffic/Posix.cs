using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Terway.Bench.Traffic;

/// <summary>
/// Sockets without the runtime's own machinery: its asynchronous engine would wake threads of its own, and cost more than what is compared.
/// </summary>
internal static unsafe partial class Posix
{
    public const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int CloseOnExec = 0x80000;
    private const int Stream = 1;
    private const int Datagram = 2;
    private const int SolSocket = 1;
    private const int ReuseAddress = 2;
    private const int ReceiveTimeout = 20;
    private const int SendTimeout = 21;
    private const int IpProtoTcp = 6;
    private const int TcpNoDelay = 1;
    private const int CloneNewNet = 0x40000000;
    private const int RealTimeFifo = 1;
    private const int ProcessCpuTime = 2;
    private const int ErrnoAgain = 11;
    private const int ErrnoIntr = 4;

    /// <summary>Bounds every wait of a probe: a lost packet fails the run and does not hang it.</summary>
    private const int TimeoutSeconds = 3;

    public static int Socket(AddressFamily family, bool tcp)
    {
        var fd = Check(socket(family == AddressFamily.InterNetworkV6 ? 10 : 2, (tcp ? Stream : Datagram) | CloseOnExec, 0), "socket");
        if (tcp) SetOption(fd, IpProtoTcp, TcpNoDelay, 1);
        Bound(fd);
        return fd;
    }

    /// <summary>A socket that listens, or receives datagrams.</summary>
    public static int Listen(IPEndPoint at, bool tcp)
    {
        var fd = Check(socket(at.AddressFamily == AddressFamily.InterNetworkV6 ? 10 : 2, (tcp ? Stream : Datagram) | CloseOnExec, 0), "socket");
        SetOption(fd, SolSocket, ReuseAddress, 1);
        var address = at.Serialize();
        fixed (byte* raw = address.Buffer.Span) Check(bind(fd, raw, (uint)address.Size), $"bind {at}");
        if (tcp) Check(listen(fd, 1024), $"listen {at}");
        return fd;
    }

    public static void Connect(int fd, SocketAddress to)
    {
        fixed (byte* raw = to.Buffer.Span) Check(connect(fd, raw, (uint)to.Size), "connect");
    }

    /// <summary>Whether somebody is there to connect to.</summary>
    public static bool CanConnect(IPEndPoint to)
    {
        var fd = Socket(to.AddressFamily, tcp: true);
        var address = to.Serialize();
        try
        {
            fixed (byte* raw = address.Buffer.Span) return connect(fd, raw, (uint)address.Size) == 0;
        }
        finally
        {
            Close(fd);
        }
    }

    /// <returns>The connection; -1 when the listener was shut down.</returns>
    public static int Accept(int fd)
    {
        int accepted;
        do accepted = accept4(fd, null, null, CloseOnExec);
        while (accepted < 0 && Marshal.GetLastPInvokeError() == ErrnoIntr);
        if (accepted < 0) return -1;
        SetOption(accepted, IpProtoTcp, TcpNoDelay, 1);
        Bound(accepted);
        return accepted;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SendAll(int fd, byte* data, int length)
    {
        while (length > 0)
        {
            var sent = (int)send(fd, data, (nuint)length, NoSignal);
            if (sent <= 0) Check(sent, "send");
            data += sent;
            length -= sent;
        }
    }

    /// <returns>Bytes; 0 at the end.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Receive(int fd, byte* into, int length) => Check((int)recv(fd, into, (nuint)length, 0), "recv");

    /// <summary>A datagram of a socket that is not connected.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SendTo(int fd, byte* data, int length, byte* address, int size) =>
        Check((int)sendto(fd, data, (nuint)length, NoSignal, address, (uint)size), "sendto");

    /// <returns>Bytes; the sender is in <paramref name="address"/>, which has room for <paramref name="size"/> bytes.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ReceiveFrom(int fd, byte* into, int length, byte* address, int size)
    {
        var room = (uint)size;
        return Check((int)recvfrom(fd, into, (nuint)length, 0, address, &room), "recvfrom");
    }

    /// <summary>As <see cref="Receive"/>, asking again and again and not sleeping.</summary>
    public static int Spin(int fd, byte* into, int length)
    {
        // Some ten seconds, as a guard only.
        for (var tries = 0L; tries < 100_000_000; tries++)
        {
            var got = (int)recv(fd, into, (nuint)length, DontWait);
            if (got >= 0) return got;
            if (Marshal.GetLastPInvokeError() != ErrnoAgain) Check(got, "recv");
        }

        throw new InvalidOperationException("recv: nothing came");
    }

    /// <summary>Answers one datagram.</summary>
    /// <returns>False when the socket was shut down.</returns>
    public static bool EchoDatagram(int fd, byte* buffer, int length)
    {
        var address = stackalloc byte[28];
        var size = 28u;
        var got = recvfrom(fd, buffer, (nuint)length, 0, address, &size);
        if (got <= 0) return false;
        _ = sendto(fd, buffer, (nuint)got, 0, address, size);
        return true;
    }

    public static void Shutdown(int fd) => _ = shutdown(fd, 2);

    public static void Close(int fd) => _ = close(fd);

    /// <summary>Moves the calling thread, which must be one of our own, into a namespace.</summary>
    public static void Enter(int netNs) => Check(setns(netNs, CloneNewNet), "setns");

    /// <summary>The calling thread runs on one core from now on, ahead of other programs.</summary>
    public static void Pin(int cpu, bool realTime = true)
    {
        var mask = 1ul << cpu;
        Check(sched_setaffinity(0, 8, &mask), "sched_setaffinity");
        // Real time where it is allowed: the kernel leaves one twentieth of each second to the others (sched_rt_runtime_us), and slices are shorter.
        var priority = realTime ? 1 : 0;
        if (!realTime)
        {
            Check(sched_setscheduler(0, 0, &priority), "sched_setscheduler");
            return;
        }

        if (sched_setscheduler(0, RealTimeFifo, &priority) != 0) _ = setpriority(0, 0, -20);
    }

    /// <summary>Nanoseconds of CPU that all threads of this process have used.</summary>
    public static long ProcessCpu()
    {
        long* time = stackalloc long[2];
        Check(clock_gettime(ProcessCpuTime, time), "clock_gettime");
        return time[0] * 1_000_000_000 + time[1];
    }

    private static void Bound(int fd)
    {
        long* time = stackalloc long[2];
        time[0] = TimeoutSeconds;
        time[1] = 0;
        Check(setsockopt(fd, SolSocket, ReceiveTimeout, time, 16), "setsockopt");
        Check(setsockopt(fd, SolSocket, SendTimeout, time, 16), "setsockopt");
    }

    private static void SetOption(int fd, int level, int option, int value) => Check(setsockopt(fd, level, option, &value, 4), "setsockopt");

    private static int Check(int result, string what) => result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError(), what);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int bind(int fd, void* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int listen(int fd, int backlog);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int connect(int fd, void* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int accept4(int fd, void* address, uint* length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int fd, void* data, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int fd, void* data, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvfrom(int fd, void* data, nuint length, int flags, void* address, uint* addressLength);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendto(int fd, void* data, nuint length, int flags, void* address, uint addressLength);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int fd, int level, int option, void* value, uint length);

    [LibraryImport("libc")]
    private static partial int shutdown(int fd, int how);

    [LibraryImport("libc")]
    private static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int fd, int type);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sched_setaffinity(int pid, nuint size, void* mask);

    [LibraryImport("libc")]
    private static partial int sched_setscheduler(int pid, int policy, void* parameters);

    [LibraryImport("libc")]
    private static partial int setpriority(int which, int who, int value);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int clock_gettime(int clock, long* time);
}
