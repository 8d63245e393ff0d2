using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

public sealed partial class RtnlBatch
{
    /// <summary>EEXIST: the link has the address.</summary>
    public RtnlRequest AddressAdd(in LinkAddress address) => Address(rtnetlink.RTM_NEWADDR, Add, address);

    /// <summary>Adds the address or changes its flags.</summary>
    public RtnlRequest AddressReplace(in LinkAddress address) => Address(rtnetlink.RTM_NEWADDR, Replace, address);

    /// <summary>EADDRNOTAVAIL: the link does not have it. ENODEV: no such link.</summary>
    public RtnlRequest AddressDelete(in LinkAddress address) => Address(rtnetlink.RTM_DELADDR, Ack, address);

    private RtnlRequest Address(ushort type, ushort flags, in LinkAddress address)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(address.LinkIndex);
        var header = new ifaddrmsg
        {
            ifa_family = FamilyOf(address.Address.Family),
            ifa_prefixlen = (byte)address.Address.Length,
            ifa_flags = (byte)address.Flags,
            ifa_scope = (byte)address.Scope,
            ifa_index = (uint)address.LinkIndex,
        };
        var offset = Begin(type, flags, header);
        _writer.Put(if_addr.IFA_LOCAL, address.Address.Address);
        _writer.Put(if_addr.IFA_ADDRESS, address.Address.Address);
        if (address.Flags != AddressFlags.None)
            _writer.Put(if_addr.IFA_FLAGS, (uint)address.Flags);
        return End(offset);
    }
}
