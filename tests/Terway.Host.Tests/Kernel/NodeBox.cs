using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Host.Kernel;
using Terway.Linux.Bpf;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Host.Tests.Kernel;

/// <summary>A node and pods as network namespaces of one test, the node with an ENI's link, and the daemon's kernel side in the node.</summary>
internal sealed class NodeBox : IDisposable
{
    public const string Eni = "eth1";

    private readonly List<(string Name, NetNs Ns)> _namespaces = [];
    private readonly List<IDisposable> _owned = [];
    private readonly LinkWatch _watch;

    public NodeBox(bool byTcx = false)
    {
        try
        {
            Assert.SkipUnless(!byTcx || TcxHook.IsThere(), "tcx is in Linux since 6.6");
            (NodePath, NodeNs) = NewNs();
            (PodPath, PodNs) = NewNs();
            Node = Socket(NodeNs);
            Pod = Socket(PodNs);
            // As every node has addresses. Without any the kernel has no local table, and takes no gateway (fib_semantics.c).
            Do(Node, b => b.LinkSet(new LinkChange { Name = "lo", Up = true }));
            AddEni(Eni);
            // Threads inherit the namespace of the thread that starts them: the kernel thread and the monitor live in the node.
            (_watch, Kernel) = Threads.Run(NodeNs, () => (LinkWatch.Start(Links, NullLogger<LinkWatch>.Instance), new NodeKernel(Threads, Links, Pins.Folder, byTcx)));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public NetNsThread Threads { get; } = NetNsThread.Start();

    public LinkTable Links { get; } = new();

    /// <summary>The node's bpf file system, with the sample plan's map and program.</summary>
    public SamplePins Pins { get; } = new();

    public NodeKernel Kernel { get; }

    public NetNs NodeNs { get; }

    public string NodePath { get; }

    public NetNs PodNs { get; }

    public string PodPath { get; }

    public RtnlSocket Node { get; }

    public RtnlSocket Pod { get; }

    public (string Path, NetNs Ns) NewNs()
    {
        var name = "twt-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
        var ns = NamedNetNs.Create(name);
        _namespaces.Add((name, ns));
        return (NamedNetNs.PathOf(name), ns);
    }

    public void DropPodName() => NamedNetNs.Delete(Path.GetFileName(PodPath));

    public RtnlSocket Socket(NetNs ns)
    {
        var socket = RtnlSocket.Open(Threads, ns);
        _owned.Add(socket);
        return socket;
    }

    public void AddEni(string name, string? mac = null)
    {
        Do(Node, b => b.VethAdd(new VethSpec
        {
            Link = new LinkSpec { Name = name, Up = true, Mac = mac is null ? null : MacAddress.Parse(mac) },
            Peer = new LinkSpec { Name = name + "-vpc" },
        }));
        Do(Node, b => b.LinkSet(new LinkChange { Name = name + "-vpc", Up = true }));
    }

    public static void Do(RtnlSocket socket, Action<RtnlBatch> append)
    {
        using var batch = new RtnlBatch();
        append(batch);
        socket.ExecuteOrThrow(batch);
    }

    public int Index(string link) => Node.GetLink(link)!.Index;

    /// <summary>Links, addresses, routes, rules, permanent neighbours, qdiscs, filters, pins and map entries of the node, but for what the kernel makes and unmakes by itself.</summary>
    public List<string> Snapshot()
    {
        var all = new List<string>();
        all.AddRange(Node.DumpLinks().Select(static l => $"link {l.Index} {l.Name} {l.Mac} {l.Mtu}"));
        all.AddRange(Node.DumpAddresses(family: AddressFamily.InterNetwork).Select(static a => a.ToString()));
        all.AddRange(Node.DumpRoutes(AddressFamily.InterNetwork).Select(static r => r.ToString()));
        all.AddRange(Node.DumpRules(AddressFamily.InterNetwork).Select(static r => r.ToString()));
        all.AddRange(Node.DumpNeighbours().Where(static n => n.State.HasFlag(NeighbourStates.Permanent)).Select(static n => n.ToString()));
        all.AddRange(Node.DumpQdiscs().Where(static q => q.Kind == "tbf").Select(static q => q.ToString()));
        all.AddRange(Node.DumpQdiscs().Where(static q => q.Kind == "clsact").SelectMany(q => new[] { TcHandle.Ingress, TcHandle.Egress }
            .SelectMany(parent => Node.DumpFilters(q.LinkIndex, parent)).Select(static f => f.ToString()).Append(q.ToString())));
        all.AddRange(Node.DumpLinks().SelectMany(l => new[] { true, false }.Select(side => $"tcx {l.Name} {side} {string.Join(' ', Programs(l.Name, side).Tcx)}")));
        all.AddRange(Pins.Snapshot());
        all.Sort(StringComparer.Ordinal);
        return all;
    }

    /// <summary>Ids of the programs of a link's side, by tcx and by filters.</summary>
    public (IReadOnlyList<uint> Tcx, IReadOnlyList<uint> Filters) Programs(string link, bool ingress)
    {
        var index = Index(link);
        var filters = Node.DumpFilters(index, ingress ? TcHandle.Ingress : TcHandle.Egress).Where(static f => f.Handle != 0).Select(static f => f.ProgramId);
        return (Threads.Run(NodeNs, () => TcxHook.Programs(index, ingress ? BpfAttachType.TcxIngress : BpfAttachType.TcxEgress)), [.. filters]);
    }

    public void Dispose()
    {
        Kernel?.Dispose();
        _watch?.Dispose();
        foreach (var owned in _owned) owned.Dispose();
        foreach (var (name, ns) in _namespaces)
        {
            ns.Dispose();
            NamedNetNs.Delete(name);
        }

        Threads.Dispose();
        Pins.Dispose();
    }
}
