using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Terway.Host.Api.V1;

namespace Terway.Cli;

/// <summary>A connection to the node's daemon.</summary>
internal sealed class NodeClient : IDisposable
{
    private readonly GrpcChannel _channel;

    public NodeClient(string socketPath)
    {
        // The daemon is on a unix socket: the address is only a form.
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                UseProxy = false,
                ConnectCallback = async (_, cancellationToken) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    try
                    {
                        await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken).ConfigureAwait(false);
                        return new NetworkStream(socket, ownsSocket: true);
                    }
                    catch
                    {
                        socket.Dispose();
                        throw;
                    }
                },
            },
            DisposeHttpClient = true,
        });
        Node = new Node.NodeClient(_channel);
    }

    public Node.NodeClient Node { get; }

    /// <summary>The reason of a failed call, without the library's words around it.</summary>
    public static string Explain(RpcException e)
    {
        ArgumentNullException.ThrowIfNull(e);
        Exception inner = e;
        while (inner.InnerException is { } next) inner = next;
        return inner is RpcException ? e.Status.DebugException?.GetBaseException().Message ?? $"{e.StatusCode}: {e.Status.Detail}" : inner.Message;
    }

    public void Dispose() => _channel.Dispose();
}
