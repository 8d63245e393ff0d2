using System.Net;
using System.Net.Sockets;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>What of the node matters for which backends a Service has here.</summary>
/// <param name="Name">As endpoints name it.</param>
/// <param name="Zone">As hints name it.</param>
/// <param name="WithIpv6">Whether there are Services of that family.</param>
/// <param name="Addresses">Those that node ports are reached by, without loopback.</param>
internal sealed record NodeView(string Name, string Zone, bool WithIpv6, IReadOnlyList<IPAddress> Addresses)
{
    public bool Has(AddressFamily family) => family == AddressFamily.InterNetwork || (WithIpv6 && family == AddressFamily.InterNetworkV6);
}
