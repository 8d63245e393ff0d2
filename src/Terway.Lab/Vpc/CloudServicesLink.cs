using System.Net;
using System.Net.Sockets;
using Terway.Lab.Vpc.Abi;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Lab.Vpc;

/// <summary>
/// The namespace of the cloud's own services, which every ENI reaches at 100.100.0.0/16 and no security group covers. Servers listen on
/// sockets opened there and see the ENI's address as their client's.
/// </summary>
public sealed class CloudServicesLink : IDisposable
{
    private const string Part = "svc";
    private readonly LabNamespaces _namespaces;

    private CloudServicesLink(LabNamespaces namespaces, NetNs ns)
    {
        _namespaces = namespaces;
        NetNs = ns;
    }

    public NetNs NetNs { get; }

    public static CloudServicesLink Create(LabNamespaces namespaces, VpcFabric vpc)
    {
        ArgumentNullException.ThrowIfNull(namespaces);
        ArgumentNullException.ThrowIfNull(vpc);
        var ns = namespaces.Create(Part);
        try
        {
            vpc.ConnectInfrastructure(
                Infrastructure.ServicesEni, EniFlags.Services, Part, Infrastructure.ServicesMac, ns, "vpc0", [Infrastructure.ServicesCidr]);
            using var setup = new LinkSetup(namespaces.Thread, ns);
            setup.Up("lo");
            setup.Up("vpc0");
            setup.Address("vpc0", IpPrefix.Host(Infrastructure.MetadataAddress));
            setup.Address("vpc0", IpPrefix.Host(Infrastructure.OpenApiAddress));
            setup.Route(IpPrefix.AnyV4, "vpc0", Infrastructure.InfrastructureNextHop);
            return new CloudServicesLink(namespaces, ns);
        }
        catch
        {
            namespaces.Delete(Part);
            throw;
        }
    }

    /// <summary>A socket that listens there, for Kestrel's ListenHandle; the caller owns it.</summary>
    public Socket Listen(IPAddress address, int port)
    {
        var socket = NetNsSocket.Create(_namespaces.Thread, NetNs, address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(512);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose() => _namespaces.Delete(Part);
}
