using System.Net;

namespace Terway.Plugins.DataPathV2.Tests.Services;

/// <summary>Services to try.</summary>
internal static class Some
{
    public const string Ip = "172.21.0.10";
    public const string Ip6 = "fd00:21::10";

    public static ServiceEndpoint Endpoint(string address, ushort port = HookBox.ServerPort) => new() { Address = IPAddress.Parse(address), Port = port };

    /// <summary>A Service of one port, 80 unless said otherwise, over TCP and UDP.</summary>
    public static Service Service(IEnumerable<ServiceEndpoint> endpoints, string name = "web", string ip = Ip, ushort port = 80, ushort nodePort = 0, string? ip6 = null)
    {
        var all = endpoints.ToList();
        return new Service
        {
            Name = new ServiceName("default", name),
            ClusterAddresses = ip6 is null ? [IPAddress.Parse(ip)] : [IPAddress.Parse(ip), IPAddress.Parse(ip6)],
            Ports =
            [
                new ServicePort { Name = "tcp", Protocol = "TCP", Port = port, NodePort = nodePort, Endpoints = all },
                new ServicePort { Name = "udp", Protocol = "UDP", Port = port, NodePort = nodePort, Endpoints = all },
            ],
        };
    }

    public static Service Service(params string[] endpoints) => Service(endpoints.Select(static e => Endpoint(e)));
}
