using Terway.Cni.Native;
using Terway.Cni.Wire;

namespace Terway.Cni;

/// <summary>stdin and stdout by plain system calls.</summary>
internal static unsafe class StandardStreams
{
    /// <summary>Largest configuration that is read, 1 MiB. Real ones are a few KiB; a chained prevResult adds a few more.</summary>
    public const int MaxInput = 1024 * 1024;

    private const int Stdin = 0;
    private const int Stdout = 1;

    // A runtime writes the configuration in one go and closes; one that stalls must not leave processes behind.
    private const int IdleLimitMs = 10_000;
    private const int TotalLimitMs = 30_000;

    /// <summary>
    /// Puts /dev/null in the place of standard streams that the caller closed, else the daemon's socket could get number 1 and
    /// the result be written into it. Returns whether stdin was open.
    /// </summary>
    public static bool Secure()
    {
        var stdinOpen = Libc.fcntl(Stdin, Libc.F_GETFD) >= 0;
        for (var fd = 0; fd <= 2; fd++)
        {
            if (Libc.fcntl(fd, Libc.F_GETFD) < 0)
                _ = Libc.open("/dev/null", Libc.O_RDWR, 0); // takes the lowest free number, which is this one
        }

        return stdinOpen;
    }

    public static bool IsTerminal => Libc.isatty(Stdin) == 1;

    /// <summary>Reads stdin to its end.</summary>
    /// <exception cref="CniException">Code 5: cannot be read or never ends. Code 6: longer than <see cref="MaxInput"/>.</exception>
    public static ReadOnlyMemory<byte> ReadInput()
    {
        var buffer = new byte[16 * 1024];
        var length = 0;
        var start = Environment.TickCount64;
        while (true)
        {
            if (length == buffer.Length)
                Array.Resize(ref buffer, Math.Min(buffer.Length * 4, MaxInput + 1));
            var remaining = (int)Math.Min(IdleLimitMs, TotalLimitMs - (Environment.TickCount64 - start));
            if (remaining <= 0 || !WaitFor(Stdin, Libc.POLLIN, remaining))
                throw new CniException(CniErrorCode.IoFailure, $"stdin did not end: {length} bytes came, then nothing within the time limit");

            nint got;
            fixed (byte* p = &buffer[length])
                got = Libc.read(Stdin, p, (nuint)(buffer.Length - length));
            if (got == 0)
                return buffer.AsMemory(0, length);
            if (got > 0)
                length += (int)got;
            else if (Libc.Errno is not (Libc.EINTR or Libc.EAGAIN))
                throw new CniException(CniErrorCode.IoFailure, $"the network configuration cannot be read from stdin: {Libc.Describe(Libc.Errno)}");

            if (length > MaxInput)
                throw new CniException(CniErrorCode.DecodingFailure, $"the network configuration on stdin is longer than the limit of {MaxInput} bytes");
        }
    }

    /// <summary>Writes all of it; false when the caller does not take it.</summary>
    public static bool WriteOutput(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            nint written;
            fixed (byte* p = text)
                written = Libc.write(Stdout, p, (nuint)text.Length);
            if (written >= 0)
                text = text[(int)written..];
            else if (Libc.Errno == Libc.EAGAIN)
                WaitFor(Stdout, Libc.POLLOUT, IdleLimitMs);
            else if (Libc.Errno != Libc.EINTR)
                return false;
        }

        return true;
    }

    private static bool WaitFor(int fd, short events, int timeoutMs)
    {
        var poll = new Libc.PollFd { Fd = fd, Events = events };
        var ready = Libc.poll(&poll, 1, timeoutMs);
        return ready > 0 || (ready < 0 && Libc.Errno == Libc.EINTR);
    }
}
