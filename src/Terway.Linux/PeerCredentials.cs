using System.Net.Sockets;
using Terway.Linux.Native;

namespace Terway.Linux;

/// <summary>Who is at the other end of a connected unix socket, as the kernel noted it at connect (SO_PEERCRED).</summary>
public readonly record struct PeerCredentials(int ProcessId, uint UserId, uint GroupId)
{
    /// <exception cref="LinuxException">The socket is not a connected unix socket.</exception>
    public static unsafe PeerCredentials Of(Socket peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        var release = false;
        try
        {
            peer.SafeHandle.DangerousAddRef(ref release);
            ucred credentials;
            var length = (uint)sizeof(ucred);
            var fd = (int)peer.SafeHandle.DangerousGetHandle();
            if (Libc.getsockopt(fd, socket.SOL_SOCKET, socket.SO_PEERCRED, &credentials, &length) != 0)
                throw new LinuxException(Libc.Errno, "read peer credentials of a unix socket");
            // Sockets that are not unix sockets, or not connected, answer pid 0 and uid -1.
            if (credentials.pid == 0)
                throw new LinuxException(Errno.EINVAL, "read peer credentials: the socket is not a connected unix socket");
            return new(credentials.pid, credentials.uid, credentials.gid);
        }
        finally
        {
            if (release)
                peer.SafeHandle.DangerousRelease();
        }
    }
}
