using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Terway.Bench.Traffic;

namespace Terway.Bench.Datapath.Services;

/// <summary>
/// Services with ten endpoints each. One of them, in the middle, leads to a server that is there: ten ports of it, TCP and UDP. The others, TCP alone, lead to
/// nobody.
/// </summary>
/// <param name="Family">of all addresses</param>
/// <param name="Count">Services, at most 65536</param>
/// <param name="Server">where something answers, see <see cref="EchoSite"/></param>
internal sealed record ServiceSet(AddressFamily Family, int Count, IPAddress Server)
{
    public const int Endpoints = EchoSite.Ports;
    public const int Port = 80;
    private const int Nobody = 8080;

    /// <summary>Number of the Service that is measured: half of the others are before it where they are gone through one by one.</summary>
    public int Measured => Count / 2;

    public IPEndPoint Target => new(AddressOf(Measured), Port);

    /// <summary>The same address and port by UDP.</summary>
    public IPEndPoint UdpTarget => Target;

    /// <summary>Addresses with protocol and port that lead to backends.</summary>
    public int Frontends => Count + 1;

    public IReadOnlyList<string> ProtocolsOf(int service) => service == Measured ? ["tcp", "udp"] : ["tcp"];

    public static string NameOf(int service) => string.Create(CultureInfo.InvariantCulture, $"s{service}");

    public IPAddress AddressOf(int service) => Family == AddressFamily.InterNetwork
        ? new IPAddress([172, 22, (byte)(service >> 8), (byte)service])
        : IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"fd22::1:{service:x}"));

    public IEnumerable<IPEndPoint> BackendsOf(int service) => Enumerable.Range(0, Endpoints).Select(
        e => service == Measured ? new IPEndPoint(Server, EchoSite.TcpPort + e) : new IPEndPoint(Absent(service, e), Nobody));

    private IPAddress Absent(int service, int endpoint) => Family == AddressFamily.InterNetwork
        ? new IPAddress([10, (byte)(200 + endpoint), (byte)(service >> 8), (byte)service])
        : IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"fd23::{endpoint + 1:x}:{service:x}"));
}
