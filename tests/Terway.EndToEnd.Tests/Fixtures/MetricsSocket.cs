using System.Net.Sockets;
using Terway.Lab.Nodes;

namespace Terway.EndToEnd.Tests.Fixtures;

/// <summary>A node's metrics, health and readiness, over the unix socket on which its daemon serves them.</summary>
internal static class MetricsSocket
{
    public static HttpClient Client(LabNode node) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(node.Paths.Run, "metrics.socket")), cancellationToken);
            return new NetworkStream(connection, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://localhost"),
    };
}
