using System.Net;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Linux.Tests.Netlink;

/// <summary>Two namespaces, joined by a veth pair n0 - p0 when a test asks for it.</summary>
public abstract class RtnlTest : IDisposable
{
    protected RtnlTest()
    {
        Box = new Sandbox();
        NodeNs = Box.NewNs();
        PodNs = Box.NewNs();
        Node = Box.Socket(NodeNs);
        Pod = Box.Socket(PodNs);
        Batch = Box.Own(new RtnlBatch());
    }

    protected Sandbox Box { get; }

    protected NetNs NodeNs { get; }

    protected NetNs PodNs { get; }

    protected RtnlSocket Node { get; }

    protected RtnlSocket Pod { get; }

    protected RtnlBatch Batch { get; }

    public void Dispose()
    {
        Box.Dispose();
        GC.SuppressFinalize(this);
    }

    protected static IPAddress Ip(string text) => IPAddress.Parse(text);

    protected static IpPrefix Net(string text) => IpPrefix.Parse(text);

    /// <summary>Both ends up, in the two namespaces; returns their indexes.</summary>
    protected (int Node, int Pod) Veth(string name = "n0", string peer = "p0", bool addressed = false)
    {
        Batch.Clear();
        Batch.VethAdd(new()
        {
            Link = new() { Name = name, Up = true },
            Peer = new() { Name = peer, NetNs = PodNs },
        });
        Node.ExecuteOrThrow(Batch);
        Do(Pod, b => b.LinkSet(new() { Name = peer, Up = true }));
        var n = Node.GetLink(name)!.Index;
        var p = Pod.GetLink(peer)!.Index;
        if (addressed)
        {
            Do(Node, b => b.AddressAdd(new() { LinkIndex = n, Address = Net("10.0.0.1/24") }));
            Do(Pod, b => b.AddressAdd(new() { LinkIndex = p, Address = Net("10.0.0.2/24") }));
        }

        return (n, p);
    }

    protected void Do(RtnlSocket socket, Action<RtnlBatch> append)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(append);
        Batch.Clear();
        append(Batch);
        socket.ExecuteOrThrow(Batch);
    }
}
