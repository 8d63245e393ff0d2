using System.Text;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

public sealed partial class RtnlBatch
{
    private const ushort Ack = netlink.NLM_F_ACK;
    private const ushort Add = netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;
    private const ushort Replace = netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE;

    /// <summary>Makes a veth pair. EEXIST: one of the names is taken.</summary>
    /// <exception cref="ArgumentException">The peer is to be up: the kernel configures it before the two ends know each other, and refuses.</exception>
    public RtnlRequest VethAdd(in VethSpec spec)
    {
        if (spec.Peer.Up)
            throw new ArgumentException("a veth peer cannot be made up; set it up with the batch that gives it addresses", nameof(spec));
        var offset = BeginLink(spec.Link);
        var info = _writer.BeginNest(if_link.IFLA_LINKINFO);
        _writer.Put(if_link.IFLA_INFO_KIND, "veth");
        var data = _writer.BeginNest(if_link.IFLA_INFO_DATA);
        var peer = _writer.BeginNest(if_link.VETH_INFO_PEER);
        _writer.PutRaw(Header(spec.Peer));
        PutLink(spec.Peer);
        _writer.EndNest(peer);
        _writer.EndNest(data);
        _writer.EndNest(info);
        return End(offset);
    }

    /// <summary>Makes a link of a kind that needs no options: bridge, ifb, dummy ... EOPNOTSUPP: the kernel lacks the kind.</summary>
    public RtnlRequest LinkAdd(string kind, in LinkSpec spec)
    {
        var offset = BeginLink(spec);
        var info = _writer.BeginNest(if_link.IFLA_LINKINFO);
        _writer.Put(if_link.IFLA_INFO_KIND, kind);
        _writer.EndNest(info);
        return End(offset);
    }

    /// <summary>Changes a link. ENODEV: there is none.</summary>
    public RtnlRequest LinkSet(in LinkChange change)
    {
        if (change.Index == 0 && change.NewName is not null && change.NetNs is null)
            throw new ArgumentException("renaming a link needs its index: the one name in the message is the new one", nameof(change));
        var header = new ifinfomsg { ifi_index = change.Index };
        if (change.Up is { } up)
        {
            header.ifi_change = if_link.IFF_UP;
            header.ifi_flags = up ? if_link.IFF_UP : 0;
        }

        // NEWLINK without CREATE changes; unlike SETLINK it takes the group and the queue length too.
        var offset = Begin(rtnetlink.RTM_NEWLINK, Ack, header);
        if (change.Index == 0)
            _writer.Put(if_link.IFLA_IFNAME, CheckLinkName(change.Name ?? throw new ArgumentException("a link needs an index or a name", nameof(change))));
        else if (change.NewName is not null)
            _writer.Put(if_link.IFLA_IFNAME, CheckLinkName(change.NewName));
        if (change.Mtu is { } mtu)
            _writer.Put(if_link.IFLA_MTU, mtu);
        if (change.Mac is { } mac)
            _writer.Put(if_link.IFLA_ADDRESS, mac);
        if (change.NetNs is not null)
            _writer.Put(if_link.IFLA_NET_NS_FD, change.NetNs.Fd);
        if (change.Group is { } group)
            _writer.Put(if_link.IFLA_GROUP, group);
        if (change.Master is { } master)
            _writer.Put(if_link.IFLA_MASTER, master);
        if (change.TxQueueLength is { } length)
            _writer.Put(if_link.IFLA_TXQLEN, length);
        if (change.Alias is { } alias)
            PutAlias(alias);
        return End(offset);
    }

    /// <summary>Deletes a link; of a veth, both ends. ENODEV: there is none.</summary>
    public RtnlRequest LinkDelete(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(index);
        var offset = Begin(rtnetlink.RTM_DELLINK, Ack, new ifinfomsg { ifi_index = index });
        return End(offset);
    }

    /// <inheritdoc cref="LinkDelete(int)"/>
    public RtnlRequest LinkDelete(string name)
    {
        var offset = Begin(rtnetlink.RTM_DELLINK, Ack, default(ifinfomsg));
        _writer.Put(if_link.IFLA_IFNAME, CheckLinkName(name));
        return End(offset);
    }

    /// <summary>
    /// Deletes every link of a group at the cost of one (the wait for an RCU grace period is shared). Fails, and deletes nothing, when
    /// a link of the group cannot be deleted. ENODEV: the group is empty.
    /// </summary>
    /// <param name="group">not 0, which holds every link without a group</param>
    public RtnlRequest LinkDeleteGroup(uint group)
    {
        ArgumentOutOfRangeException.ThrowIfZero(group);
        var offset = Begin(rtnetlink.RTM_DELLINK, Ack, default(ifinfomsg));
        _writer.Put(if_link.IFLA_GROUP, group);
        return End(offset);
    }

    private static ifinfomsg Header(in LinkSpec spec) => new()
    {
        ifi_index = spec.Index,
        ifi_flags = spec.Up ? if_link.IFF_UP : 0,
        ifi_change = spec.Up ? if_link.IFF_UP : 0,
    };

    private int BeginLink(in LinkSpec spec)
    {
        CheckLinkName(spec.Name);
        var offset = Begin(rtnetlink.RTM_NEWLINK, Add, Header(spec));
        PutLink(spec);
        return offset;
    }

    private void PutLink(in LinkSpec spec)
    {
        _writer.Put(if_link.IFLA_IFNAME, CheckLinkName(spec.Name));
        if (spec.NetNs is not null)
            _writer.Put(if_link.IFLA_NET_NS_FD, spec.NetNs.Fd);
        if (spec.Mac is { } mac)
            _writer.Put(if_link.IFLA_ADDRESS, mac);
        if (spec.Mtu != 0)
            _writer.Put(if_link.IFLA_MTU, spec.Mtu);
        if (spec.Group != 0)
            _writer.Put(if_link.IFLA_GROUP, spec.Group);
        if (spec.TxQueueLength is { } length)
            _writer.Put(if_link.IFLA_TXQLEN, length);
        if (spec.TxQueues != 0)
            _writer.Put(if_link.IFLA_NUM_TX_QUEUES, spec.TxQueues);
        if (spec.RxQueues != 0)
            _writer.Put(if_link.IFLA_NUM_RX_QUEUES, spec.RxQueues);
        if (spec.Master != 0)
            _writer.Put(if_link.IFLA_MASTER, spec.Master);
    }

    private void PutAlias(string alias)
    {
        // Without the terminating zero: an empty attribute removes the alias.
        Span<byte> bytes = stackalloc byte[Encoding.UTF8.GetMaxByteCount(255)];
        if (alias.Length > 255 || Encoding.UTF8.GetBytes(alias, bytes) is var length && length > 255)
            throw new ArgumentException($"link alias '{alias}' is longer than 255 bytes", nameof(alias));
        _writer.Put(if_link.IFLA_IFALIAS, bytes[..length]);
    }
}
