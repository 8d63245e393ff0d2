using System.Net;
using System.Runtime.CompilerServices;
using Terway.Linux.Namespaces;

namespace Terway.Bench.Traffic;

/// <summary>
/// The server's half of every probe, in one namespace at one address: a thread for each port of each protocol, all on one core. What a connection begins with says
/// what it is for, see <see cref="Mode"/>.
/// </summary>
internal sealed unsafe class EchoSite : IDisposable
{
    /// <summary>Streams that a bulk transfer can have; stream i goes to <see cref="TcpPort"/> + i.</summary>
    public const int Streams = 4;

    /// <summary>Ports in a row of each protocol.</summary>
    public const int Ports = 10;

    /// <summary>First TCP port.</summary>
    public const int TcpPort = 7100;

    /// <summary>UDP ports in a row from here on: the same numbers, so that an endpoint of a Service has both.</summary>
    public const int UdpPort = TcpPort;

    /// <summary>Bytes of a request and of an answer.</summary>
    public const int Message = 64;
    private const int Cpu = 1;
    private const int BufferSize = 1 << 17;
    private readonly List<(int Fd, Thread Thread)> _ports = [];

    /// <param name="ns">where</param>
    /// <param name="address">an address of that namespace</param>
    public EchoSite(NetNs ns, IPAddress address)
    {
        for (var i = 0; i < Ports; i++)
        {
            Start(ns, new IPEndPoint(address, TcpPort + i), tcp: true);
            Start(ns, new IPEndPoint(address, UdpPort + i), tcp: false);
        }
    }

    /// <summary>First byte of a connection.</summary>
    public enum Mode : byte
    {
        /// <summary>Each message of <see cref="Message"/> bytes is answered by as many.</summary>
        Echo = (byte)'E',

        /// <summary>The same, and the server does not sleep for them.</summary>
        SpinningEcho = (byte)'S',

        /// <summary>The message has two lengths at 8 and 16: after so many bytes, and again after so many, one byte is answered.</summary>
        Sink = (byte)'B',

        /// <summary>The same, served on the client's core.</summary>
        SinkBesideClient = (byte)'H',
    }

    public void Dispose()
    {
        foreach (var (fd, thread) in _ports)
        {
            Posix.Shutdown(fd);
            thread.Join();
            Posix.Close(fd);
        }
    }

    private void Start(NetNs ns, IPEndPoint at, bool tcp)
    {
        var fd = -1;
        Exception? error = null;
        using var listening = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            try
            {
                Posix.Pin(Cpu);
                Posix.Enter(ns.Fd);
                fd = Posix.Listen(at, tcp);
            }
            catch (Exception e)
            {
                error = e;
            }

            var mine = fd;
            listening.Set();
            if (mine < 0) return;
            if (tcp) ServeStreams(mine);
            else ServeDatagrams(mine);
        });
        thread.IsBackground = true;
        thread.Start();
        listening.Wait();
        if (error is not null) throw new InvalidOperationException($"no server at {at}", error);
        _ports.Add((fd, thread));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ServeStreams(int listener)
    {
        fixed (byte* buffer = GC.AllocateUninitializedArray<byte>(BufferSize, pinned: true))
        {
            for (int fd; (fd = Posix.Accept(listener)) >= 0;)
            {
                try
                {
                    Serve(fd, buffer);
                }
                catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
                {
                    // The client sees it too, and says so.
                }

                Posix.Close(fd);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Serve(int fd, byte* buffer)
    {
        if (!ReadMessage(fd, buffer)) return;
        var spinning = (Mode)buffer[0] == Mode.SpinningEcho;
        if ((Mode)buffer[0] is Mode.Sink or Mode.SinkBesideClient)
        {
            var beside = (Mode)buffer[0] == Mode.SinkBesideClient;
            var (first, second) = (*(long*)(buffer + 8), *(long*)(buffer + 16));
            if (beside) Posix.Pin(Probes.Cpu, realTime: false);
            if (Drain(fd, buffer, first)) _ = Drain(fd, buffer, second);
            if (beside) Posix.Pin(Cpu);
            return;
        }

        do Posix.SendAll(fd, buffer, Message);
        while (spinning ? Posix.Spin(fd, buffer, Message) > 0 : ReadMessage(fd, buffer));
    }

    private static bool ReadMessage(int fd, byte* buffer)
    {
        for (var have = 0; have < Message;)
        {
            var got = Posix.Receive(fd, buffer + have, Message - have);
            if (got == 0) return false;
            have += got;
        }

        return true;
    }

    private static bool Drain(int fd, byte* buffer, long length)
    {
        while (length > 0)
        {
            var got = Posix.Receive(fd, buffer, (int)Math.Min(length, BufferSize));
            if (got == 0) return false;
            length -= got;
        }

        Posix.SendAll(fd, buffer, 1);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ServeDatagrams(int fd)
    {
        fixed (byte* buffer = GC.AllocateUninitializedArray<byte>(BufferSize, pinned: true))
        {
            while (Posix.EchoDatagram(fd, buffer, BufferSize)) { }
        }
    }
}
