using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Terway.Host.Api.V1;

namespace Terway.Lab.Cluster;

/// <summary>Asks a node's daemon about itself, as terway-cli does.</summary>
public static class NodeAgent
{
    /// <exception cref="RpcException">No daemon answers.</exception>
    internal static async Task<NodeStatus> StatusAsync(string runFolder, CancellationToken ct)
    {
        using var channel = Connect(runFolder);
        return await new Node.NodeClient(channel).GetStatusAsync(new GetStatusRequest(), cancellationToken: ct);
    }

    /// <summary>A channel to the daemon's socket; calls on it fail when nobody listens there.</summary>
    internal static GrpcChannel Connect(string runFolder) => GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(runFolder, "eni.socket")), cancellationToken);
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
}
