using System.Text;
using Terway.Cni.Native;
using Terway.Cni.Wire;

namespace Terway.Cni;

/// <summary>One request and its response over the daemon's unix socket, all waiting bounded by one deadline.</summary>
internal static unsafe class DaemonConnection
{
    private const int BusyPauseMs = 5;

    /// <param name="socketPath">At most 107 bytes.</param>
    /// <param name="body">Body of the request frame, given the milliseconds that are left for the answer.</param>
    /// <param name="deadline">In terms of <see cref="Environment.TickCount64"/>.</param>
    /// <exception cref="CniException">Code 5: no permission, no descriptors... Code 101: the answer is no frame of ours.</exception>
    public static Exchange Send(string socketPath, Func<long, ReadOnlyMemory<byte>> body, long deadline)
    {
        var fd = Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
            throw new CniException(CniErrorCode.IoFailure, $"a socket to the daemon cannot be made: {Libc.Describe(Libc.Errno)}");
        try
        {
            if (Connect(fd, socketPath, deadline) is { } failed)
                return new Exchange(failed);
            var frame = FrameStream.Encode(body(Math.Max(1, deadline - Environment.TickCount64)).Span);
            return Transmit(fd, frame, deadline) is { } unsent ? new Exchange(unsent) : Receive(fd, deadline);
        }
        catch (FrameException e)
        {
            throw new CniException(
                CniErrorCode.Protocol,
                $"the daemon behind {socketPath} does not speak this entrypoint's protocol {CniRequest.CurrentProtocol}: "
                + "both must come from compatible releases",
                e.Message);
        }
        finally
        {
            _ = Libc.close(fd);
        }
    }

    private static ExchangeStatus? Connect(int fd, string path, long deadline)
    {
        var address = new Libc.SocketAddressUnix { Family = Libc.AF_UNIX };
        Encoding.UTF8.GetBytes(path, new Span<byte>(address.Path, Libc.SocketAddressUnix.MaxPath));
        while (Libc.connect(fd, &address, (uint)sizeof(Libc.SocketAddressUnix)) < 0)
        {
            switch (Libc.Errno)
            {
                case Libc.EINTR:
                    break;
                case Libc.ENOENT or Libc.ECONNREFUSED or Libc.ENOTDIR:
                    return ExchangeStatus.Absent;
                case Libc.EAGAIN: // the listener's backlog is full; poll does not report when it no longer is
                    if (Environment.TickCount64 >= deadline)
                        return ExchangeStatus.Busy;
                    Thread.Sleep(BusyPauseMs);
                    break;
                case var errno:
                    throw new CniException(
                        CniErrorCode.IoFailure, $"no connection to the daemon at {path}: {Libc.Describe(errno)}", "the socket is root's");
            }
        }

        return null;
    }

    /// <summary>Sends all. A peer that closed early may have answered first (a refusal), so that is for the reading side to find out.</summary>
    private static ExchangeStatus? Transmit(int fd, ReadOnlySpan<byte> frame, long deadline)
    {
        while (!frame.IsEmpty)
        {
            nint sent;
            fixed (byte* p = frame)
                sent = Libc.send(fd, p, (nuint)frame.Length, Libc.MSG_NOSIGNAL);
            if (sent >= 0)
            {
                frame = frame[(int)sent..];
                continue;
            }

            switch (Libc.Errno)
            {
                case Libc.EINTR:
                    break;
                case Libc.EAGAIN:
                    if (!WaitFor(fd, Libc.POLLOUT, deadline))
                        return ExchangeStatus.TimedOut;
                    break;
                case Libc.EPIPE or Libc.ECONNRESET:
                    return null;
                case var errno:
                    throw new CniException(CniErrorCode.IoFailure, $"the request cannot be sent to the daemon: {Libc.Describe(errno)}");
            }
        }

        return null;
    }

    private static Exchange Receive(int fd, long deadline)
    {
        var header = new byte[FrameStream.HeaderSize];
        if (Fill(fd, header, deadline) is { } early)
            return new Exchange(early);
        var body = new byte[FrameStream.DecodeLength(header)];
        return Fill(fd, body, deadline) is { } middle
            ? new Exchange(middle)
            : new Exchange(ExchangeStatus.Answered, FrameStream.Decode(body, WireJson.Default.CniResponse));
    }

    private static ExchangeStatus? Fill(int fd, Span<byte> buffer, long deadline)
    {
        while (!buffer.IsEmpty)
        {
            if (!WaitFor(fd, Libc.POLLIN, deadline))
                return ExchangeStatus.TimedOut;
            nint got;
            fixed (byte* p = buffer)
                got = Libc.read(fd, p, (nuint)buffer.Length);
            if (got > 0)
                buffer = buffer[(int)got..];
            else if (got == 0)
                return ExchangeStatus.Died;
            else if (Libc.Errno == Libc.ECONNRESET)
                return ExchangeStatus.Died;
            else if (Libc.Errno is not (Libc.EINTR or Libc.EAGAIN))
                throw new CniException(CniErrorCode.IoFailure, $"the daemon's answer cannot be read: {Libc.Describe(Libc.Errno)}");
        }

        return null;
    }

    private static bool WaitFor(int fd, short events, long deadline)
    {
        while (true)
        {
            var left = deadline - Environment.TickCount64;
            if (left <= 0)
                return false;
            var poll = new Libc.PollFd { Fd = fd, Events = events };
            var ready = Libc.poll(&poll, 1, (int)Math.Min(left, int.MaxValue));
            if (ready > 0)
                return true;
            if (ready < 0 && Libc.Errno != Libc.EINTR)
                throw new CniException(CniErrorCode.IoFailure, $"waiting for the daemon failed: {Libc.Describe(Libc.Errno)}");
        }
    }
}
