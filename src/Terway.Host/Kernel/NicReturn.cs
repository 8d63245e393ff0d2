using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>Brings NICs of the node back from pods. What is back already is only put in order. One caller at a time.</summary>
internal sealed class NicReturn(RtnlSocket node, NetNsThread namespaces, NetNs home) : IDisposable
{
    private readonly RtnlBatch _batch = new();

    /// <summary>Whether a link is the NIC.</summary>
    public static bool IsIt(LinkInfo link, KernelObject.Nic nic) =>
        link.Mac is { } mac && string.Equals(mac.ToString(), nic.On.Mac, StringComparison.OrdinalIgnoreCase) && !IsStacked(link);

    /// <summary>The NIC in a socket's namespace, by its MAC address; null when it is not there.</summary>
    public static LinkInfo? Find(RtnlSocket socket, KernelObject.Nic nic) =>
        socket.DumpLinks().Where(l => IsIt(l, nic)).OrderBy(static l => l.Index).FirstOrDefault();

    /// <param name="nic">The NIC.</param>
    /// <param name="pod">Where it may be; null when the pod's namespace is gone.</param>
    /// <exception cref="Linux.LinuxException">The kernel refused.</exception>
    public void Return(KernelObject.Nic nic, NetNs? pod)
    {
        if (pod is not null) Fetch(nic, pod);
        if (Find(node, nic) is { } link) PutInOrder(link, nic);
    }

    public void Dispose() => _batch.Dispose();

    private void Fetch(KernelObject.Nic nic, NetNs pod)
    {
        using var inside = RtnlSocket.Open(namespaces, pod);
        if (Find(inside, nic) is not { } link) return;
        // The kernel closes it, and leaves behind what it had there. It needs a name that is free here: the one in the pod seldom is.
        _batch.LinkSet(new LinkChange { Index = link.Index, NetNs = home, NewName = node.GetLink(nic.On.Name) is null ? nic.On.Name : Spare(nic) });
        Flush(inside);
    }

    // Also for one that the kernel, or somebody else, brought back.
    private void PutInOrder(LinkInfo link, KernelObject.Nic nic)
    {
        // A link that is renamed has to be down, before Linux 6.2.
        if (link.IsUp) _batch.LinkSet(new LinkChange { Index = link.Index, Up = false });
        foreach (var address in node.DumpAddresses(link.Index)) _batch.AddressDelete(address).Ignore(Linux.Errno.EADDRNOTAVAIL);
        if (link.Name != nic.On.Name && node.GetLink(nic.On.Name) is null) _batch.LinkSet(new LinkChange { Index = link.Index, NewName = nic.On.Name });
        if (link.Mtu != nic.On.Mtu) _batch.LinkSet(new LinkChange { Index = link.Index, Mtu = nic.On.Mtu });
        Flush(node);
    }

    // 15 characters, as many as a name may have, and nobody else's.
    private static string Spare(KernelObject.Nic nic) => "eni" + nic.On.Mac.Replace(":", "", StringComparison.Ordinal);

    // A VLAN or a macvlan on it may have its MAC address.
    private static bool IsStacked(LinkInfo link) => link.Kind is "vlan" or "macvlan" or "ipvlan" or "macvtap" or "bridge" or "bond" or "team";

    private void Flush(RtnlSocket socket)
    {
        if (_batch.Count == 0) return;
        try
        {
            socket.ExecuteOrThrow(_batch);
        }
        finally
        {
            _batch.Clear();
        }
    }
}
