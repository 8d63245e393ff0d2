using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

public sealed partial class RtnlBatch
{
    /// <summary>EEXIST: the link knows the address.</summary>
    public RtnlRequest NeighbourAdd(in IpNeighbour neighbour) => Neighbour(rtnetlink.RTM_NEWNEIGH, Add, neighbour);

    /// <summary>Adds the neighbour, or changes its state and MAC.</summary>
    public RtnlRequest NeighbourReplace(in IpNeighbour neighbour) => Neighbour(rtnetlink.RTM_NEWNEIGH, Replace, neighbour);

    /// <summary>ENOENT: the link does not know the address. ENODEV: no such link.</summary>
    public RtnlRequest NeighbourDelete(in IpNeighbour neighbour) => Neighbour(rtnetlink.RTM_DELNEIGH, Ack, neighbour);

    private RtnlRequest Neighbour(ushort type, ushort flags, in IpNeighbour neighbour)
    {
        var state = neighbour.State;
        if (state == NeighbourStates.None && !neighbour.Proxy && type == rtnetlink.RTM_NEWNEIGH)
            state = NeighbourStates.Permanent;
        var header = new ndmsg
        {
            ndm_family = FamilyOf(neighbour.Address.AddressFamily),
            ndm_ifindex = neighbour.LinkIndex,
            ndm_state = (ushort)state,
            ndm_flags = neighbour.Proxy ? Native.neighbour.NTF_PROXY : (byte)0,
        };
        var offset = Begin(type, flags, header);
        _writer.Put(Native.neighbour.NDA_DST, neighbour.Address);
        if (neighbour.Mac is { } mac)
            _writer.Put(Native.neighbour.NDA_LLADDR, mac);
        return End(offset);
    }
}
