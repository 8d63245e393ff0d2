using System.Net;
using System.Net.Sockets;

namespace Terway.Lab.Cloud;

/// <summary>Where a server listens: an address, a unix socket, or a socket that is open already, in whatever namespace.</summary>
public sealed record LabListener
{
    internal IPEndPoint? EndPoint { get; private init; }

    internal Socket? Opened { get; private init; }

    internal string? Path { get; private init; }

    /// <summary>Port 0 picks a free one; ask the server for it.</summary>
    public static LabListener On(IPEndPoint endPoint) => new() { EndPoint = endPoint };

    /// <summary>A free port of 127.0.0.1.</summary>
    public static LabListener Loopback() => On(new IPEndPoint(IPAddress.Loopback, 0));

    /// <summary>A bound stream socket. It stays the caller's: open it before the server starts, dispose it after the server stopped.</summary>
    public static LabListener On(Socket opened) => new() { Opened = opened };

    /// <summary>A unix socket; a stale file is removed first.</summary>
    public static LabListener OnUnixSocket(string path) => new() { Path = path };
}
