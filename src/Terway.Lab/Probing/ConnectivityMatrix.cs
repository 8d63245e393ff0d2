using System.Net;
using Terway.Linux.Namespaces;

namespace Terway.Lab.Probing;

/// <summary>Somebody that talks and listens, an <see cref="EchoServer"/> running there.</summary>
/// <param name="Talks">false for a destination only, e.g. the outside host</param>
public sealed record Endpoint(string Name, NetNs NetNs, IPAddress Address, bool Talks = true);

/// <param name="Family">ipv4 or ipv6</param>
public sealed record ConnectivityCell(string From, string To, string Family, bool Ok, string? Error);

/// <summary>Everybody to everybody else over TCP, in every family that both have. Who has two addresses is there twice, under one name.</summary>
public static class ConnectivityMatrix
{
    private const int AtOnce = 16;

    public static async Task<IReadOnlyList<ConnectivityCell>> RunAsync(
        NetNsThread thread, IReadOnlyList<Endpoint> endpoints, TimeSpan timeout, CancellationToken ct, int port = EchoServer.DefaultPort)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        using var slots = new SemaphoreSlim(AtOnce);
        var pairs = endpoints.Where(static from => from.Talks).SelectMany(
            from => endpoints.Where(to => to.Name != from.Name && to.Address.AddressFamily == from.Address.AddressFamily).Select(to => (from, to)));
        return await Task.WhenAll(pairs.Select(async pair =>
        {
            await slots.WaitAsync(ct);
            try
            {
                var family = pair.to.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? "ipv6" : "ipv4";
                var result = await Probe.TcpAsync(thread, pair.from.NetNs, new IPEndPoint(pair.to.Address, port), timeout, ct: ct);
                return new ConnectivityCell(pair.from.Name, pair.to.Name, family, result.Ok, result.Error);
            }
            finally
            {
                slots.Release();
            }
        }));
    }
}
