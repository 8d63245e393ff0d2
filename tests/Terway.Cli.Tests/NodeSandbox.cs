using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Terway.Cli.Mapping;
using Terway.Host.Api.V1;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Cli.Tests;

/// <summary>A node's kernel as the daemon leaves it: an ENI's link with its table, and one pod. In a namespace of its own.</summary>
internal sealed class NodeSandbox : IDisposable
{
    public const string PodAddress = "10.0.0.7";
    public const string EniMac = "02:16:3e:00:00:01";
    private const string PodLink = "cali00000000001";
    private const byte Own = 201;

    private static readonly IpPrefix s_pod = IpPrefix.Parse(PodAddress);

    private readonly string _name = "twt-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
    private readonly NetNsThread _thread = NetNsThread.Start();
    private readonly NetNs _ns;
    private readonly RtnlSocket _socket;

    public NodeSandbox()
    {
        _ns = NamedNetNs.Create(_name);
        _socket = RtnlSocket.Open(_thread, _ns);
        try
        {
            SetUp();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Eni { get; private set; }

    public IpRoute DefaultRoute => new()
    {
        Destination = IpPrefix.AnyV4,
        Gateway = IPAddress.Parse("10.0.0.253"),
        LinkIndex = Eni,
        Table = 1000 + (uint)Eni,
        OnLink = true,
        Protocol = Own,
    };

    public IpRule FromPod => new() { Family = AddressFamily.InterNetwork, Priority = 2048, From = s_pod, Table = 1000 + (uint)Eni, Protocol = Own };

    public Attachment Attachment
    {
        get
        {
            var attachment = new Attachment
            {
                ContainerId = "c1",
                IfName = "eth0",
                Namespace = "default",
                Name = "web",
                Phase = "Attached",
                EniId = "eni-1",
                EniLink = "eth1",
                EniMac = EniMac,
                EniLinkIndex = Eni,
                HostLink = PodLink,
                Provider = "SharedEni/1.0.0",
                Datapath = "SharedEni/1.0.0",
            };
            attachment.Addresses.Add(PodAddress);
            return attachment;
        }
    }

    public static CloudEnis Cloud
    {
        get
        {
            var eni = new CloudEni { Id = "eni-1", Mac = EniMac, Type = "Secondary", Status = "InUse" };
            eni.Addresses.AddRange(["10.0.0.6", PodAddress]);
            var cloud = new CloudEnis { Reachable = true };
            cloud.Enis.Add(eni);
            return cloud;
        }
    }

    public int Index(string link) => _socket.GetLink(link)!.Index;

    public void Do(Action<RtnlBatch> change)
    {
        using var batch = new RtnlBatch();
        change(batch);
        _socket.ExecuteOrThrow(batch);
    }

    public KernelSide Read() => KernelSide.Read(_thread, _ns);

    public void Dispose()
    {
        _socket.Dispose();
        _ns.Dispose();
        NamedNetNs.Delete(_name);
        _thread.Dispose();
    }

    private void SetUp()
    {
        Do(static batch => batch.VethAdd(new VethSpec { Link = new LinkSpec { Name = "eth1", Mac = MacAddress.Parse(EniMac), Up = true }, Peer = new LinkSpec { Name = "eth1p" } }));
        Do(static batch => batch.VethAdd(new VethSpec { Link = new LinkSpec { Name = PodLink, Up = true }, Peer = new LinkSpec { Name = "pod" } }));
        foreach (var peer in (string[])["lo", "eth1p", "pod"]) Do(batch => batch.LinkSet(new LinkChange { Index = Index(peer), Up = true }));
        Eni = Index("eth1");
        Do(batch => batch.AddressAdd(new LinkAddress { LinkIndex = Eni, Address = IpPrefix.Parse("10.0.0.1/32") }));
        Do(batch => batch.RouteAdd(new IpRoute { Destination = s_pod, LinkIndex = Index(PodLink), Table = 254, Protocol = Own }));
        Do(batch => batch.RouteAdd(DefaultRoute));
        Do(batch => batch.RuleAdd(new IpRule { Family = AddressFamily.InterNetwork, Priority = 512, To = s_pod, Table = 254, Protocol = Own }));
        Do(batch => batch.RuleAdd(FromPod));
    }
}
