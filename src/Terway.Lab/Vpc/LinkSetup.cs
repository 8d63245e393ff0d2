using System.Net;
using Terway.Linux;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Lab.Vpc;

/// <summary>Addresses and routes of links in one namespace, one request at a time: for set-up, not for hot paths.</summary>
internal sealed class LinkSetup(NetNsThread thread, NetNs ns) : IDisposable
{
    private readonly RtnlSocket _rtnl = RtnlSocket.Open(thread, ns);
    private readonly RtnlBatch _batch = new();

    public void Up(string link)
    {
        _batch.LinkSet(new LinkChange { Name = link, Up = true });
        Execute();
    }

    public void Address(string link, IpPrefix address)
    {
        _batch.AddressReplace(new LinkAddress { LinkIndex = IndexOf(link), Address = address, Flags = AddressFlags.NoDad });
        Execute();
    }

    public void Route(IpPrefix destination, string link, IPAddress gateway)
    {
        _batch.RouteReplace(new IpRoute { Destination = destination, Gateway = gateway, LinkIndex = IndexOf(link), OnLink = true });
        Execute();
    }

    public void Dispose()
    {
        _batch.Dispose();
        _rtnl.Dispose();
    }

    private int IndexOf(string link) =>
        _rtnl.GetLink(link)?.Index ?? throw new LinuxException(Errno.ENODEV, $"find link {link} in {ns}");

    private void Execute()
    {
        try
        {
            _rtnl.ExecuteOrThrow(_batch);
        }
        finally
        {
            _batch.Clear();
        }
    }
}
