using System.Net;
using Terway.Bench.Traffic;
using Terway.Lab.Vpc;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Bench.Datapath;

/// <summary>Two namespaces joined by one veth pair, links named, sized and featured as a pod's: nothing that carries packets between pods can be faster.</summary>
internal sealed class BarePair : IDisposable
{
    public const string Link = "eth0";
    private readonly LabNamespaces _namespaces;
    private readonly string _name;

    /// <param name="namespaces">whose</param>
    /// <param name="name">part of the namespaces' names</param>
    /// <param name="mtu">as the pods have it</param>
    public BarePair(LabNamespaces namespaces, string name, int mtu)
    {
        (_namespaces, _name) = (namespaces, name);
        Client = namespaces.Create($"{name}-c");
        try
        {
            Server = namespaces.Create($"{name}-s");
            using var rtnl = RtnlSocket.Open(namespaces.Thread, Client);
            using var batch = new RtnlBatch();
            batch.VethAdd(new VethSpec { Link = new LinkSpec { Name = Link, Mtu = mtu }, Peer = new LinkSpec { Name = Link, Mtu = mtu, NetNs = Server } });
            rtnl.ExecuteOrThrow(batch);
            Configure(Client, 1);
            Configure(Server, 2);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public NetNs Client { get; }

    public NetNs Server { get; } = null!;

    public IPAddress ServerIpv4 { get; } = Ipv4(2);

    public IPAddress ServerIpv6 { get; } = Ipv6(2);

    public void Dispose()
    {
        _namespaces.Delete($"{_name}-c");
        if (Server is not null) _namespaces.Delete($"{_name}-s");
    }

    private void Configure(NetNs ns, int host)
    {
        using var rtnl = RtnlSocket.Open(_namespaces.Thread, ns);
        using var batch = new RtnlBatch();
        var index = rtnl.GetLink(Link)!.Index;
        batch.LinkSet(new LinkChange { Name = "lo", Up = true });
        batch.LinkSet(new LinkChange { Name = Link, Up = true });
        batch.AddressReplace(new LinkAddress { LinkIndex = index, Address = new IpPrefix(Ipv4(host), 24), Flags = AddressFlags.NoDad });
        batch.AddressReplace(new LinkAddress { LinkIndex = index, Address = new IpPrefix(Ipv6(host), 64), Flags = AddressFlags.NoDad });
        rtnl.ExecuteOrThrow(batch);
    }

    private static IPAddress Ipv4(int host) => IPAddress.Parse($"10.98.0.{host}");

    private static IPAddress Ipv6(int host) => IPAddress.Parse($"fd98::{host}");
}
